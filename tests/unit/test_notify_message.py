from dataclasses import replace

import pytest

from firesense.domain.alert import AlertClass, Grade
from firesense.domain.escalation import Purpose
from firesense.domain.instant import MINUTE
from firesense.domain.plan import Plan
from firesense.notify.masking import masked
from firesense.notify.message import compose
from firesense.notify.robot import shortened
from firesense.text import LANGUAGES, TEXTS
from tests.calls import NOW, PLAN, alert, call


def test_a_fire_in_chinese():
    made = compose(call(), alert(), PLAN, console_url="https://console.example.com")
    assert made.title == "【火警】三组 · smoke-0007"
    assert made.body.splitlines() == [
        "情况：探测到烟雾",
        "位置：清河区 / 青溪镇 / 上河村 / 三组",
        "设备：smoke-0007 厨房",
        "读数：烟雾浓度 0.2512 dB/m",
        "时间：2026-01-02 11:04:03",
    ]
    assert made.link == "https://console.example.com/alerts/AB12CD34EF"


def test_a_fire_in_english_higher_up():
    made = compose(call(language="en", rung=1, round=2), alert(), PLAN)
    assert made.title == "[Fire] 三组 · smoke-0007"
    assert "What: Smoke detected" in made.body
    assert "Reading: Smoke density 0.2512 dB/m" in made.body
    assert "Climb: round 3, rung 2" in made.body
    assert made.link == ""


@pytest.mark.parametrize(
    ("alert_changes", "call_changes", "title"),
    [
        ({"late": True}, {}, "【火警·迟到】"),
        ({"alert_class": AlertClass.TEST}, {}, "【测试】"),
        ({"alert_class": AlertClass.HAZARD, "grade": Grade.GENERAL}, {}, "【一般隐患】"),
        ({"alert_class": AlertClass.FAULT}, {}, "【故障】"),
        ({}, {"purpose": Purpose.CLEARED}, "【火警解除】"),
        ({"alert_class": AlertClass.FAULT}, {"purpose": Purpose.CLEARED}, "【故障恢复】"),
        ({}, {"purpose": Purpose.NOTICE}, "【无人接警】"),
        ({"late": True}, {"language": "en"}, "[Fire, late]"),
        ({"alert_class": AlertClass.HAZARD}, {"language": "en"}, "[major hazard]"),
    ],
)
def test_the_title_says_what_it_is(alert_changes, call_changes, title):
    assert compose(call(**call_changes), alert(**alert_changes), PLAN).title.startswith(title)


def test_who_comes_on_duty_is_led_to_the_hand_over_report_of_the_place():
    given = call(purpose=Purpose.HANDOVER, place="t-一", detail={"open": "3", "waiting": "1"})
    made = compose(given, alert(), PLAN, console_url="https://console.example.com")
    assert made.link == "https://console.example.com/rosters/handover?place=t-%E4%B8%80"
    assert compose(given, alert(), PLAN).link == ""


def test_late_test_and_cleared_say_so_in_the_body():
    assert "收到：2026-01-02 11:04:05（迟到）" in compose(call(), alert(late=True), PLAN).body
    assert "这是测试" in compose(call(), alert(alert_class=AlertClass.TEST), PLAN).body
    over = compose(call(purpose=Purpose.CLEARED), alert(cleared_at=NOW + MINUTE), PLAN)
    assert "恢复：2026-01-02 11:05:05" in over.body


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_no_reading_where_there_is_none(value):
    assert "读数" not in compose(call(), alert(value=value), PLAN).body


def test_temperatures_and_counts_read_well():
    hot = alert(device_class="electrical", metric="cable_temperature_2", value=91.0)
    assert "线缆温度2 91 °C" in compose(call(), hot, PLAN).body
    arcs = alert(device_class="electrical", metric="arc_count", value=14.0)
    assert "故障电弧数 14\n" in compose(call(), arcs, PLAN).body


def test_what_the_plan_does_not_know_is_called_by_its_id():
    made = compose(call(), alert(device="?0099", place="gone", text={}, metric="unheard"), Plan())
    assert made.title == "【火警】gone · ?0099"
    assert "情况：smoke-fire" in made.body


def test_names_stay_on_one_line_and_short():
    made = compose(call(), alert(place="a\nb" + "x" * 200, text={"zh": "{device}\r\nBcc: x"}), Plan())
    assert "\n" not in made.title
    assert len(made.title) < 120
    assert "情况：{device} Bcc: x\n" in made.body


def test_every_class_and_purpose_has_words_in_both_languages():
    for language in LANGUAGES:
        for alert_class in AlertClass:
            for purpose in Purpose:
                made = compose(
                    call(language=language, purpose=purpose), replace(alert(), alert_class=alert_class), PLAN
                )
                assert made.title
    assert all(all(pair) for key, pair in TEXTS.items() if key.startswith("call."))


def test_texts_are_shortened_between_characters():
    text = "火警" * 1000
    short = shortened(text, 2048)
    assert len(short.encode()) <= 2048
    assert short.endswith("…")
    assert text.startswith(short[:-1])
    assert shortened("火警", 6) == "火警"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("13800001234", "138**34"),
        ("lin@example.com", "l**@example.com"),
        ("a1b2c3d4e5f6:SECRET@13800001234", "a1b**34"),
        ("https://user:pass@hook.example.com/key/1", "https://hook.example.com/…"),
        ("short", "s**"),
        ("", "**"),
    ],
)
def test_addresses_are_masked(address, shown):
    assert masked(address) == shown


def test_an_alert_of_an_event_names_the_first_one():
    told = compose(call(), alert(incident="FIRST00000"), PLAN)
    assert "首起警情：FIRST00000" in told.body
    assert "首起警情" not in compose(call(), alert(incident="AB12CD34EF"), PLAN).body, "it is the first itself"
