"""Texts for channels with little room: they fit whatever things are called, and can be spoken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import Purpose
from firesense.domain.instant import HOUR, MINUTE
from firesense.domain.place import Org, Place
from firesense.domain.plan import Plan
from firesense.domain.rollcall import ROLL_CALL
from firesense.notify.links import Links
from firesense.notify.message import compose, compose_bundle
from firesense.notify.room import FACTS, cut, filled, pattern_faults, short_text, spoken_text, units, variables
from firesense.notify.speech import digits, spoken
from firesense.text import LANGUAGES, say
from tests.calls import GRID, NOW, PEOPLE, PLACES, PLAN, POSTS, alert, call

LINKS = Links(b"a made-up secret of some length", "https://console.example.org")
EXTREME = ("", "一", "极" * 500, "🔥" * 80, "<script>alert(1)</script>" * 9, "a b\n\t" * 50, "{mark}{0}%s", "】【")
NAMES = st.one_of(st.sampled_from(EXTREME), st.text(max_size=200))


def message(name="上河村", what="探测到烟雾", language="zh", alert_class=AlertClass.FIRE, **changes):
    places = [*PLACES[:-1], Place(GRID, name, "grid", PLACES[-1].parent)]
    about = alert(alert_class, text={"zh": what, "en": what})
    told = call(language=language, urgent=alert_class is AlertClass.FIRE, **changes)
    return compose(told, about, Plan(registry=PLAN.registry, org=Org(places, POSTS, PEOPLE)), links=LINKS)


@given(NAMES, NAMES, st.sampled_from(["zh", "en"]), st.sampled_from(list(AlertClass)), st.sampled_from([70, 134, 201]))
def test_a_text_message_fits_its_parts_and_keeps_the_kind_of_alert_and_the_code(
    name, what, language, alert_class, most
):
    told = message(name, what, language, alert_class)
    text = short_text(told, "", most)
    assert units(text) <= most
    assert told.facts["mark"] in text
    assert text.endswith(("回复" + told.code + "接警", f"Reply {told.code} to take it"))


@given(NAMES, NAMES, st.sampled_from([4, 12, 20, 35]), st.booleans())
def test_every_place_of_a_template_fits(name, what, most, speak):
    patterns = {fact: f"{{{fact}}}" for fact in FACTS} | {"all": "{mark}{place}{what}"}
    given_places = variables(message(name, what), patterns, most, speak=speak)
    assert given_places.keys() == patterns.keys()
    assert all(units(value) <= most for value in given_places.values())


@given(NAMES, st.sampled_from(["zh", "en"]), st.integers(20, 200))
def test_what_is_spoken_fits_and_holds_nothing_that_cannot_be_said(name, language, most):
    told = spoken_text(message(name, language=language), "{mark}，{place}，{clock}", most)
    assert units(told) <= most
    assert not set("【】[]<>{}_#*|\\") & set(told)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0.25 MPa", "零点二五兆帕"),
        ("300 mA", "三百毫安"),
        ("-3.5 °C", "负三点五摄氏度"),
        ("15 %", "百分之十五"),
        ("11:04", "十一点零四分"),
        ("23:00:09", "二十三点整"),
        ("上河村3组", "上河村三组"),
        ("10", "十"),
        ("105", "一百零五"),
        ("10203040", "一千零二十万三千零四十"),
        ("013800", "零一三八零零"),
        ("【火警】三组 · 12号", "火警 三组 十二号"),
    ],
)
def test_numbers_are_read_out_as_people_say_them(written, said):
    assert spoken(written, "zh") == said


def test_a_code_is_read_digit_by_digit():
    assert digits("4070") == "四零七零"


def test_a_text_is_never_cut_through_a_character():
    assert cut("🔥🔥🔥", 4) == "🔥…"
    assert cut("火警", 2) == "火警"
    assert cut("火警", 0) == ""


def test_names_are_shortened_before_anything_else():
    text = filled("{mark}：{place}，{what}", {"mark": "火警", "place": "青溪镇上河村", "what": "探测到烟雾" * 20}, 20)
    assert text.startswith("火警：青溪镇上河村，探测")
    assert units(text) == 20


@pytest.mark.parametrize("pattern", ["{nobody}", "{mark.__class__}", "{0}", "{", "{mark!x}"])
def test_a_pattern_may_hold_facts_and_nothing_else(pattern):
    assert pattern_faults(pattern)
    assert not pattern_faults("{mark} {place} {code} {{x}}")


def test_a_bundle_says_how_many_of_what_and_is_the_same_message_whenever_it_is_made():
    fault, hazard = alert(AlertClass.FAULT, id="FAULT00001"), alert(AlertClass.HAZARD, id="HAZARD0001")
    pairs = [(call(key="a", alert=fault.id), fault), (call(key="b", alert=hazard.id), hazard)] * 15
    told = compose_bundle(pairs, PLAN)
    assert told.title == "【30 条通知】故障 15、重大隐患 15"
    assert len(told.body.splitlines()) == 21
    assert told.body.endswith("另有 10 条，见平台")
    assert told.bundled == 30
    assert compose_bundle(pairs[::-1], PLAN).call.key == told.call.key
    assert units(short_text(told, "", 70)) <= 70


# -- nothing twice, and nothing that is not needed where every character counts ---------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
def test_which_alert_came_first_is_in_long_texts_and_not_in_short_ones(language):
    first = say("alert.first-out", language, device="smoke-0003", alert="J7EP99ZQR0")
    told = message(what=f"探测到烟雾{first}", language=language)
    assert "J7EP99ZQR0" in told.body
    assert told.facts["what"] == "探测到烟雾"
    assert "探测到烟雾" in short_text(told, "", 134)
    assert "smoke-0003" not in short_text(told, "", 134)


def test_a_text_message_says_the_place_of_a_coincidence_once():
    told = message("老庄村第一网格", "老庄村第一网格 有两台以上报警器报火警")
    assert short_text(told, "", 70).startswith("火警：老庄村第一网格，有两台以上报警器报火警，11:04。")
    places = {"place": "{place}", "what": "{what}"}
    assert variables(told, places, 20) == {"place": "老庄村第一网格", "what": "有两台以上报警器报火警"}
    assert spoken_text(told, "{mark}。{place}，{what}。", 99) == "火警。老庄村第一网格，有两台以上报警器报火警。"
    assert short_text(told, "{what}", 70) == "老庄村第一网格 有两台以上报警器报火警", "nothing else says where"
    english = message("Grid 1", "Grid 1: more than one detector says fire", "en")
    assert short_text(english, "", 134).startswith("Fire: Grid 1, more than one detector says fire, 11:04.")


def test_a_name_that_a_sentence_goes_on_with_stays():
    assert "上河村，上河村水压不足" in short_text(message("上河村", "上河村水压不足"), "", 70)
    assert "上河村，上河村，" in short_text(message("上河村", "上河村"), "", 70)


def test_a_text_message_says_once_that_it_is_a_roll_call():
    asked = say("alert.roll-call", "zh", role="消防工作站值班员", seconds=60)
    about = alert(AlertClass.TEST, rule=ROLL_CALL, device="", text={"zh": asked})
    text = short_text(compose(call(), about, PLAN), "", 70)
    assert text.startswith("查岗：三组，消防工作站值班员请在 60 秒内应答（接警即为应答），")


# -- what somebody typed, and until when ------------------------------------------------------------------------------
def test_the_order_is_in_the_text_message():
    ordered = message(purpose=Purpose.DISPATCH, detail={"by": "wang", "note": "带破拆工具，\n3楼有老人"})
    text = short_text(ordered, "", 70)
    assert "wang：带破拆工具， 3楼有老人。" in text
    assert text.startswith("火警·请到场：上河村，探测到烟雾，")
    handed = message(purpose=Purpose.HANDED_ON, detail={"by": "wang", "note": "我在救护车上"})
    assert "我在救护车上" in short_text(handed, "", 70)
    whistled = message(purpose=Purpose.WHISTLE, strand="w1", detail={"by": "wang", "reason": "需断电"})
    assert "wang：需断电" in short_text(whistled, "", 70)


def test_what_must_be_done_about_a_hazard_and_until_when_is_in_the_text_message():
    detail = {"until_at": str(NOW + 29 * HOUR), "note": "清空楼道"}
    told = message(alert_class=AlertClass.HAZARD, purpose=Purpose.ASSIGNED, detail=detail)
    assert "期限1月3日 16:04。清空楼道。" in short_text(told, "", 70)
    assert told.body.splitlines()[0] == "由您负责整改，期限：2026-01-03 16:04:05。说明：清空楼道"
    whole_day = {"until_at": str(NOW + 12 * HOUR + 55 * MINUTE)}
    told = message(alert_class=AlertClass.HAZARD, purpose=Purpose.REMINDER, detail=whole_day, language="en")
    assert "By 1/2." in short_text(told, "", 134)


@given(NAMES, NAMES, NAMES, st.sampled_from([70, 134, 201]))
def test_a_text_message_with_an_order_fits_and_keeps_its_first_words(name, what, by, most):
    note = "带破拆工具" + "，3楼有老人" * 60
    told = message(name, what, purpose=Purpose.DISPATCH, detail={"by": by, "note": note})
    text = short_text(told, "", most)
    assert units(text) <= most
    assert told.facts["mark"] in text
    assert "：带破拆" in text or "。带破拆" in text


def test_a_code_is_spoken_digit_by_digit_in_a_template():
    told = message(language="zh")
    given_places = variables(told, {"code": "{code}"}, 20, speak=True)
    assert given_places["code"] == digits(told.code)
    assert spoken_text(message(language="en"), "{code}", 20) == " ".join(told.code)


# -- links and codes ---------------------------------------------------------------------------------------------------
def test_a_link_and_a_code_belong_to_one_call_and_one_house():
    mine, other = call(key="one"), call(key="two")
    elsewhere = Links(b"another made-up secret, as long", "https://console.example.org")
    assert LINKS.link(mine).startswith("https://console.example.org/take/AB12CD34EF/")
    assert len({LINKS.token(mine), LINKS.token(other), elsewhere.token(mine)}) == 3
    assert LINKS.of_token(LINKS.token(mine).upper(), [other, mine], NOW) == mine
    assert elsewhere.of_token(LINKS.token(mine), [other, mine], NOW) is None
    assert LINKS.of_code(f"收到 {LINKS.code(mine)} 马上去", [other, mine], NOW) == mine


def test_both_die_with_their_time():
    short = Links(b"a made-up secret of some length", lifetime=timedelta(hours=1))
    mine = call()
    assert short.of_token(short.token(mine), [mine], NOW + HOUR) == mine
    assert short.of_token(short.token(mine), [mine], NOW + HOUR + 1) is None
    assert short.of_code(short.code(mine), [mine], NOW + HOUR + 1) is None


@pytest.mark.parametrize("purpose", [Purpose.NOTICE, Purpose.CLEARED])
def test_what_asks_for_no_answer_has_no_link(purpose):
    assert LINKS.link(call(purpose=purpose)) == LINKS.code(call(purpose=purpose)) == ""


def test_a_secret_that_can_be_guessed_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        Links(b"short")
