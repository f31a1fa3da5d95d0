"""JSON: what the struct takes, and the reason for what it does not."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.decode import DECODERS
from firesense.domain.frame import Reason
from firesense.domain.profile import MetricSpec, Profile, SignalSpec, TimeFormat, TimeSpec

GOOD = b'{"a":1.5,"alarm":1}'


def _decoder(*, numbers=("a",), flags=("alarm",), words=(), time=None, dialect="json", **options):
    return DECODERS[dialect](
        Profile(
            "made-up",
            "smoke",
            dialect,
            ("made/{device}",),
            timedelta(minutes=5),
            tuple(MetricSpec("temperature", source, "degC") for source in numbers),
            tuple(SignalSpec("fire", source, (1,)) for source in flags)
            + tuple(SignalSpec("test", source, ("Pushed",)) for source in words),
            time=time,
            options=options,
        )
    )


def _same(left, right):
    return np.array_equal(left, right, equal_nan=True)


def test_flat_numbers_and_flags_become_float_columns():
    decoded = _decoder().decode([GOOD, b'{"alarm":false,"x":[{"y":null}]}', b'{"a":null,"alarm":true}'])
    assert decoded.bad == []
    assert decoded.frame.tolist() == [0, 1, 2]
    assert _same(decoded.numbers["a"], [1.5, np.nan, np.nan])
    assert _same(decoded.numbers["alarm"], [1, 0, 1])


def test_nested_objects_and_lists_are_reached():
    decoder = _decoder(numbers=("data.p", "i.2", "rx.0.rssi"), flags=("data.on",))
    decoded = decoder.decode(
        [
            b'{"data":{"p":1,"on":true},"i":[1,2,3,4],"rx":[{"rssi":-9,"z":{}},{"rssi":-99}]}',
            b'{"data":null,"i":[1,"x",3],"rx":[]}',
            b'{"i":[1],"rx":[null]}',
            b"{}",
        ]
    )
    assert decoded.bad == []
    assert _same(decoded.numbers["data.p"], [1, np.nan, np.nan, np.nan])
    assert _same(decoded.numbers["data.on"], [1, np.nan, np.nan, np.nan])
    assert _same(decoded.numbers["i.2"], [3, 3, np.nan, np.nan])
    assert _same(decoded.numbers["rx.0.rssi"], [-9, np.nan, np.nan, np.nan])


def test_keys_that_only_look_like_places_are_names():
    decoder = _decoder(numbers=("007.x", "m.1.v", "m.b.v"), flags=())
    decoded = decoder.decode([b'{"007":{"x":7},"m":{"1":{"v":1},"b":{"v":2}}}'])
    assert {name: column.tolist() for name, column in decoded.numbers.items()} == {
        "007.x": [7],
        "m.1.v": [1],
        "m.b.v": [2],
    }


def test_words_and_written_times_are_kept_as_they_were_sent():
    decoder = _decoder(words=("w",), time=TimeSpec("t", TimeFormat.ISO8601))
    decoded = decoder.decode(['{"w":"Pushed","t":"下午"}'.encode(), b'{"w":1}', b'{"w":true,"t":null}'])
    assert list(decoded.texts["w"]) == ["Pushed", 1, True]
    assert list(decoded.texts["t"]) == ["下午", None, None]


@pytest.mark.parametrize(
    ("payload", "flag"),
    [
        (b'{"a":"hot","alarm":1}', 1),
        (b'{"a":NaN,"alarm":true}', 1),
        (b'{"alarm":0,"a":[1]}', 0),
        (b'{"alarm":1,"x":"\xb3\xf8"}', 1),
        (b"\xef\xbb\xbf" + GOOD, 1),
        (GOOD + b"\x00\x00", 1),
        (GOOD + b'{"alarm":0}', 1),
        (b'{"alarm":1,"x":"a\tb"}', 1),
        (b'{"alarm":1,"a":' + b"9" * 5000 + b"}", 1),
        (b'{"a":"x","alarm":" 1 "}', 1),
        (b'{"a":"x","alarm":"False"}', 0),
        (b'{"a":"x","alarm":"yes"}', np.inf),
        (b'{"a":"x","alarm":Infinity}', np.inf),
        (b'{"a":"x","alarm":""}', np.nan),
        (b'{"a":"x","alarm":null}', np.nan),
        (b'{"a":"x","alarm":NaN}', np.nan),
        (b'{"a":"x","alarm":{"on":1}}', np.nan),
        (b'{"a":"x"}', np.nan),
        (b'{"alarm":1,"a":1.', None),
        (b"online", None),
        (b"", None),
        (b'{"x":' + b"[" * 100_000, None),
        (b"7", None),
    ],
)
def test_of_a_refused_payload_each_field_is_read_by_itself(payload, flag):
    decoded = _decoder().salvage([b"", payload])
    assert decoded.bad == []
    assert decoded.frame.tolist() == ([] if flag is None else [1])
    assert _same(decoded.numbers["alarm"], [] if flag is None else [flag])


def test_salvaging_follows_paths_and_keeps_words():
    decoder = _decoder(numbers=("i.2",), flags=("rx.0.on",), words=("d.w",))
    decoded = decoder.salvage([b'{"i":[1],"rx":[{"on":1}],"d":{"w":"Pushed"}}', b'{"i":{"2":5},"rx":{},"d":[]}'])
    assert _same(decoded.numbers["rx.0.on"], [1, np.nan])
    assert decoded.texts == {"d.w": ["Pushed", None]}


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (b"", Reason.MALFORMED, "empty"),
        (b" \n", Reason.MALFORMED, "empty"),
        (b'{"a":1.5', Reason.MALFORMED, "delimiter"),
        (b'{"a":1}{"a":2}', Reason.MALFORMED, "Extra data"),
        (b"online", Reason.MALFORMED, "Expecting value"),
        (b"\xef\xbb\xbf" + GOOD, Reason.MALFORMED, "BOM"),
        (b'{"x":' + b"[" * 100_000, Reason.MALFORMED, "nested too deeply"),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Reason.MALFORMED, "nested too deeply"),
        (b'{"x":"\xff","a":1}', Reason.NOT_UTF8, "byte 6"),
        (b'{"a":1,"x":"\xe4\xb8"}', Reason.NOT_UTF8, "byte 12"),
        (b'{"a":"12"}', Reason.WRONG_TYPE, "$.a"),
        (b'{"a":true}', Reason.WRONG_TYPE, "$.a"),
        (b'{"a":[1]}', Reason.WRONG_TYPE, "$.a"),
        (b'{"alarm":"1"}', Reason.WRONG_TYPE, "$.alarm"),
        (b"[]", Reason.WRONG_TYPE, "object"),
        (b"null", Reason.WRONG_TYPE, "object"),
        (b'{"a":NaN}', Reason.NOT_FINITE, "NaN"),
        (b'{"a":-Infinity}', Reason.NOT_FINITE, "-Infinity"),
        (b'{"x":NaN,"a":1}', Reason.NOT_FINITE, "NaN"),
        (b'{"a":1e400}', Reason.NOT_FINITE, "range"),
        (b'{"a":' + b"9" * 5000 + b"}", Reason.NOT_FINITE, "range"),
        (b'{"a":99999999999999999999999}', None, ""),
        (b'{"a":1,"a":2}', None, ""),
    ],
)
def test_one_bad_frame_costs_one_frame(payload, reason, detail):
    decoded = _decoder().decode([GOOD, payload, GOOD])
    if reason is None:
        assert decoded.bad == []
        return
    ((at, why, said),) = decoded.bad
    assert (at, why) == (1, reason)
    assert detail in said
    assert decoded.frame.tolist() == [0, 2]
    assert _same(decoded.numbers["a"], [1.5, 1.5])


def test_of_a_key_that_stands_twice_the_last_counts():
    assert _same(_decoder().decode([b'{"a":1,"a":2}']).numbers["a"], [2])


def test_numbers_as_text_are_read_where_the_profile_allows_them():
    decoder = _decoder(numbers_as_text=True)
    decoded = decoder.decode([b'{"a":"12","alarm":"1"}', b'{"a":"inf"}', b'{"a":" 1"}', b'{"a":3}'])
    assert _same(decoded.numbers["a"], [12, 3])
    assert _same(decoded.numbers["alarm"], [1, np.nan])
    assert {(at, reason) for at, reason, _ in decoded.bad} == {(1, Reason.NOT_FINITE), (2, Reason.WRONG_TYPE)}


@pytest.mark.parametrize(
    "payload", [GOOD, b'{"data":{"p":1.25},"alarm":0,"n":[1,{"x":"y"}]}', '{"名":"厨房"}'.encode()]
)
def test_every_strict_prefix_is_refused(payload):
    decoder = _decoder(numbers=("a", "data.p"))
    prefixes = [payload[:length] for length in range(len(payload))]
    decoded = decoder.decode(prefixes)
    assert len(decoded) == 0
    assert [at for at, *_ in decoded.bad] == list(range(len(prefixes)))
    assert {reason for _, reason, _ in decoded.bad} <= {Reason.MALFORMED, Reason.NOT_UTF8}


def test_an_empty_batch_has_all_columns():
    for decoder in (_decoder(), _decoder(numbers=("a.b",), words=("w",))):
        decoded = decoder.decode([])
        assert len(decoded) == 0
        assert all(len(column) == 0 for column in (*decoded.numbers.values(), *decoded.texts.values()))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abxy01"), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(_JSON | st.fixed_dictionaries({"a": _JSON, "b": _JSON}), max_size=6))
def test_what_is_read_is_what_json_says(documents):
    decoder = _decoder(numbers=("a", "b.x", "b.y.1"), flags=())
    decoded = decoder.decode([json.dumps(document).encode() for document in documents])
    assert sorted([*decoded.frame.tolist(), *(at for at, *_ in decoded.bad)]) == list(range(len(documents)))
    for row, at in enumerate(decoded.frame.tolist()):
        value = documents[at].get("a")
        assert _same(decoded.numbers["a"][row], np.nan if value is None else float(value))
        inner = documents[at].get("b") or {}
        value = inner.get("x")
        assert _same(decoded.numbers["b.x"][row], np.nan if value is None else float(value))


@pytest.mark.parametrize("sources", [("a", "a.b"), ("a.b", "a"), ("a.300",)])
def test_sources_that_contradict_one_another_are_not_compiled(sources):
    with pytest.raises(ValueError, match=r"value|inside|element"):
        _decoder(numbers=sources)
