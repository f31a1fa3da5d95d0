"""Who may read the metrics, and what is said of readiness."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from firesense.web import operation
from firesense.web.operation import may_read


@pytest.mark.parametrize(
    ("address", "headers", "token", "given"),
    [
        ("127.0.0.1", {}, "", True),
        ("::1", {}, "", True),
        ("192.0.2.1", {}, "", False),
        ("testclient", {}, "", False),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.1"}, "", False),
        ("127.0.0.1", {"forwarded": "for=192.0.2.1"}, "", False),
        ("127.0.0.1", {"x-real-ip": "127.0.0.1"}, "", False),
        ("127.0.0.1", {}, "secret", False),
        ("192.0.2.1", {"authorization": "Bearer secret"}, "secret", True),
        ("192.0.2.1", {"authorization": "Bearer secre"}, "secret", False),
        ("192.0.2.1", {"authorization": "secret"}, "secret", False),
        ("192.0.2.1", {"authorization": "Bearer geheim-ü"}, "secret", False),
    ],
)
def test_metrics_are_for_this_machine_or_whoever_has_the_token(address, headers, token, given):
    assert may_read(address, headers, token) is given


def test_readiness_is_a_reason_a_line():
    reasons = ["record has not moved for 75 s", "keeper has not moved for 61 s"]
    console = FastAPI()
    console.include_router(operation(lambda: b"firesense_up 1\n", lambda: reasons, "secret"))
    with TestClient(console) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text.splitlines()) == (503, reasons)
        reasons.clear()
        assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ready\n")
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"Authorization": "Bearer secret"}).text == "firesense_up 1\n"
