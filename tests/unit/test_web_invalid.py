"""What a program sent and cannot be used is said in its language, fault by fault."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic_core.core_schema import ErrorType
from starlette.testclient import TestClient

import firesense.web
from firesense.text import TEXTS
from firesense.web.answers import SAID_AS
from tests.console import PASSWORD, Township


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console(), headers={"accept-language": "zh"}) as client:
        session = client.post("/api/v1/session", json={"name": "station", "password": PASSWORD})
        client.headers["x-csrf-token"] = session.json()["csrf"]
        yield client


def faults(answer):
    assert answer.status_code == 422
    return {each["path"]: each["reason"] for each in answer.json()["errors"]}


WHERE = {"latitude": 39.9, "longitude": 116.4}


@pytest.mark.parametrize(
    ("deed", "said", "path", "reason"),
    [
        ("whistle", {"reason": " "}, "body.reason", "至少 1 个字符"),
        ("whistle", {}, "body.reason", "缺少此项"),
        ("whistle", {"reason": 7}, "body.reason", "应为文字"),
        ("whistle", {"reason": "断电" * 300}, "body.reason", "最多 500 个字符"),
        ("whistle", {"reason": "断电", "rung": 0}, "body.rung", "不得小于 1"),
        ("whistle", {"reason": "断电", "rung": "first"}, "body.rung", "应为整数"),
        ("whistle", {"reason": "断电", "rung": 1.5}, "body.rung", "应为整数"),
        ("silence", {"ground": "because"}, "body.ground", "只能是 'below-limit'、'video'、'on-site'"),
        ("verify", {"finding": "fire", "position": WHERE | {"latitude": 91}}, "body.position.latitude", "不得大于 90"),
        ("verify", {"finding": "fire", "position": WHERE | {"latitude": []}}, "body.position.latitude", "应为数字"),
        ("verify", {"finding": "fire", "position": 5}, "body.position", "应为对象"),
    ],
)
def test_a_fault_of_a_value_is_said_in_chinese(client, township, deed, said, path, reason):
    answer = client.post(f"/api/v1/alerts/{township.alarm().id}/{deed}", json=said)
    assert faults(answer)[path] == reason


def test_a_fault_is_said_in_english_and_one_of_ours_in_both(client, township):
    url = f"/api/v1/alerts/{township.alarm().id}"
    english = {"accept-language": "en"}
    answer = client.post(f"{url}/silence", json={"ground": "because"}, headers=english)
    assert faults(answer) == {"body.ground": "Should be one of 'below-limit', 'video', 'on-site'"}
    assert faults(client.post(f"{url}/dispatch", json={})) == {"body": "岗位与人员只能且须填写一项"}
    told = faults(client.post(f"{url}/dispatch", json={}, headers=english))
    assert told == {"body": "Give a role or a person, and not both"}


def test_what_no_document_has_is_said_to_be_none(client):
    asked = {"kind": "leave", "person": "li-na", "begins": "2026-01-02T08:00:00+08:00", "nonsense": 1}
    assert faults(client.post("/api/v1/rosters/leave", json=asked))["body.nonsense"] == "没有此项"


def test_what_is_no_json_is_said_to_be_none(client, township):
    url = f"/api/v1/alerts/{township.alarm().id}/whistle"
    answer = client.post(url, content=b'{"reason": ', headers={"content-type": "application/json"})
    assert list(faults(answer).values()) == ["不是有效的 JSON"]


# -- every kind of fault has words ------------------------------------------------------------------------------------
# Faults of kinds of values: what they begin with, or are called, by what a schema that gives them holds.
OF_KINDS = {
    "bytes": "bytes_",
    "complex": "complex_",
    "decimal": "decimal_",
    "fraction": "fraction_",
    "multiple_of": "multiple_of",
    "now_op": ("date_past", "date_future", "datetime_past", "datetime_future"),
    "set": "set_",
    "tagged-union": "union_tag_",
    "time": ("time_type", "time_parsing"),
    "timedelta": "time_delta_",
    "tuple": "tuple_",
    "url": "url_",
    "uuid": "uuid_",
}
# Faults of what lives in a program; no request holds any.
OF_PROGRAMS = """
arguments_type callable_type counter_type dataclass_exact_type dataclass_type datetime_object_invalid
default_factory_not_called deque_type ellipsis_error frozen_dict_type frozen_field frozen_instance frozen_set_type
get_attribute_error is_instance_of is_subclass_of iteration_error mapping_type missing_argument
missing_keyword_only_argument missing_positional_only_argument missing_sentinel_error multiple_argument_values
named_tuple_type needs_python_object no_such_attribute ordered_dict_type recursion_loop set_item_not_hashable
unexpected_keyword_argument unexpected_positional_argument
"""


def documents(of=BaseModel):
    for each in of.__subclasses__():
        if each.__module__.startswith("firesense.web."):
            yield each
        yield from documents(each)


def kinds(schema):
    """What kinds of values a schema of the library holds, and which of its options that give faults of their own."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema["type"]
        yield from schema.keys() & {"multiple_of", "now_op"}
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list | tuple) else ()
    for each in inner:
        yield from kinds(each)


def test_text_that_is_none_is_said_to_be_none(client, township):
    url, json = f"/api/v1/alerts/{township.alarm().id}/whistle", {"content-type": "application/json"}
    answer = client.post(url, content=b'{"reason": "\\ud800"}', headers=json)
    assert faults(answer)["body.reason"] == "不是有效的 Unicode 文字"


def test_every_kind_of_fault_that_a_document_can_have_has_words():
    found = {kind for document in documents() for kind in kinds(document.__pydantic_core_schema__)}
    assert {"str", "datetime", "enum", "model"} <= found
    absent = tuple(name for kind, names in OF_KINDS.items() if kind not in found for name in flat(names))
    wordless = {
        fault
        for fault in get_args(ErrorType)
        if f"invalid.{SAID_AS.get(fault, fault)}" not in TEXTS
        and fault not in OF_PROGRAMS.split()
        and not fault.startswith(absent)
    }
    assert not wordless


def flat(names):
    return (names,) if isinstance(names, str) else names


def test_what_documents_look_at_themselves_has_words_of_its_own():
    """No validator of ours says what is wrong in one language alone."""
    ours, plain = set(), set()
    for file in Path(firesense.web.__file__).parent.glob("*.py"):
        for each in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(each, ast.Call) and getattr(each.func, "id", "") == "PydanticCustomError":
                ours.add(each.args[0].value)
            looks = isinstance(each, ast.FunctionDef) and "_validator" in "".join(map(ast.dump, each.decorator_list))
            raised = [ast.dump(it) for it in ast.walk(each) if isinstance(it, ast.Raise | ast.Assert)] if looks else []
            plain |= {f"{file.name}:{each.name}" for one in raised if "PydanticCustomError" not in one}
    assert "role_or_person" in ours
    assert not {fault for fault in ours if f"invalid.{fault}" not in TEXTS}
    assert not plain
