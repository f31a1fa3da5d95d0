"""Feishu (and Lark) group robot."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from firesense.notify.robot import Robot, is_mobile, shortened, signature

if TYPE_CHECKING:
    from firesense.domain.instant import Instant
    from firesense.notify.robot import RobotAddress

_MOST_BYTES = 18_000  # the provider takes 20 KB a request
_BAD_REQUEST = 9499  # a malformed body, but also some of the provider's rate limits


class FeishuChannel(Robot):
    """Signs the second of the request, in the body; mentions by the provider's user id."""

    kind: ClassVar[str] = "feishu"
    home: ClassVar[str] = "https://open.feishu.cn"
    robots: ClassVar[str] = "/open-apis/bot/v2/hook"
    verdict: ClassVar[str] = "code"
    reason: ClassVar[str] = "msg"
    busy: ClassVar[frozenset[int]] = frozenset({11232, 11233})
    busy_for: ClassVar[timedelta] = timedelta(minutes=1)
    final: ClassVar[frozenset[int]] = frozenset(
        {
            _BAD_REQUEST,
            19001,  # no such robot
            19002,  # parameters
            19021,  # signature, or a clock that is an hour off
            19022,  # our address is not on its list
            19024,  # keyword
        }
    )

    def is_busy(self, code: int, reason: str) -> bool:
        """Tell the rate limit that hides behind the code for bad requests."""
        return code == _BAD_REQUEST and "too many" in reason.lower()

    def request(self, text: str, robot: RobotAddress, now: Instant) -> tuple[str, dict[str, Any]]:
        """A text; a mobile number cannot be mentioned, so it is not shown either."""
        # Texts may hold tags of the provider, and a device may be called anything.
        text = shortened(text, _MOST_BYTES).replace("<", "＜")
        if robot.mention and not is_mobile(robot.mention):
            text += f'\n<at user_id="{robot.mention}"></at>'
        document: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if robot.secret:
            stamp = str(now // 1_000_000)
            document |= {"timestamp": stamp, "sign": signature(f"{stamp}\n{robot.secret}", "")}
        return f"{self.base}{self.robots}/{robot.token}", document
