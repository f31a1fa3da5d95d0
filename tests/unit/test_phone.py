"""Telephone numbers as people write them come out as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.phone import canonical_phone


@pytest.mark.parametrize(
    "written",
    [
        "13900000001",
        "139 0000 0001",
        "139-0000-0001",
        "139.0000.0001",
        "+8613900000001",
        "+86 139 0000 0001",
        "+86-139-0000-0001",
        "(+86)13900000001",
        "（＋８６）１３９０００００００１",
        "008613900000001",
        "0086 139 0000 0001",
        "8613900000001",
        "013900000001",
        "１３９０００００００１",
        " 139\u20130000\u20130001 ",
    ],
)
def test_a_mobile_number_in_many_notations_is_one_number(written):
    assert canonical_phone(written) == "+8613900000001"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("0571-88889999", "+8657188889999"),
        ("(0571) 8888 9999", "+8657188889999"),
        ("（0571）88889999", "+8657188889999"),
        ("+86 (0)571 88889999", "+8657188889999"),
        ("+86-571-88889999", "+8657188889999"),
        ("010-88889999", "+861088889999"),
        ("0999 8889999", "+869998889999"),
        ("0571-88889999-801", "+8657188889999;ext=801"),
        ("0571-8888 9999-801", "+8657188889999;ext=801"),
        ("0571-8888-9999-801", "+8657188889999;ext=801"),
        ("0571-88889999转801", "+8657188889999;ext=801"),
        ("0571-88889999 ext. 801", "+8657188889999;ext=801"),
        ("0571-88889999 分机 801", "+8657188889999;ext=801"),
        ("119", "119"),
        ("12345", "12345"),
        ("95598", "95598"),
        ("400-812-3123", "4008123123"),
        ("+852 2123 4567", "+85221234567"),
        ("00 44 20 7946 0000", "+442079460000"),
        ("", ""),
    ],
)
def test_other_numbers_keep_what_is_needed_to_dial_them(written, canonical):
    assert canonical_phone(written) == canonical
    assert canonical_phone(canonical) == canonical


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("88889999", "has no area code"),
        ("1390000000", "neither a mobile number"),
        ("139000000011", "neither a mobile number"),
        ("12900000001", "neither a mobile number"),
        ("call me", "is no telephone number"),
        ("139****0001", "is no telephone number"),
        ("13900000001/13900000002", "neither"),
        ("+1", "too short or too long"),
        ("+", "is no telephone number"),
    ],
)
def test_what_is_no_number_is_said(written, reason):
    with pytest.raises(ValueError, match=reason):
        canonical_phone(written)


@given(st.text(alphabet="0123456789+-() 转x;ext=.", max_size=22))
def test_what_is_canonical_stays_as_it_is(written):
    try:
        once = canonical_phone(written)
    except ValueError:
        return
    assert canonical_phone(once) == once
