import asyncio
from datetime import timedelta

import pytest

from firesense.domain.errors import ChannelBusy, ChannelDown, ChannelRefused, ConfigError
from firesense.domain.message import Message
from firesense.notify.budget import Budget
from firesense.notify.dingtalk import DingTalkChannel
from firesense.notify.feishu import FeishuChannel
from firesense.notify.robot import RobotOptions
from firesense.notify.wecom import WeComChannel
from tests.calls import alert, call, message
from tests.providers import Answer, DingTalk, Feishu, HandClock, Request, WeCom

ROBOTS = {"plain": "", "signed": "SEC-made-up"}
PROVIDERS = {"dingtalk": (DingTalkChannel, DingTalk), "wecom": (WeComChannel, WeCom), "feishu": (FeishuChannel, Feishu)}


@pytest.fixture
def clock():
    return HandClock()


def talk(clock, kind, story, provider=None, **options):
    channel_type, provider_type = PROVIDERS[kind]

    async def run(server):
        channel = channel_type(RobotOptions("robot", url=server.url, **options), clock)
        try:
            await story(channel, server)
        finally:
            await channel.close()

    with (provider or provider_type)(clock, ROBOTS) as server:
        asyncio.run(run(server))


async def refusal(channel, address, error=ChannelRefused, **changes):
    with pytest.raises(error) as caught:
        await channel.send(message(address, **changes))
    return caught.value


def test_dingtalk_signs_and_mentions(clock):
    async def story(channel, server):
        await channel.send(message("signed:SEC-made-up@13800001234"))
        await channel.send(message("plain@user-1"))
        await channel.send(message("plain"))
        with_number, with_name, with_none = server.posted
        assert with_number["at"] == {"isAtAll": False, "atMobiles": ["13800001234"]}
        assert with_number["text"]["content"].endswith("\n@13800001234")
        assert with_name["at"]["atUserIds"] == ["user-1"]
        assert with_none["at"] == {"isAtAll": False}
        assert "【火警】" in with_none["text"]["content"]
        assert "https://console.example.com/alerts/" in with_none["text"]["content"]

    talk(clock, "dingtalk", story)


def test_wecom_mentions_beside_the_text_and_keeps_to_its_length(clock):
    async def story(channel, server):
        long = Message(call(address="plain@13800001234"), alert(), "【火警】", "很长" * 2000)
        await channel.send(long)
        await channel.send(message("plain@user-1"))
        assert server.posted[0]["text"]["mentioned_mobile_list"] == ["13800001234"]
        assert "13800001234" not in server.posted[0]["text"]["content"]
        assert server.posted[1]["text"]["mentioned_list"] == ["user-1"]

    talk(clock, "wecom", story)


def test_feishu_signs_and_no_name_smuggles_a_mention(clock):
    async def story(channel, server):
        evil = Message(call(address="signed@ou_1"), alert(), 'x <at user_id="all"></at>', "")
        await channel.send(evil)
        await channel.send(message("plain@13800001234"))
        text = server.posted[0]["content"]["text"]
        assert text.count("<at ") == 1
        assert text.endswith('<at user_id="ou_1"></at>')
        assert "13800001234" not in server.posted[1]["content"]["text"]

    talk(clock, "feishu", story, secret="SEC-made-up")


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_a_wrong_secret_is_refused_for_good(clock, kind):
    async def story(channel, _server):
        assert "sign" in str(await refusal(channel, "signed:SEC-other"))

    talk(clock, kind, story)


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize("address", ["", "a b", "tok/../x", "tok?x=1", "https://evil.example.com/", "tok@1 2"])
def test_an_address_is_a_token_and_nothing_else(clock, kind, address):
    async def story(channel, server):
        await refusal(channel, address)
        assert server.requests == []

    talk(clock, kind, story)


