"""Telephone numbers as people write them come out as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.phone import canonical_phone, without_phones


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("号码13900000011在黑名单 张伟", "号码139**11在黑名单 张伟"),
        ("请联系 +86 139 0000 0011。", "请联系 +86**11。"),
        ("139-0000-0011/0571-88889999", "139**11/057**99"),
        ("１３９００００００１１", "１３９**１１"),
        ("isv.BUSINESS_LIMIT_CONTROL (errcode 310000)", "isv.BUSINESS_LIMIT_CONTROL (errcode 310000)"),
        ("HTTP 503, request 7F3A13900000011B", "HTTP 503, request 7F3A13900000011B"),
        ("2026-01-15 08:00 192.0.2.17:8883", "2026-01-15 08:00 192.0.2.17:8883"),
        ("110 119 95598", "110 119 95598"),
        ("", ""),
    ],
)
def test_numbers_in_what_others_wrote_are_masked(text, shown):
    assert without_phones(text) == shown
    assert without_phones(shown) == shown, "masked once is masked"
