"""The figures in the console and the API."""

from __future__ import annotations

import io
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass, Finding
from firesense.domain.deed import Actor
from firesense.domain.instant import MINUTE
from tests.console import PASSWORD, Township


@pytest.fixture
def township(tmp_path):
    """A fire that sun took after a minute and closed after ten as a false alarm; a fault nobody has."""
    township = Township(tmp_path)
    fire = township.alarm(1)
    township.alarm(2, AlertClass.FAULT, device="water-1", place="v")
    township.clock.at = fire.raised_at + MINUTE
    township.desk.acknowledge(fire.id, Actor("sun"))
    township.clock.at = fire.raised_at + 10 * MINUTE
    township.desk.close(fire.id, Actor("sun"), Finding.FALSE_ALARM, cause="cooking", though_firing=True)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console()) as client:
        assert client.get("/figures").url.path == "/login", "nobody sees figures without a log-in"
        client.post("/login", data={"name": "station", "password": PASSWORD})
        yield client


def test_the_page_shows_this_month_and_leads_to_places_periods_and_files(client):
    page = client.get("/figures").text
    for words in ("消防安全考评月报", "青河县", "2026-01", "做饭油烟", "柳林镇", "最长 1 分", "100.0%"):
        assert words in page
    for link in ("period=2026-01&amp;place=t", "period=2025-12&amp;place=d", "/figures/pdf?period=2026-01"):
        assert link in page
    assert "period=2026-02" not in page, "what has not begun has no figures"
    assert "孙小梅" not in page, "no single people"
    assert "大槐树村" in client.get("/figures?period=2026&place=t").text


def test_charts_are_drawn_without_script_or_style_of_their_own(client):
    page = client.get("/figures").text
    for piece in page.split("<svg")[1:]:
        drawn = ET.fromstring("<svg" + piece.split("</svg>")[0] + "</svg>")  # noqa: S314 - our own
        assert {each.tag for each in drawn} <= {"line", "rect", "text"}
        assert not any("style" in each.attrib for each in drawn.iter())


@pytest.mark.parametrize(
    ("kind", "begins"), [("pdf", b"%PDF-"), ("csv", "\ufeff统计期,".encode()), ("html", b"<!doctype")]
)
def test_files_are_downloads(client, kind, begins):
    answer = client.get(f"/figures/{kind}?period=2026-Q1&place=t")
    assert answer.content.startswith(begins)
    assert f"figures-2026-Q1-t.{kind}" in answer.headers["content-disposition"]
    if kind == "pdf":
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
        assert "消防安全考评季报" in text


def test_a_file_goes_down_to_the_grids_when_asked(client):
    page = client.get("/figures?period=2026-01").text
    assert 'href="/figures/pdf?period=2026-01&amp;place=d&amp;grids=true"' in page
    assert "grids=true" not in client.get("/figures?period=2026-01&place=v").text, "there is nothing but its grids"
    way = "柳林镇 / 大槐树村 / 第三网格"
    assert way in client.get("/figures/html?period=2026-01&grids=true").text
    assert way not in client.get("/figures/html?period=2026-01").text


def test_programs_get_numbers(client):
    document = client.get("/api/v1/figures", params={"period": "2026-01", "place": "v"}).json()
    assert [one["place"] for one in document["places"]] == ["v", "g"]
    whole = document["places"][0]
    fire = whole["by_class"]["fire"]
    assert (fire["raised"], fire["causes"], fire["findings"]) == (1, {"cooking": 1}, {"false-alarm": 1})
    assert fire["times"]["acknowledge"] == {
        "count": 1,
        "median": 60.0,
        "ninetieth": None,
        "longest": 60.0,
        "target": timedelta(minutes=5).total_seconds(),
        "late": 0,
        "due": 1,
    }
    assert whole["by_class"]["fault"]["open"] == 1
    assert whole["devices"] == {"total": 3, "silent": 0, "in_alarm": 0, "in_fault": 1, "online": 3}
    assert document["starts_at"] == "2025-12-31T16:00:00Z"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"period": "soon"}, 422),
        ({"period": "0001"}, 422),
        ({"period": "0001-01"}, 422),
        ({"period": "9999-Q4"}, 422),
        ({"period": "1999-12-31..2000-01-01"}, 422),
        ({"place": "nowhere"}, 404),
    ],
)
def test_what_cannot_be_shown_is_said(client, asked, status):
    for path in ("/figures", "/figures/csv", "/api/v1/figures"):
        answer = client.get(path, params=asked)
        assert answer.status_code == status
        assert (asked.get("period") or asked.get("place")) in answer.text


def test_a_month_of_years_ago_is_empty_and_there(client):
    answer = client.get("/figures?period=2020-02")
    assert answer.status_code == 200
    assert "2020-02-29" in answer.text