@pytest.mark.parametrize(("kind", "most", "silence"), [("dingtalk", 20, 600), ("wecom", 20, 60), ("feishu", 100, 60)])
def test_a_robot_that_is_too_fast_for_its_provider_waits_as_long_as_it_must(clock, kind, most, silence):
    async def story(channel, server):
        for _ in range(most):
            await channel.send(message("plain"))
        down = await refusal(channel, "plain", ChannelDown)
        assert down.retry_after == timedelta(seconds=silence)
        seen = len(server.requests)
        down = await refusal(channel, "plain", ChannelDown)
        assert len(server.requests) == seen, "a blocked robot is left alone"
        await channel.send(message("signed:SEC-made-up"))
        clock.wind(silence)
        await channel.send(message("plain"))

    talk(clock, kind, story, per_minute=10_000)


def test_our_own_budget_keeps_the_provider_from_blocking_us_and_keeps_places_for_fire(clock):
    async def story(channel, server):
        for _ in range(15):
            await channel.send(message("plain", urgent=False))
        down = await refusal(channel, "plain", ChannelDown, urgent=False)
        assert down.retry_after == timedelta(minutes=1)
        for _ in range(5):
            await channel.send(message("plain", urgent=True))
        await refusal(channel, "plain", ChannelDown, urgent=True)
        assert len(server.posted) == 20
        clock.wind(60)
        await channel.send(message("plain", urgent=False))

    talk(clock, "dingtalk", story)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", ChannelDown),
        (b"<html>busy</html>", ChannelDown),
        (b"[]", ChannelDown),
        (b"{}", ChannelDown),
        (b'{"errcode": "0"}', ChannelDown),
        (b'{"errcode": false}', ChannelDown),
        (b'{"errcode": null}', ChannelDown),
        (b'{"errcode": -1, "errmsg": "busy"}', ChannelDown),
        (b'{"errcode": 93000, "errmsg": "\xff"}', ChannelDown),
        (b'{"errcode": 93000, "errmsg": "no such robot"}', ChannelRefused),
        (b'{"errcode": 123456, "errmsg": "never heard of"}', ChannelDown),
    ],
)
def test_only_the_code_zero_is_success(clock, body, error):
    class Odd(WeCom):
        def answer(self, request: Request) -> Answer:  # noqa: ARG002 - whatever is asked
            return Answer(200, body)

    async def story(channel, _server):
        await refusal(channel, "plain", error)

    talk(clock, "wecom", story, Odd)


def test_a_bad_request_of_feishu_that_means_too_many_is_not_for_good(clock):
    class Odd(Feishu):
        def answer(self, request: Request) -> Answer:  # noqa: ARG002 - whatever is asked
            return Answer(200, b'{"code": 9499, "msg": "too many request"}')

    async def story(channel, _server):
        down = await refusal(channel, "plain", ChannelDown)
        assert down.retry_after == timedelta(minutes=1)

    talk(clock, "feishu", story, Odd)


def test_a_provider_that_is_down_is_tried_again(clock):
    async def story(channel, server):
        server.down = True
        await refusal(channel, "plain", ChannelDown)
        server.down = False
        await channel.send(message("plain"))

    talk(clock, "wecom", story)


def test_options_that_cannot_work_are_all_named(clock):
    with pytest.raises(ConfigError) as caught:
        WeComChannel(RobotOptions("robot", url="ftp://x", per_minute=0), clock)
    assert [fault.path for fault in caught.value.faults] == ["per_minute", "url"]


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=made-up"),
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=made-up"),
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/made-up"),
    ],
)
def test_the_address_of_one_robot_is_not_a_base_address(clock, kind, url):
    with pytest.raises(ConfigError, match="address of one robot") as caught:
        PROVIDERS[kind][0](RobotOptions("robot", url=url), clock)
    assert "made-up" not in str(caught.value)


def test_a_clock_put_back_does_not_lock_the_budget(clock):
    budget = Budget(clock, 2)
    budget.spend(urgent=True)
    budget.spend(urgent=True)
    clock.wind(-3600)
    budget.spend(urgent=True)
    budget.block(timedelta(minutes=10))
    with pytest.raises(ChannelBusy):
        budget.spend(urgent=True)
    clock.wind(-3600)
    budget.spend(urgent=True)
