"""Providers where the organisation has an account: their codes, tokens, signatures, limits and callbacks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from firesense.domain.callback import Callback, Heard, News
from firesense.domain.errors import (
    ChannelBusy,
    ChannelDown,
    ChannelRefused,
    ConfigError,
    Forged,
    Unreadable,
)
from firesense.domain.escalation import CallState
from firesense.domain.instant import MINUTE, SECOND
from firesense.notify.aliyun import AliyunOptions, AliyunSmsChannel, AliyunVoiceChannel, signature
from firesense.notify.dingtalk_work import DingTalkWorkChannel, DingTalkWorkOptions
from firesense.notify.feishu_app import FeishuAppChannel, FeishuAppOptions
from firesense.notify.loudspeaker import LoudspeakerChannel, LoudspeakerOptions
from firesense.notify.mqtt_answers import kept, new_reference, understood
from firesense.notify.provider import body_json
from firesense.notify.sealed import opened, unbase64
from firesense.notify.sms_gateway import SmsGatewayChannel, SmsGatewayOptions
from firesense.notify.tencent import TencentOptions, TencentSmsChannel, TencentVoiceChannel, authorization
from firesense.notify.wecom_app import WeComAppChannel, WeComAppOptions
from firesense.notify.wecom_callback import Seal
from tests.accounts import (
    Aliyun,
    DingTalkWork,
    FeishuApp,
    SealedFeishuApp,
    SmsGateway,
    SpeakerBox,
    Tencent,
    WeComApp,
    WeComAppWithButtons,
    feishu_sealed,
    feishu_signed,
    wecom_encrypted,
    wecom_query,
    wecom_sealed,
)
from tests.calls import call, message
from tests.providers import Answer, HandClock, Request

MOBILE = "13900000001"
PARAMS = {"mark": "{mark}", "place": "{place}"}


class Nowhere:
    """What is known of a provider that is not talked to."""

    url = "http://127.0.0.1:1"

    def __init__(self, provider):
        self.__dict__.update({name: value for name, value in vars(provider).items() if isinstance(value, (str, int))})


@pytest.fixture
def clock():
    return HandClock()


def wecom(server, clock, **more):
    return WeComAppChannel(WeComAppOptions("x", server.corp, server.agent, server.secret, server.url, **more), clock)


def wecom_with_buttons(server, clock):
    return wecom(server, clock, token=WeComAppWithButtons.token, encoding_aes_key=WeComAppWithButtons.encoding_aes_key)


def dingtalk(server, clock):
    return DingTalkWorkChannel(DingTalkWorkOptions("x", server.key, server.secret, server.agent, server.url), clock)


def feishu(server, clock, secret=FeishuApp.secret):
    return FeishuAppChannel(FeishuAppOptions("x", server.app, secret, server.verification, server.url), clock)


def aliyun(kind, **changes):
    template = Aliyun.sms_template if kind is AliyunSmsChannel else Aliyun.voice_template

    def make(server, clock):
        options = AliyunOptions("x", server.key, server.secret, template, "青溪消防", params=PARAMS, url=server.url)
        return kind(replace(options, callback_secret=server.callback_secret, **changes), clock)

    return make


def tencent(kind, **changes):
    def make(server, clock):
        options = TencentOptions("x", server.id, server.key, server.app, server.template, "青溪消防", ("{mark}",))
        return kind(replace(options, url=server.url, callback_secret=server.callback_secret, **changes), clock)

    return make


def talk(clock, provider, make, story):
    async def run():
        with provider(clock) as server:
            channel = make(server, clock)
            try:
                return await story(channel, server)
            finally:
                await channel.close()

    return asyncio.run(run())


async def refusal(channel, address, error=ChannelRefused, **changes):
    with pytest.raises(error) as caught:
        await channel.send(message(address, **changes))
    assert type(caught.value) is error
    assert "made-up" not in str(caught.value), "an error shows no secret"
    return caught.value


def back(body, rest=""):
    return Callback(rest, {}, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


# -- access tokens ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("provider", "make", "address"),
    [(WeComApp, wecom, "lin"), (DingTalkWork, dingtalk, "lin"), (FeishuApp, feishu, "ou_lin")],
)
def test_a_token_is_kept_renewed_before_it_ends_and_fetched_anew_when_it_is_refused(clock, provider, make, address):
    async def story(channel, server):
        for _ in range(3):
            await channel.send(message(address))
        assert server.tokens.given == 1
        clock.wind(7200 - 299)
        await channel.send(message(address, key="2"))
        assert server.tokens.given == 2, "renewed before it ends"
        server.tokens.forget()
        await channel.send(message(address, key="3"))
        assert server.tokens.given == 3

    talk(clock, provider, make, story)


def test_a_wrong_secret_is_no_reason_to_try_again(clock):
    async def story(channel, server):
        assert "40001" in str(await refusal(channel, "lin"))
        assert server.posted == []

    make = lambda server, clock: WeComAppChannel(  # noqa: E731 - one option differs
        WeComAppOptions("x", server.corp, server.agent, "another", server.url), clock
    )
    talk(clock, WeComApp, make, story)
    talk(clock, FeishuApp, lambda server, clock: feishu(server, clock, "another"), lambda c, _: refusal(c, "ou_lin"))


# -- work chats -------------------------------------------------------------------------------------------------------
def test_wecom_says_yes_and_names_who_it_did_not_reach(clock):
    async def story(channel, server):
        await refusal(channel, "nobody")
        for wrong in ("", "@all", "lin|wu"):
            await refusal(channel, wrong)
        server.busy = True
        assert (await refusal(channel, "lin", ChannelBusy)).retry_after == timedelta(minutes=1)

    talk(clock, WeComApp, wecom, story)


def test_our_budget_stays_below_what_wecom_drops_without_a_word():
    minute, hour = WeComAppChannel.limits
    assert (minute.most, minute.per) < (30, timedelta(minutes=2))
    assert hour.most < 1000


def test_a_wecom_card_keeps_within_its_limits_and_what_has_no_button_stays_a_text(clock):
    async def story(channel, server):
        take = "https://console.example.org/take/AB12CD34EF/abcdefgh23456723"
        long = replace(message("lin"), take=take, body="长" * 500)
        await channel.send(long)
        await channel.send(message("lin"))
        first, plain = server.posted
        assert first["template_card"]["sub_title_text"] == "长" * 159 + "…"
        assert first["template_card"]["button_list"][0]["key"] == "AB12CD34EF/abcdefgh23456723/zh"
        assert plain["msgtype"] == "text"
        server.takes_cards = False
        refused = replace(long, call=replace(long.call, key="another"))
        with pytest.raises(ChannelDown):
            await channel.send(refused)
        await channel.send(replace(refused, call=replace(refused.call, attempts=1)))
        assert take in server.posted[-1]["text"]["content"], "as a text, with the link"

    talk(clock, WeComAppWithButtons, wecom_with_buttons, story)


def test_wecom_takes_only_what_was_signed_and_closed_for_this_organisation(clock):
    channel = wecom_with_buttons(Nowhere(WeComApp), clock)
    assert WeComAppWithButtons.token not in repr(channel._options)
    card = {"button_list": [{"key": "AB12CD34EF/abc/en"}], "task_id": "t", "card_type": "button_interaction"}

    def hear(query, body):
        return channel.hear(Callback("", query, {}, body), clock.at)

    query, body = WeComAppWithButtons.pressed(card, "林<&>", clock.at)
    heard = hear(query, body)
    assert heard.news == (News(alert="AB12CD34EF", token="abc", address="林<&>"),)
    for event in ("enter_agent", "click", ""):
        assert hear(*WeComAppWithButtons.pressed(card, "lin", clock.at, Event=event)) == Heard(answer=b"")
    for wrong in (
        *({**query, name: value} for name in query for value in ("", "x", "é", "1" * 400)),
        wecom_query("other", clock.at),
    ):
        with pytest.raises(Forged):
            hear(wrong, body)
    for wrong in (
        WeComAppWithButtons.pressed(card, "lin", clock.at - 61 * MINUTE),
        WeComAppWithButtons.pressed(card, "lin", clock.at + 61 * MINUTE),
        wecom_sealed("<xml/>", clock.at, receiver="ww-of-somebody-else"),
    ):
        with pytest.raises(Forged):
            hear(*wrong)
    with pytest.raises(Forged):
        wecom(Nowhere(WeComApp), clock).hear(Callback("", query, {}, body), clock.at)


def test_what_wecom_signed_and_is_no_callback_is_not_understood(clock):
    channel = wecom_with_buttons(Nowhere(WeComApp), clock)
    whole = wecom_encrypted("<xml/>")
    other_key = base64.b64encode(b"k" * 32).decode()[:43]
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><xml><Event>&b;</Event></xml>"
    for encrypted in (
        *(
            "",
            "é",
            whole[:-8],
            whole[:24],
            base64.b64encode(bytes(16)).decode(),
            wecom_encrypted("<xml/>", key=other_key),
        ),
        *(wecom_encrypted(text) for text in ("", "<xml>", "{}", "<xml><A/><A/></xml>", bomb, "\0")),
    ):
        body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
        with pytest.raises(Unreadable):
            channel.hear(Callback("", wecom_query(encrypted, clock.at), {}, body), clock.at)
    for body in (b"", b"{}", b"\xff", b"<xml>" * 10_000, bomb.encode(), bomb.encode("utf-16")):
        with pytest.raises(Unreadable):
            channel.hear(Callback("", {}, {}, body), clock.at)
    card = {"button_list": [{"key": "another app's"}], "task_id": "t", "card_type": "button_interaction"}
    query, body = WeComAppWithButtons.pressed(card, "lin", clock.at)
    with pytest.raises(Unreadable):
        channel.hear(Callback("", query, {}, body), clock.at)


def test_what_wecoms_own_documents_encrypted_is_opened():
    # developer.work.weixin.qq.com, "encryption and decryption": the example of the provider's libraries.
    seal = Seal("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
    proof = {"timestamp": "1409659589", "nonce": "263014780"}
    proof["msg_signature"] = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    echo = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
    assert seal.opened(proof, echo, 1_409_659_589 * SECOND) == b"1616140317555161061"


@pytest.mark.parametrize(
    ("token", "key", "path"),
    [
        ("t", "", "encoding_aes_key"),
        ("", "k" * 43, "token"),
        ("t", "k" * 42, "encoding_aes_key"),
        ("t", "é" * 43, "encoding_aes_key"),
    ],
)
def test_wecom_callbacks_need_a_token_and_a_whole_key(token, key, path):
    with pytest.raises(ConfigError) as caught:
        WeComAppChannel(WeComAppOptions("x", "corp", 7, "s", token=token, encoding_aes_key=key), HandClock())
    assert [fault.path for fault in caught.value.faults] == [path]


@pytest.mark.parametrize(
    ("fate", "state"),
    [("read", CallState.READ), ("unread", CallState.DELIVERED), ("forbidden", CallState.FAILED), ("nothing", None)],
)
def test_dingtalk_says_later_who_got_a_notice(clock, fate, state):
    async def story(channel, server):
        server.fate = fate
        receipt = await channel.send(message("lin"))
        told = await channel.ask(call(address="lin", receipt=receipt.reference))
        assert (None if told is None else told.state) == state

    talk(clock, DingTalkWork, dingtalk, story)


def test_dingtalk_does_not_drop_a_call_that_is_made_again(clock):
    async def story(channel, server):
        for attempts in range(3):
            await channel.send(message("lin", attempts=attempts))
        assert len(server.posted) == 3

    talk(clock, DingTalkWork, dingtalk, story)


def test_feishu_shows_the_same_call_once_and_limits_its_rate(clock):
    async def story(channel, server):
        for _ in range(3):
            await channel.send(message("ou_lin", key="the same"))
        assert len(server.posted) == 1
        for number in range(4):
            await channel.send(message("ou_lin", key=str(number)))
        await refusal(channel, "ou_lin", ChannelBusy, key="one too many")

    talk(clock, FeishuApp, feishu, story)


def test_feishu_asks_whether_the_address_is_ours_and_tells_what_was_read(clock):
    channel = feishu(Nowhere(FeishuApp), clock)
    asked = {"type": "url_verification", "challenge": "abc", "token": FeishuApp.verification}
    assert json.loads(channel.hear(back(asked), clock.at).answer) == {"challenge": "abc"}
    header = {"event_type": "im.message.message_read_v1", "event_id": "e", "token": FeishuApp.verification}
    header["create_time"] = str(clock.at // 1000)
    read = {"header": header, "event": {"message_id_list": ["om_1", "om_2"]}}
    heard = channel.hear(back(read), clock.at)
    assert heard.news == (News("om_1", CallState.READ), News("om_2", CallState.READ))
    for wrong in ({**asked, "token": "guessed"}, {"challenge": "abc"}, {"header": {**header, "token": ""}}):
        with pytest.raises(Forged):
            channel.hear(back(wrong), clock.at)
    pressed = {**header, "event_type": "card.action.trigger"}
    for wrong in (
        *(b"", b"[1]", b"\xff", b'{"header": "x"}', b"[" * 20_000),
        {"header": {**header, "create_time": "1" * 5000}},
        *({"header": header, "event": event} for event in ("x", {"message_id_list": 5})),
        *({"header": pressed, "event": event} for event in ({"action": "x"}, {"action": {"value": []}, "operator": 1})),
    ):
        with pytest.raises(Unreadable):
            channel.hear(back(wrong), clock.at)


def test_feishu_with_an_encrypt_key_takes_only_what_was_closed_and_signed_with_it(clock):
    server = Nowhere(FeishuApp)
    options = FeishuAppOptions(
        "x", server.app, "s", server.verification, server.url, encrypt_key=SealedFeishuApp.encrypt_key
    )
    channel = FeishuAppChannel(options, clock)
    assert SealedFeishuApp.encrypt_key not in repr(options)

    def hear(body, headers):
        return channel.hear(Callback("", {}, headers, body), clock.at)

    asked = json.dumps({"type": "url_verification", "challenge": "abc", "token": server.verification}).encode()
    body, headers = feishu_sealed(asked, clock.at)
    assert json.loads(hear(body, {}).answer) == json.loads(hear(body, headers).answer) == {"challenge": "abc"}
    header = {"event_type": "im.message.message_read_v1", "event_id": "e", "token": server.verification}
    header["create_time"] = str(clock.at // 1000)
    read = json.dumps({"header": header, "event": {"message_id_list": ["om_1"]}}).encode()
    body, headers = feishu_sealed(read, clock.at)
    assert hear(body, headers).news == (News("om_1", CallState.READ),)
    sealed = json.loads(body)["encrypt"]
    for text in (sealed[:40], sealed[:-8], "A" + sealed[1:], "", "é", sealed[:-4] + "AAA="):
        changed = json.dumps({"encrypt": text}).encode()
        for wrong in ({}, headers, {**headers, "x-lark-signature": "é"}, feishu_signed(changed, clock.at, "guessed")):
            with pytest.raises(Forged) as caught:
                hear(changed, wrong)
            assert str(caught.value) == "the signature is missing or wrong", "of how far it went nothing is said"
    for text in (sealed[:40], sealed[:-8], "", "é", sealed[:-24] + "A" * 22 + "=="):
        changed = json.dumps({"encrypt": text}).encode()
        with pytest.raises(Unreadable):
            hear(changed, feishu_signed(changed, clock.at))
    later = {**headers, "x-lark-request-timestamp": str(clock.at // 1_000_000 + 1)}
    for wrong in (later, {**headers, "x-lark-request-nonce": "n-2"}):
        with pytest.raises(Forged):
            hear(body, wrong)


def test_what_feishus_own_documents_encrypted_is_opened():
    # open.feishu.cn, "Encrypt Key": the key is "test key", the text "hello world".
    document = unbase64("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=")
    key = hashlib.sha256(b"test key").digest()
    assert opened(key, document[:16], document[16:], padded_to=16) == b"hello world"


def test_an_encrypt_key_alone_does_not_prove_who_sends():
    with pytest.raises(ConfigError) as caught:
        FeishuAppChannel(FeishuAppOptions("x", "app", "secret", encrypt_key="k"), HandClock())
    assert [fault.path for fault in caught.value.faults] == ["verification_token"]


# -- text messages and voice ------------------------------------------------------------------------------------------
def test_aliyun_limits_a_telephone_by_the_minute_and_says_so_with_status_200(clock):
    async def story(channel, server):
        await channel.send(message(MOBILE))
        assert "isv.BUSINESS_LIMIT_CONTROL" in str(await refusal(channel, MOBILE, ChannelBusy))
        clock.wind(60)
        await channel.send(message(MOBILE))
        assert server.posted[0]["TtsParam"] == '{"mark":"火警","place":"三组"}'

    talk(clock, Aliyun, aliyun(AliyunVoiceChannel), story)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_key_id": "LTAI-another"}, "InvalidAccessKeyId.NotFound"),
        ({"access_key_secret": "another"}, "SignatureDoesNotMatch"),
        ({"template": "SMS_9"}, "isv.SMS_TEMPLATE_ILLEGAL"),
    ],
)
def test_what_aliyun_will_never_take_is_not_tried_again(clock, changes, code):
    async def story(channel, _server):
        assert code in str(await refusal(channel, MOBILE))

    talk(clock, Aliyun, aliyun(AliyunSmsChannel, **changes), story)


@pytest.mark.parametrize(
    ("fate", "state"), [("delivered", CallState.DELIVERED), ("failed", CallState.FAILED), ("", None)]
)
@pytest.mark.parametrize("kind", [AliyunSmsChannel, AliyunVoiceChannel])
def test_aliyun_is_asked_what_came_of_it(clock, kind, fate, state):
    async def story(channel, server):
        server.fate, server.pressed = fate, "1"
        receipt = await channel.send(message(MOBILE))
        told = await channel.ask(call(address=MOBILE, receipt=receipt.reference, sent_at=clock.at))
        assert (None if told is None else told.state) == state
        if kind is AliyunVoiceChannel and state is CallState.DELIVERED:
            assert told.pressed == "1"

    talk(clock, Aliyun, aliyun(kind), story)


def test_aliyun_pushes_reports_and_answers(clock):
    channel = aliyun(AliyunSmsChannel)(Nowhere(Aliyun), clock)
    told = [
        {"biz_id": "b1", "success": True, "err_code": "DELIVERED", "phone_number": MOBILE},
        {"biz_id": "b2", "success": False, "err_code": "MK:0005", "phone_number": MOBILE},
        {"phone_number": MOBILE, "content": "123456", "dest_code": "1"},
    ]
    heard = channel.hear(back(told, Aliyun.callback_secret), clock.at)
    assert heard.news == (
        News("b1", CallState.DELIVERED),
        News("b2", CallState.FAILED, "MK:0005"),
        News(address=MOBILE, text="123456"),
    )
    assert heard.once != channel.hear(back(told[:1], Aliyun.callback_secret), clock.at).once
    for rest in ("", "guessed", Aliyun.callback_secret + "x"):
        with pytest.raises(Forged):
            channel.hear(back(told, rest), clock.at)
    closed = AliyunSmsChannel(replace(channel._options, callback_secret=""), clock)
    with pytest.raises(Forged):
        closed.hear(back(told), clock.at)


def test_the_example_of_the_providers_own_page_is_signed_alike():
    given = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    assert signature("GET", given, "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_tencent_answers_200_to_everything(clock):
    async def story(channel, server):
        await channel.send(message(MOBILE))
        assert "LimitExceeded" in str(await refusal(channel, MOBILE, ChannelBusy))
        await refusal(channel, "120x")
        server.fate = "SUCCESS"
        told = await channel.ask(call(address=MOBILE, receipt="2640:1", sent_at=clock.at))
        assert told.state is CallState.DELIVERED
        clock.wind(-600)
        server.clock = HandClock()
        assert "SignatureExpire" in str(await refusal(channel, MOBILE, ChannelDown)), "clocks can be put right"

    talk(clock, Tencent, tencent(TencentSmsChannel), story)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_id": "AKID-another"}, "AuthFailure.SecretIdNotFound"),
        ({"secret_key": "another"}, "AuthFailure.SignatureFailure"),
        ({"template": "9"}, "FailedOperation.TemplateIncorrectOrUnapproved"),
    ],
)
@pytest.mark.parametrize("kind", [TencentSmsChannel, TencentVoiceChannel])
def test_what_tencent_will_never_take_is_not_tried_again(clock, kind, changes, code):
    async def story(channel, _server):
        assert code in str(await refusal(channel, MOBILE))

    talk(clock, Tencent, tencent(kind, **changes), story)


def test_tencent_calls_back_with_what_became_of_a_call_and_which_key_was_pressed(clock):
    channel = tencent(TencentVoiceChannel)(Nowhere(Tencent), clock)

    def heard(**told):
        return channel.hear(back(told, Tencent.callback_secret), clock.at).news

    assert heard(voiceprompt_callback={"callid": "v1", "result": "0"}) == (News("v1", CallState.DELIVERED),)
    assert heard(voiceprompt_callback={"callid": "v1", "result": "1"}) == (News("v1", CallState.FAILED, "result 1"),)
    assert heard(voicekey_callback={"callid": "v1", "keypress": "1"}) == (News("v1", CallState.DELIVERED, pressed="1"),)
    assert heard(something="else") == ()


def test_a_signature_of_tencent_depends_on_all_it_covers():
    one = authorization("id", "key", "sms", "host", b"{}", 1_767_323_045)
    assert one.startswith("TC3-HMAC-SHA256 Credential=id/2026-01-02/sms/tc3_request, SignedHeaders=content-type;host, ")
    others = [
        authorization("id", "yek", "sms", "host", b"{}", 1_767_323_045),
        authorization("id", "key", "vms", "host", b"{}", 1_767_323_045),
        authorization("id", "key", "sms", "tsoh", b"{}", 1_767_323_045),
        authorization("id", "key", "sms", "host", b"[]", 1_767_323_045),
        authorization("id", "key", "sms", "host", b"{}", 1_767_323_046),
    ]
    assert len({one, *others}) == 6


# -- gateways and loudspeakers ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("send", ["form", "query"])
def test_a_gateway_is_believed_by_its_body(clock, send):
    def make(server, clock):
        fields = {"user": "township", "mobile": "{phone}", "content": "{text}&{id}"}
        return SmsGatewayChannel(
            SmsGatewayOptions(
                "x", f"{server.url}/send?v=1", send, fields, success=r"result=0\b", reference=r"msgid=(\w+)"
            ),
            clock,
        )

    async def story(channel, server):
        receipt = await channel.send(message("+86 139-0000-0001"))
        assert receipt.reference == "g1"
        assert server.posted[0]["mobile"] == MOBILE
        assert server.posted[0]["content"].startswith("火警：三组，探测到烟雾，11:04。")
        assert "result=-2" in str(await refusal(channel, "13900000009", ChannelDown)), "no pattern says it is for good"

    talk(clock, SmsGateway, make, story)


def test_what_is_filled_into_a_gateways_fields_is_not_filled_again(clock):
    class Echo(SmsGateway):
        def answer(self, request: Request) -> Answer:
            self.posted.append(request.json)
            return Answer(200, b"ok")

    def make(server, clock):
        fields = {"to": "{phone}", "text": "{text}"}
        return SmsGatewayChannel(SmsGatewayOptions("x", server.url, "json", fields, success="ok"), clock)

    async def story(channel, server):
        about = message(MOBILE)
        await channel.send(replace(about, facts={**about.facts, "place": "{phone}"}))
        assert "{phone}" in server.posted[0]["text"]

    talk(clock, Echo, make, story)


def test_a_loudspeaker_is_told_what_to_say_and_how_loud(clock):
    def make(server, clock):
        return LoudspeakerChannel(
            LoudspeakerOptions("x", url=f"{server.url}/speakers/{{address}}", token=server.token), clock
        )

    async def story(channel, server):
        await channel.send(message("shanghe"))
        [order] = server.said
        assert order["text"] == "火警！火警！三组，探测到烟雾。请附近人员注意安全。"
        assert (order["volume"], order["repeats"], order["urgent"]) == (100, 3, True)

    talk(clock, SpeakerBox, make, story)


# -- options ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "paths"),
    [
        (lambda: WeComAppOptions("x", "", 0, "s", "ftp://x"), ["agent_id", "corp_id", "url"]),
        (lambda: AliyunOptions("x", "k", "s", callback_secret="a/b", params={"p": "{q}"}), None),
        (lambda: SmsGatewayOptions("x", "http://x", fields={"a": "b"}, success="("), ["fields", "fields", "success"]),
        (lambda: LoudspeakerOptions("x", volume=0, text="{nobody}"), ["host", "text", "volume"]),
        (lambda: LoudspeakerOptions("x", url="http://x", answers="a/#"), ["answers"]),
        (lambda: LoudspeakerOptions("x", url="http://x", callback_secret="short"), ["callback_secret"]),
        (lambda: LoudspeakerOptions("x", url="http://x", receipt_within=timedelta(seconds=9)), ["callback_secret"]),
        (lambda: LoudspeakerOptions("x", "h", receipt_within=timedelta(seconds=9)), ["answers"]),
    ],
)
def test_options_that_cannot_work_are_all_named(clock, make, paths):
    options = make()
    kinds = {
        WeComAppOptions: WeComAppChannel,
        AliyunOptions: AliyunSmsChannel,
        SmsGatewayOptions: SmsGatewayChannel,
        LoudspeakerOptions: LoudspeakerChannel,
    }
    with pytest.raises(ConfigError) as caught:
        kinds[type(options)](options, clock)
    found = [fault.path for fault in caught.value.faults]
    assert found == (paths or ["callback_secret", "params.p", "sign_name", "template"])


def test_no_option_shows_its_secret():
    for options in (
        WeComAppOptions("x", "corp", 1, "hidden"),
        DingTalkWorkOptions("x", "key", "hidden"),
        FeishuAppOptions("x", "app", "hidden", "hidden"),
        AliyunOptions("x", "id", "hidden", callback_secret="hidden"),
        TencentOptions("x", "id", "hidden", callback_secret="hidden"),
        SmsGatewayOptions("x", "http://x", fields={"password": "hidden"}, headers={"Authorization": "hidden"}),
        LoudspeakerOptions("x", password="hidden", token="hidden", callback_secret="hidden"),
    ):
        assert "hidden" not in repr(options)


def test_an_answer_takes_an_alert_or_says_what_became_of_a_call():
    def read(answer, **how):
        return understood(Callback("", {}, {}, json.dumps(answer).encode()), **how).news

    take = {"alert": "A", "take": "T"}
    assert read(take | {"by": "tablet 3"}) == (News(alert="A", token="T"),)
    ours = new_reference()
    assert read({"reference": ours, "state": "delivered"}) == (News(kept(ours), CallState.DELIVERED),)
    assert read({"reference": ours, "state": "read"}, may_take=False) == (News(kept(ours), CallState.READ),)
    [failed] = read({"reference": ours, "state": "failed", "reason": "off\n" + "x" * 3000})
    assert (failed.state, failed.reason) == (CallState.FAILED, "off " + "x" * 196)
    for wrong in (
        *(
            {"reference": ours},
            {"reference": ours, "state": "sent"},
            *({"reference": odd, "state": "read"} for odd in ("", "R", "no subscriber", ours.upper(), f"{ours}\n")),
            {"state": "read"},
        ),
        *({"reference": 1, "state": "read"}, {"alert": "A"}, {"take": "T"}, {"alert": 1, "take": "T"}, [], "x"),
    ):
        with pytest.raises(Unreadable):
            read(wrong)
    with pytest.raises(Unreadable):
        read(take, may_take=False)


def test_what_is_nested_too_deep_is_not_understood():
    deep = Callback("", {}, {}, b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}")
    for understand in (body_json, understood):
        with pytest.raises(Unreadable):
            understand(deep)
