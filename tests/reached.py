"""A small house whose people are reached by telephones, text messages and work chats, played by servers of our own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from starlette.testclient import TestClient

from firesense.app.manners import make_callbacks
from firesense.domain.callback import Callback
from firesense.domain.place import Org
from firesense.notify.aliyun import AliyunOptions, AliyunSmsChannel, AliyunVoiceChannel
from firesense.notify.feishu_app import FeishuAppChannel, FeishuAppOptions
from firesense.notify.loudspeaker import LoudspeakerChannel, LoudspeakerOptions
from firesense.notify.sms_gateway import SmsGatewayChannel, SmsGatewayOptions
from firesense.notify.wecom_app import WeComAppChannel, WeComAppOptions
from firesense.photos import Photos
from firesense.web import create_console
from firesense.web.answers import install_problems
from firesense.web.parts import Parts
from tests.accounts import Aliyun, FeishuApp, SealedFeishuApp, SmsGateway, SpeakerBox, WeComAppWithButtons
from tests.house import HandClock, SmallHouse, smoke

ZHANG, SUN = "13900000011", "13900000021"
SETTINGS = "web: {url: 'https://console.example.org'}\n"


class Town:
    """A small house whose grid member is reached by the channels a story needs, with the servers they talk to."""

    def __init__(self, folder, stack, devices, addresses, wanted, who="zhang-wei"):
        self.clock = HandClock()
        servers = {
            "voice": Aliyun,
            "sms": SmsGateway,
            "aliyun": Aliyun,
            "feishu": FeishuApp,
            "feishu-sealed": SealedFeishuApp,
            "wecom": WeComAppWithButtons,
            "speaker": SpeakerBox,
        }
        self.servers = {name: stack.enter_context(servers[name](self.clock)) for name in wanted}
        self.house = SmallHouse(
            folder, devices, clock=self.clock, channels=lambda _clock: self._channels(), settings=SETTINGS
        )
        stack.callback(self.house.close)
        book = self.house.book
        org = book.org()
        people = [
            replace(each, addresses=addresses if each.id == who else each.addresses) for each in org.people.values()
        ]
        ladders, selectors = book.ladders()
        rungs = {
            name: replace(
                ladder,
                rungs=tuple(replace(rung, channels=(*rung.channels, *wanted)) for rung in ladder.rungs),
            )
            for name, ladder in ladders.items()
        }
        book.install(Org(org.places.values(), org.posts.values(), people), rungs.values(), selectors)

    def _channels(self):
        made = {}
        for name, server in self.servers.items():
            match name:
                case "voice" | "aliyun":
                    options = AliyunOptions(
                        name,
                        server.key,
                        server.secret,
                        server.voice_template if name == "voice" else server.sms_template,
                        "青溪消防",
                        params={"mark": "{mark}", "place": "{place}", "code": "{code}"},
                        callback_secret=server.callback_secret,
                        url=server.url,
                    )
                    made[name] = (AliyunVoiceChannel if name == "voice" else AliyunSmsChannel)(options, self.clock)
                case "sms":
                    options = SmsGatewayOptions(
                        name,
                        f"{server.url}/send",
                        fields={"user": "township", "mobile": "{phone}", "content": "{text}"},
                        success="result=0",
                        reference=r"msgid=(\w+)",
                        callback_secret="0123456789abcdef",
                    )
                    made[name] = SmsGatewayChannel(options, self.clock)
                case "feishu" | "feishu-sealed":
                    options = FeishuAppOptions(
                        name,
                        server.app,
                        server.secret,
                        server.verification,
                        server.url,
                        encrypt_key=getattr(server, "encrypt_key", ""),
                    )
                    made[name] = FeishuAppChannel(options, self.clock)
                case "speaker":
                    options = LoudspeakerOptions(
                        name,
                        url=f"{server.url}/speakers/{{address}}",
                        token=server.token,
                        callback_secret=server.callback_secret,
                        receipt_within=timedelta(seconds=30),
                    )
                    made[name] = LoudspeakerChannel(options, self.clock)
                case "wecom":
                    options = WeComAppOptions(
                        name,
                        server.corp,
                        server.agent,
                        server.secret,
                        server.url,
                        token=server.token,
                        encoding_aes_key=server.encoding_aes_key,
                    )
                    made[name] = WeComAppChannel(options, self.clock)
        return made

    def fire(self, number=1):
        self.house.hear(smoke(self.clock, number, alarm=1))
        return next(alert for alert in self.house.open_alerts() if alert.device == f"smoke-{number}")

    def calls(self, alert, channel=None):
        return [call for call in self.house.book.calls(alert.id) if channel in {None, call.channel}]

    def kinds(self, alert):
        return [step.kind for step in self.house.book.story(alert.id)]

    def call_back(self, channel, body, rest="", headers=None):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.house.answering.hear(channel, Callback(rest, {}, headers or {}, text)).answer

    def pages(self):
        """The pages of callbacks and links, as a browser gets them."""
        house = self.house
        console = FastAPI()
        given = {"book": house.book, "clock": self.clock, "secure": False, "zone": ZoneInfo(house.settings.zone)}
        console.state.parts = Parts(**dict.fromkeys(Parts.__dataclass_fields__) | given)
        install_problems(console)
        console.include_router(make_callbacks(house.answering, house.settings, house.keeper.current))
        return TestClient(console)

    def console(self):
        """The whole console with these pages in it, as the daemon puts it together."""
        house = self.house
        return create_console(
            house.book,
            house.history,
            house.desk,
            self.clock,
            house.keeper.current,
            status=dict,
            secure_cookies=False,
            hazards=house.hazards,
            quiet=house.quiet,
            photos=Photos(house.settings.data / "photos"),
            routes=[make_callbacks(house.answering, house.settings, house.keeper.current)],
        )
