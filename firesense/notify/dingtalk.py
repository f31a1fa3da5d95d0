"""DingTalk group robot (open.dingtalk.com, custom robot)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote_plus

from firesense.notify.robot import Robot, is_mobile, shortened, signature

if TYPE_CHECKING:
    from firesense.domain.instant import Instant
    from firesense.notify.robot import RobotAddress

_MOST_BYTES = 18_000  # the provider takes 20,000 bytes a message


class DingTalkChannel(Robot):
    """Signs the milliseconds of the request with the robot's secret, in the query."""

    kind: ClassVar[str] = "dingtalk"
    home: ClassVar[str] = "https://oapi.dingtalk.com"
    robots: ClassVar[str] = "/robot/send"
    busy: ClassVar[frozenset[int]] = frozenset({130101, 410100, 90030})
    busy_for: ClassVar[timedelta] = timedelta(minutes=10)  # more than 20 a minute silences the robot for ten
    final: ClassVar[frozenset[int]] = frozenset(
        {
            310000,  # signature, keyword or address list does not fit
            300001,  # no such token
            300005,
            400101,
            400013,  # the group is gone
            400102,  # the robot is switched off
            400105,  # message type
            40035,  # parameters
            430101,  # content the provider does not carry
            430102,
            430103,
            430104,
        }
    )

    def request(self, text: str, robot: RobotAddress, now: Instant) -> tuple[str, dict[str, Any]]:
        """A text; a mention counts only when the text holds it, too."""
        url = f"{self.base}{self.robots}?access_token={robot.token}"
        if robot.secret:
            stamp = now // 1000
            sign = quote_plus(signature(robot.secret, f"{stamp}\n{robot.secret}"))
            url += f"&timestamp={stamp}&sign={sign}"
        at: dict[str, Any] = {"isAtAll": False}
        text = shortened(text, _MOST_BYTES)
        if robot.mention:
            at["atMobiles" if is_mobile(robot.mention) else "atUserIds"] = [robot.mention]
            text += f"\n@{robot.mention}"
        return url, {"msgtype": "text", "text": {"content": text}, "at": at}
