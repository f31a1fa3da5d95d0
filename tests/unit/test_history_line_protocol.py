"""Line protocol: what is written can be read by the letter of the specification, row for row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.device import Registry
from firesense.history.line_protocol import LineWriter, escaped, portable
from tests.contract.influx_fake import parse_line
from tests.frames import T0
from tests.readings import device, readings, registry_of

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"slot": st.integers(0, 3), "at": st.integers(0, 10**12), "quality": st.integers(0, 127)},
        optional={
            "temperature": FLOATS,
            "humidity": FLOATS,
            "contamination": FLOATS,
            "fire": st.sampled_from([-1, 0, 1]),
            "test": st.sampled_from([-1, 0, 1]),
        },
    ),
    max_size=30,
)


def lines(*rows, registry=None, **rest):
    return LineWriter().write([readings(*rows, **rest)], registry or registry_of()).texts


def test_a_line_by_hand():
    assert lines({"temperature": 20.5, "humidity": 1e-7, "fire": 1, "quality": 5, "at": 17}) == [
        f"smoke,device=smoke-0,place=riverside-3 temperature=20.5,humidity=1e-7,fire=1i,quality=5i {T0 + 17}"
    ]


@given(ROWS)
def test_every_row_is_one_line_in_its_place(rows):
    written = lines(*rows)
    assert len(written) == len(rows)
    for row, line in zip(rows, written, strict=True):
        measurement, tags, fields, at = parse_line(line)
        said = {
            name: value
            for name, value in row.items()
            if name not in {"slot", "at"} and (value != -1 if name in {"fire", "test"} else np.isfinite(value))
        }
        assert (measurement, at, fields) == ("smoke", T0 + row["at"], said)
        assert tags == {"device": f"smoke-{row['slot']}", "place": "riverside-3"}
        assert all(type(fields[name]) is int for name in ("fire", "test", "quality") if name in fields)
        assert all(type(fields[name]) is float for name in ("temperature", "humidity") if name in fields)


@given(st.text(min_size=1))
def test_any_tag_stays_one_tag(text):
    line = f"smoke,device={escaped(text)} quality=0i 1"
    assert "\n" not in line
    assert parse_line(line)[1] == {"device": portable(text)}


@pytest.mark.parametrize(
    ("text", "kept", "written"),
    [
        ("a b,c=d", "a b,c=d", "a\\ b\\,c\\=d"),
        ("a\\b\\", "a/b/", "a/b/"),
        ("a\nb\tc", "a b c", "a\\ b\\ c"),
        ("南街3号", "南街3号", "南街3号"),
        ("\ud800", "?", "?"),
    ],
)
def test_what_a_store_keeps_of_a_tag(text, kept, written):
    assert (portable(text), escaped(text)) == (kept, written)


def test_offsets_go_with_their_lines():
    tables = [
        readings({"temperature": 1.0, "offset": 7}, {"temperature": 2.0, "offset": 7}),
        readings(),
        readings({"slot": 0, "pressure": 0.3, "offset": 5}, device_class="water"),
    ]
    written = LineWriter().write(tables, Registry([device(), device(device_class="water")]))
    assert written.offsets.tolist() == [7, 7, 5]
    assert written.body(1, 3).decode().split("\n") == written.texts[1:]


def test_another_registry_gives_other_tags():
    writer = LineWriter()
    table = readings({"temperature": 20.0})
    places = [
        parse_line(writer.write([table], registry_of(place=place)).texts[0])[1].get("place")
        for place in ("riverside-3", "hillside-1", "")
    ]
    assert places == ["riverside-3", "hillside-1", None]


def test_a_slot_nobody_has_is_an_error():
    with pytest.raises(KeyError):
        lines({"slot": 9, "temperature": 1.0})
