"""WeCom (enterprise WeChat) group robot. It has no signature: the key in its address is all there is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from firesense.notify.robot import Robot, is_mobile, shortened

if TYPE_CHECKING:
    from firesense.domain.instant import Instant
    from firesense.notify.robot import RobotAddress

_MOST_BYTES = 2048  # of a text message's content


class WeComChannel(Robot):
    """Posts a text and mentions the person beside it."""

    kind: ClassVar[str] = "wecom"
    home: ClassVar[str] = "https://qyapi.weixin.qq.com"
    robots: ClassVar[str] = "/cgi-bin/webhook/send"
    busy: ClassVar[frozenset[int]] = frozenset({45009, 45033})  # too many in a minute, too many at once
    busy_for: ClassVar[timedelta] = timedelta(minutes=1)
    final: ClassVar[frozenset[int]] = frozenset(
        {
            93000,  # no such robot
            93004,  # the robot is switched off
            93008,  # the robot is not in the group
            40008,  # message type
            40058,  # parameters
            44004,  # no content
            45002,  # content too long
        }
    )

    def request(self, text: str, robot: RobotAddress, now: Instant) -> tuple[str, dict[str, Any]]:  # noqa: ARG002 - nothing is signed
        """A text, and beside it who is mentioned."""
        content: dict[str, Any] = {"content": shortened(text, _MOST_BYTES)}
        if robot.mention:
            content["mentioned_mobile_list" if is_mobile(robot.mention) else "mentioned_list"] = [robot.mention]
        url = f"{self.base}{self.robots}?key={robot.token}"
        return url, {"msgtype": "text", "text": content}
