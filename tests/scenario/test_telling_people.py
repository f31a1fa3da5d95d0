"""How people are reached, and how they answer: telephones, texts, work chats, links; and what must not happen."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import lxml.etree
import pytest

from firesense.domain.alert import Case, Finding
from firesense.domain.deed import Actor
from firesense.domain.errors import Forged, NotYet, Unreadable
from firesense.domain.escalation import CallState, ClimbState, StepKind
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.outcome import Outcome, TripAgain
from firesense.domain.place import Org
from firesense.explain import explain
from firesense.web.alert_documents import ExplanationDocument
from tests.accounts import Aliyun, SpeakerBox, feishu_sealed, feishu_signed, wecom_encrypted, wecom_opened, wecom_query
from tests.explained import lines
from tests.frames import T0
from tests.house import SmallHouse, smoke, smoke_device
from tests.reached import SUN, ZHANG, Town
from tests.waiting import until


@pytest.fixture
def town(tmp_path):
    with ExitStack() as stack:
        yield lambda addresses, *wanted, devices=1, who="zhang-wei": Town(
            tmp_path, stack, [smoke_device(n + 1) for n in range(devices)], addresses, wanted, who
        )


# -- telephone --------------------------------------------------------------------------------------------------------
def test_a_fire_rings_the_telephone_a_key_takes_it_and_the_climb_stops(town):
    story = town({"voice": ZHANG, "mqtt": "zhang-wei"}, "voice")
    alert = story.fire()
    [rung] = story.servers["voice"].posted
    assert rung["CalledNumber"] == ZHANG
    assert json.loads(rung["TtsParam"])["mark"] == "火警"
    [call] = story.calls(alert, "voice")
    assert (call.state, call.receipt) == (CallState.SENT, "call-1^1")
    told = {"call_id": call.receipt, "status_code": "200000", "status_msg": "用户接听", "dtmf": "1", "duration": "9"}
    assert json.loads(story.call_back("voice", [told], Aliyun.callback_secret))["code"] == 0
    alert = story.house.book.alert(alert.id)
    assert (alert.case, alert.acknowledged_by) == (Case.ACKNOWLEDGED, "zhang-wei")
    assert story.house.book.climb(alert.id).state is not ClimbState.CLIMBING
    assert story.calls(alert, "voice")[0].state is CallState.DELIVERED
    story.house.wind(minutes=10, step=30 * SECOND)
    assert {told.person for told in story.house.told_of("fire")} == {"zhang-wei"}, "nobody else was called"


def test_where_nobody_can_call_back_the_provider_is_asked_which_key_was_pressed(town):
    story = town({"voice": ZHANG}, "voice")
    alert = story.fire()
    story.house.wind(seconds=29)
    story.servers["voice"].fate, story.servers["voice"].pressed = "delivered", "1"
    story.house.wind(seconds=2)
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"


def test_another_key_takes_nothing(town):
    story = town({"voice": ZHANG}, "voice")
    alert = story.fire()
    story.call_back("voice", [{"call_id": "call-1^1", "status_code": "200000", "dtmf": "5"}], Aliyun.callback_secret)
    assert story.house.book.alert(alert.id).acknowledged_by == ""


def test_the_telephone_rings_once_a_minute_and_a_fire_in_between_goes_another_way(town):
    story = town({"voice": ZHANG, "mqtt": "zhang-wei", "sms": ZHANG}, "voice", "sms", devices=2)
    story.house.book.install(*_only(story.house.book, "voice"))
    story.fire(1)
    second = story.fire(2)
    assert len(story.servers["voice"].posted) == 1
    [text] = story.calls(second, "sms")
    assert (text.state, text.instead_of) == (CallState.SENT, "voice")
    waits = next(step for step in story.house.book.story(second.id) if step.kind is StepKind.WAITS)
    assert waits.detail["reason"] == "budget"
    story.house.wind(seconds=61)
    assert len(story.servers["voice"].posted) >= 2, "the telephone rings for it, too, when it may"


def test_the_budget_of_a_telephone_survives_a_restart(town):
    story = town({"voice": ZHANG, "mqtt": "zhang-wei"}, "voice", devices=2)
    story.fire(1)
    story.house.start()
    second = story.fire(2)
    assert len(story.servers["voice"].posted) == 1
    [held] = story.calls(second, "voice")
    assert (held.state, held.receipt) == (CallState.QUEUED, "budget")


# -- providers that say yes, or nothing -------------------------------------------------------------------------------
def test_a_provider_that_says_yes_and_delivers_nothing_is_found_out(town):
    story = town({"aliyun": SUN, "sms": SUN}, "aliyun", "sms", who="sun-bo")
    story.house.book.install(*_only(story.house.book, "aliyun"))
    fault = _fault(story)
    [call] = story.calls(fault)
    while story.clock.at < call.sent_at + 119 * SECOND:
        story.house.wind(seconds=1)
    assert [call.channel for call in story.calls(fault)] == ["aliyun"]
    story.house.wind(seconds=2)
    assert [(call.channel, call.state) for call in story.calls(fault)] == [
        ("aliyun", CallState.SENT),
        ("sms", CallState.SENT),
    ]
    silent = next(step for step in story.house.book.story(fault.id) if step.kind is StepKind.SILENT)
    assert (silent.who, silent.detail["channel"], silent.detail["next"]) == ("sun-bo", "aliyun", "sms")
    late = {"biz_id": call.receipt, "success": True, "err_code": "DELIVERED"}
    story.call_back("aliyun", [late], Aliyun.callback_secret)
    assert story.calls(fault, "aliyun")[0].state is CallState.DELIVERED, "a late receipt is still one"


def test_a_text_that_the_carrier_could_not_deliver_goes_over_the_next_channel_at_once(town):
    story = town({"aliyun": SUN, "sms": SUN}, "aliyun", "sms", who="sun-bo")
    story.house.book.install(*_only(story.house.book, "aliyun"))
    fault = _fault(story)
    [call] = story.calls(fault)
    failed = {"biz_id": call.receipt, "success": False, "err_code": "MK:0005"}
    story.call_back("aliyun", [failed], Aliyun.callback_secret)
    story.house.settle()
    assert [(call.channel, call.state) for call in story.calls(fault)] == [
        ("aliyun", CallState.FAILED),
        ("sms", CallState.SENT),
    ]


def test_a_loudspeaker_says_that_it_has_spoken_or_that_it_could_not(town):
    story = town({"speaker": "shanghe", "sms": SUN}, "speaker", "sms", who="sun-bo", devices=2)
    story.house.book.install(*_only(story.house.book, "speaker"))
    fault = _fault(story)
    [order] = story.servers["speaker"].said
    right = {"reference": order["reference"], "state": "failed"}
    for secret in ("", "boxsecret6543210"):
        with pytest.raises(Forged):
            story.call_back("speaker", right, secret)
    for guess in ("", "guess", order["key"], "0123456789abcdef0123"):
        with pytest.raises((NotYet, Unreadable)):
            story.call_back("speaker", {"reference": guess, "state": "failed"}, SpeakerBox.callback_secret)
    assert [call.state for call in story.calls(fault)] == [CallState.SENT], "a guess says nothing"
    with pytest.raises(Unreadable):
        story.call_back("speaker", {"alert": fault.id, "take": order["reference"]}, SpeakerBox.callback_secret)
    spoken = {"reference": order["reference"], "state": "delivered"}
    for _ in range(2):
        story.call_back("speaker", spoken, SpeakerBox.callback_secret)
    story.call_back("speaker", {**spoken, "state": "failed"}, SpeakerBox.callback_secret)
    story.house.wind(seconds=31)
    assert [(call.channel, call.state) for call in story.calls(fault)] == [("speaker", CallState.DELIVERED)]

    other = _fault(story, 2)
    _, order = story.servers["speaker"].said
    broken = {"reference": order["reference"], "state": "failed", "reason": "amplifier off"}
    for _ in range(2):
        story.call_back("speaker", broken, SpeakerBox.callback_secret)
    story.house.settle()
    assert [(call.channel, call.state) for call in story.calls(other)] == [
        ("speaker", CallState.FAILED),
        ("sms", CallState.SENT),
    ]
    assert story.calls(other, "speaker")[0].receipt == "amplifier off"


def test_whoever_may_only_look_at_a_call_cannot_say_what_became_of_it(town):
    story = town({"speaker": "shanghe"}, "speaker", who="sun-bo")
    story.house.book.install(*_only(story.house.book, "speaker"))
    fault = _fault(story)
    [order] = story.servers["speaker"].said
    [call] = story.calls(fault)
    plan = story.house.keeper.current()
    told = explain(story.house.book, plan, fault.id)
    shown = "\n".join([ExplanationDocument.of(told, plan).model_dump_json(), *lines(told, plan, "en")])
    assert call.receipt in shown
    assert order["reference"] not in shown
    with pytest.raises(NotYet):
        story.call_back("speaker", {"reference": call.receipt, "state": "delivered"}, SpeakerBox.callback_secret)
    assert [call.state for call in story.calls(fault)] == [CallState.SENT]


def test_a_yes_that_comes_after_a_minute_is_neither_lost_nor_doubled(town):
    SmallHouse.timeout, before = timedelta(milliseconds=50), SmallHouse.timeout
    try:
        story = town({"aliyun": SUN, "sms": SUN}, "aliyun", "sms", who="sun-bo")
    finally:
        SmallHouse.timeout = before
    story.house.book.install(*_only(story.house.book, "aliyun"))
    server = story.servers["aliyun"]
    server.hang()
    fault = _fault(story)
    [slow, other] = story.calls(fault)
    assert (slow.channel, slow.state) == ("aliyun", CallState.MOOT), "the other channel has told it"
    assert (other.channel, other.state) == ("sms", CallState.SENT)
    server.release()
    story.house.run(until(lambda: story.calls(fault, "aliyun")[0].state is CallState.SENT))
    story.house.wind(minutes=10, step=10 * SECOND)
    assert len(server.posted) == 1
    assert len(story.servers["sms"].posted) == 1


# -- answers ----------------------------------------------------------------------------------------------------------
def test_an_answer_to_a_text_message_takes_the_alert(town):
    story = town({"sms": ZHANG}, "sms")
    alert = story.fire()
    [text] = story.servers["sms"].posted
    code = text["content"][-8:-2]
    assert text["content"].endswith(f"回复{code}接警")
    answer = {"phone": f"+86{ZHANG}", "text": f" {code}收到"}
    for wrong in (
        {"phone": "+8613900000099", "text": code},
        {"phone": ZHANG, "text": "000000"},
        {"phone": ZHANG, "text": "1"},
    ):
        story.call_back("sms", wrong, "0123456789abcdef")
        assert story.house.book.alert(alert.id).acknowledged_by == ""
    story.call_back("sms", answer, "0123456789abcdef")
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"


def test_an_answer_that_comes_once_more_does_not_take_an_alert_that_was_reopened(town):
    story = town({"sms": ZHANG}, "sms")
    alert = story.fire()
    [text] = story.servers["sms"].posted
    answer = {"phone": ZHANG, "text": text["content"][-8:-2]}
    story.call_back("sms", answer, "0123456789abcdef")
    house = story.house
    house.desk.close(alert.id, Actor("zhang-wei"), Finding.FALSE_ALARM, though_firing=True)
    story.clock.at += MINUTE
    again = TripAgain(alert.id, story.clock.at, None)
    house.book.commit(Outcome("alerting", house.book.positions()["alerting"], story.clock.at, (again,)))
    story.call_back("sms", answer, "0123456789abcdef")
    assert house.book.alert(alert.id).case is Case.OPEN


def test_the_button_of_a_card_takes_the_alert(town):
    story = town({"feishu": "ou_lin", "mqtt": "zhang-wei"}, "feishu")
    alert = story.fire()
    [posted] = story.servers["feishu"].posted
    assert posted["card"]["header"]["template"] == "red"
    pressed = story.servers["feishu"].pressed(posted["card"], "ou_lin", story.clock.at)
    assert b"success" in story.call_back("feishu", pressed)
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"


def test_a_callback_that_comes_twice_counts_once_and_a_forged_one_not_at_all(town):
    story = town({"feishu": "ou_lin", "mqtt": "zhang-wei"}, "feishu")
    alert = story.fire()
    server = story.servers["feishu"]
    card = server.posted[0]["card"]
    forged = server.pressed(card, "ou_lin", story.clock.at, token="guessed")
    kept_too_long = server.pressed(card, "ou_lin", story.clock.at - 9 * 60 * MINUTE)
    for bad in (forged, kept_too_long):
        with pytest.raises(Forged):
            story.call_back("feishu", bad)
    with pytest.raises(Forged):
        story.call_back("feishu", b"{}")
    assert story.house.book.alert(alert.id).acknowledged_by == ""
    genuine = server.pressed(card, "ou_lin", story.clock.at)
    for _ in range(3):
        story.call_back("feishu", genuine)
    assert story.kinds(alert).count(StepKind.ACKNOWLEDGED) == 1
    status = story.house.answering.status
    assert (status.taken, status.repeated, status.forged) == (1, 2, 3)


def test_the_button_of_a_card_takes_the_alert_when_the_app_has_an_encrypt_key(town):
    story = town({"feishu-sealed": "ou_lin", "mqtt": "zhang-wei"}, "feishu-sealed")
    alert = story.fire()
    server = story.servers["feishu-sealed"]
    pressed = server.pressed(server.posted[0]["card"], "ou_lin", story.clock.at)
    at = story.clock.at
    in_the_clear = (pressed, feishu_signed(pressed, at, "guessed"))
    kept_too_long = feishu_sealed(server.pressed(server.posted[0]["card"], "ou_lin", at - 9 * 60 * MINUTE), at)
    for body, headers in (in_the_clear, (pressed, {}), feishu_sealed(pressed, at, "guessed"), kept_too_long):
        with pytest.raises(Forged):
            story.call_back("feishu-sealed", body, headers=headers)
    assert story.house.book.alert(alert.id).acknowledged_by == ""
    body, headers = feishu_sealed(pressed, at)
    with story.pages() as outside:
        assert outside.post("/callbacks/feishu-sealed", content=body[:-9], headers=headers).status_code in {400, 403}
        assert outside.post("/callbacks/feishu-sealed", content=body).status_code == 403
        assert (
            outside.post("/callbacks/feishu-sealed", content=body, headers=headers).json()["toast"]["content"] == "OK"
        )
        assert outside.post("/callbacks/feishu-sealed", content=body, headers=headers).status_code == 200, "once more"
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"
    assert story.kinds(alert).count(StepKind.ACKNOWLEDGED) == 1
    assert story.house.answering.status.repeated == 1


def test_the_button_of_a_wecom_card_takes_the_alert_and_shows_that_it_was_heard(town):
    story = town({"wecom": "lin", "mqtt": "zhang-wei"}, "wecom")
    alert = story.fire()
    server, at = story.servers["wecom"], story.clock.at
    [posted] = server.posted
    card = posted["template_card"]
    assert card["button_list"][0]["text"] == "接警"
    assert alert.device in card["main_title"]["title"] + card["sub_title_text"]
    query, body = server.pressed(card, "lin", at)
    with story.pages() as outside:

        def back(query, body=body):
            return outside.post("/callbacks/wecom", params=query, content=body)

        echo = wecom_encrypted("1234567890")
        asked = outside.get("/callbacks/wecom", params=wecom_query(echo, at) | {"echostr": echo})
        assert (asked.status_code, asked.text) == (200, "1234567890")
        guessed = outside.get("/callbacks/wecom", params=wecom_query(echo, at, "guessed") | {"echostr": echo})
        assert guessed.status_code == 403
        kept = lxml.etree.fromstring(body).findtext("Encrypt")
        opened = outside.get("/callbacks/wecom", params=query | {"echostr": kept})
        assert (opened.status_code, opened.text) == (400, "Not understood.\n"), "what was pressed is told to nobody"
        assert outside.get("/callbacks/mqtt", params=query).status_code == 404
        assert back({}).status_code == 403
        assert back(query | {"timestamp": "1"}).status_code == 403
        assert back(*server.pressed(card, "lin", at - 61 * MINUTE)).status_code == 403, "kept too long"
        assert back(query, body[:-20]).status_code == 400
        assert story.house.book.alert(alert.id).acknowledged_by == ""
        answer = back(query)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/xml")
        fields = {each.tag: each.text for each in lxml.etree.fromstring(answer.content)}
        proof = wecom_query(fields["Encrypt"], int(fields["TimeStamp"]) * SECOND, nonce=fields["Nonce"])
        assert proof["msg_signature"] == fields["MsgSignature"]
        shown = lxml.etree.fromstring(wecom_opened(fields["Encrypt"]))
        assert (shown.findtext("MsgType"), shown.findtext("Button/ReplaceName")) == ("update_button", "已收到")
        assert back(query).status_code == 200, "the provider says it once more"
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"
    assert story.kinds(alert).count(StepKind.ACKNOWLEDGED) == 1
    assert story.house.answering.status.repeated == 1


def test_a_callback_without_the_secret_of_its_path_is_turned_away(town):
    story = town({"voice": ZHANG}, "voice")
    alert = story.fire()
    told = [{"call_id": "call-1^1", "status_code": "200000", "dtmf": "1"}]
    with story.pages() as browser:
        assert browser.post("/callbacks/voice", json=told).status_code == 403
        assert browser.post(f"/callbacks/voice/{'0' * 20}", json=told).status_code == 403
        assert browser.post(f"/callbacks/voice/{Aliyun.callback_secret}", content=b"{").status_code == 400
        assert browser.post("/callbacks/mqtt", json=told).status_code == 404
        huge = b"[" + b" " * 70_000 + b"]"
        assert browser.post(f"/callbacks/voice/{Aliyun.callback_secret}/photos", content=huge).status_code == 413
        assert story.house.book.alert(alert.id).acknowledged_by == ""
        assert browser.post(f"/callbacks/voice/{Aliyun.callback_secret}", json=told).json()["code"] == 0
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"


# -- links ------------------------------------------------------------------------------------------------------------
def test_whoever_only_looks_at_a_link_takes_nothing(town):
    story = town({"mqtt": "zhang-wei"}, "feishu")
    alert = story.fire()
    path = _link(story, alert)
    with story.pages() as browser:
        for preview in (browser.get, browser.head, browser.options):
            preview(path)
        page = browser.get(path)
        assert page.status_code == 200
        assert "张伟" in page.text
        assert "smoke-1" in page.text
        assert 'method="post"' in page.text
        assert "no-store" in page.headers["cache-control"]
        assert story.house.book.alert(alert.id).acknowledged_by == ""
        taken = browser.post(path)
    assert "已接警" in taken.text
    assert story.house.book.alert(alert.id).acknowledged_by == "zhang-wei"


def test_a_link_is_one_persons_is_good_for_a_time_and_dies_with_the_alert(town):
    story = town({"mqtt": "zhang-wei"}, "feishu")
    alert = story.fire()
    mine = _link(story, alert)
    story.house.wind(minutes=3)
    others = _link(story, alert, "wang-fang")
    with story.pages() as browser:
        assert browser.post(mine[:-1] + ("a" if mine[-1] != "a" else "b")).status_code == 404
        assert browser.post(mine).status_code == 200
        assert browser.post(mine).status_code == 200, "pressed twice"
        gone = browser.post(others)
        assert (gone.status_code, "张伟" in gone.text) == (410, True)
        assert story.kinds(alert).count(StepKind.ACKNOWLEDGED) == 1
        story.clock.at += 13 * 60 * MINUTE
        assert browser.get(mine).status_code == 404


def test_a_link_to_an_alert_that_is_over_is_dead(town):
    story = town({"mqtt": "zhang-wei"}, "feishu")
    alert = story.fire()
    path = _link(story, alert)
    _close(story, alert)
    with story.pages() as browser:
        assert browser.post(path).status_code == 410


# -- floods and quiet hours -------------------------------------------------------------------------------------------
def test_forty_faults_come_in_a_handful_of_messages_and_the_fire_goes_alone_at_once(town):
    story = town({"mqtt": "zhang-wei"}, "feishu", devices=41)
    house = story.house
    for number in range(1, 41):
        house.hear(smoke(story.clock, number, fault=1))
        house.wind(seconds=2, step=2 * SECOND)
    assert [flood.person for flood in house.book.floods()] == ["sun-bo"]
    fire = story.fire(41)
    burning = [told for told in house.told if told.alert_class == "fire"]
    assert {told.after for told in burning} == {(story.clock.at - T0) / SECOND}
    assert all(told.title.endswith("smoke-41") for told in burning)
    house.wind(minutes=6, step=10 * SECOND)
    faults = [told for told in house.told if told.person == "sun-bo"]
    assert len(faults) <= 6
    assert faults[-1].title.startswith("【")
    counts = [int(told.title.split(" ")[0][1:]) if "条通知" in told.title else 1 for told in faults]
    assert sum(counts) == 40, "every fault was told"
    told_in = [
        step.detail["bundled"]
        for alert in house.book.alerts(most=100)
        for step in house.book.story(alert.id)
        if step.kind is StepKind.SENT and "bundled" in step.detail
    ]
    assert len(told_in) >= 35
    house.wind(minutes=5, step=10 * SECOND)
    assert house.book.floods() == []
    begun, ended = [
        step
        for alert in house.book.alerts(most=100)
        for step in house.book.story(alert.id)
        if step.kind is StepKind.FLOOD
    ]
    assert (begun.detail["flood"], ended.detail["flood"]) == ("begins", "ends")
    assert int(ended.detail["bundled"]) > 20
    assert fire.id in {alert.id for alert in house.open_alerts()}


def test_in_quiet_hours_only_fires_wake_people(town):
    story = town({"mqtt": "zhang-wei"}, "feishu", devices=2)
    house, book = story.house, story.house.book
    org = book.org()
    people = [replace(each, quiet="22:00-07:00") for each in org.people.values()]
    book.install(Org(org.places.values(), org.posts.values(), people), book.ladders()[0].values(), book.ladders()[1])
    story.clock.at = T0 + 15 * 60 * MINUTE  # 23:00 in China
    house.hear(smoke(story.clock, 1, fault=1))
    house.wind(minutes=2, step=10 * SECOND)
    assert house.told_of("fault") == []
    [fault] = [alert for alert in house.open_alerts() if alert.alert_class == "fault"]
    waits = next(step for step in book.story(fault.id) if step.kind is StepKind.WAITS)
    assert waits.detail == {"channel": "mqtt", "reason": "quiet", "until": "2026-01-01T23:00:00.000000Z"}
    story.fire(2)
    assert house.told_of("fire")
    house.start()
    house.wind(hours=7, minutes=57, step=10 * MINUTE)
    assert house.told_of("fault") == []
    house.wind(minutes=2, step=10 * SECOND)
    assert {told.person for told in house.told_of("fault")} == {"sun-bo"}


def _only(book, channel):
    """The same org, with ladders that name one channel only."""
    org, (ladders, selectors) = book.org(), book.ladders()
    rungs = [
        replace(ladder, rungs=tuple(replace(rung, channels=(channel,)) for rung in ladder.rungs))
        for ladder in ladders.values()
    ]
    return org, rungs, selectors


def _fault(story, number=1):
    """A fault that the maintainer is told of."""
    house = story.house
    house.hear(smoke(story.clock, number, fault=1))
    house.wind(seconds=15)
    faults = (alert for alert in house.open_alerts() if alert.alert_class == "fault")
    return next(alert for alert in faults if alert.device == f"smoke-{number}")


def _link(story, alert, person="zhang-wei"):
    call = next(call for call in story.calls(alert) if call.person == person)
    return story.house.links.link(call).removeprefix("https://console.example.org")


def _close(story, alert):
    story.house.desk.close(alert.id, Actor("chen-jie"), Finding.TEST, "", though_firing=True)
