"""Text messages and voice calls over Tencent Cloud (sms 2021-01-11, vms 2020-09-02), signed by TC3-HMAC-SHA256.

Texts are templates the provider has approved; we fill their places, in order. The provider answers 200 to everything.
Its callbacks are not signed: their path holds a secret of ours.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from firesense.domain.callback import Heard, News
from firesense.domain.escalation import CallState
from firesense.domain.instant import HOUR, moment
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.exchange import PATIENCE, Exchange, read_json
from firesense.notify.provider import (
    VOICE_LIMITS,
    Codes,
    body_json,
    line_of_telephone,
    objects,
    options_faults,
    refuse,
    secret_path,
    telephone,
    text_of,
)
from firesense.notify.room import pattern_fault_list, variables

if TYPE_CHECKING:
    from firesense.domain.callback import Callback
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_CODES = Codes(
    busy=("LimitExceeded", "RequestLimitExceeded"),
    final=(
        "AuthFailure.SecretIdNotFound",
        "AuthFailure.SignatureFailure",
        "AuthFailure.UnauthorizedOperation",
        "AuthFailure.InvalidSecretId",
        "FailedOperation.ContainSensitiveWord",
        "FailedOperation.PhoneNumberInBlacklist",
        "FailedOperation.Signature",
        "FailedOperation.Template",
        "InvalidParameter",
        "InvalidParameterValue",
        "MissingParameter",
        "UnauthorizedOperation",
        "UnsupportedOperation",
        "UnsupportedRegion",
    ),
)
_ANSWER = b'{"result":0,"errmsg":"OK"}'
_ANSWERED = "0"  # the telephone was picked up


@dataclass(frozen=True, slots=True)
class TencentOptions:
    """An account, an app and a template. ``params`` fill its places in order: texts with facts in braces.

    ``callback_secret`` is the last part of the address the provider calls back; without it nothing is taken from there.
    ``most`` characters fit into a place.
    """

    name: str
    secret_id: str
    secret_key: str = field(repr=False)
    app_id: str = ""
    template: str = ""
    sign_name: str = ""
    params: tuple[str, ...] = ()
    most: int = 12
    per_day: int = 10
    play_times: int = 2
    region: str = "ap-guangzhou"
    callback_secret: str = field(default="", repr=False)
    url: str = ""
    receipt_within: timedelta | None = timedelta(minutes=2)
    ask_every: timedelta | None = timedelta(seconds=30)
    timeout: timedelta = PATIENCE
    ca_file: str = ""


class _Tencent:
    """What both have in common: signing, codes, and who pays."""

    kind: ClassVar[str]
    service: ClassVar[str]
    version: ClassVar[str]
    needed: ClassVar[tuple[str, ...]] = ("secret_id", "secret_key", "app_id", "template")

    def __init__(self, options: TencentOptions, clock: Clock) -> None:
        """Raises ConfigError for missing options, a base address that is none, or a pattern that cannot be filled."""
        named = {str(number): pattern for number, pattern in enumerate(options.params)}
        refuse(options_faults(options, self.needed) + pattern_fault_list(named))
        self.name = options.name
        self.receipt_within = options.receipt_within
        self._options = options
        self._base = (options.url or f"https://{self.service}.tencentcloudapi.com").rstrip("/")
        self._patterns = named
        self._clock = clock
        self._exchange = Exchange(clock, options.timeout, options.ca_file)

    def line(self, call: Call) -> str:
        """Each telephone has a budget."""
        return line_of_telephone(call.address)

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    async def _call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        options = self._options
        payload = msgspec.json.encode(body)
        host, stamp = urlsplit(self._base).netloc, self._clock.now() // 1_000_000
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Host": host,
            "X-TC-Action": action,
            "X-TC-Version": self.version,
            "X-TC-Region": options.region,
            "X-TC-Timestamp": str(stamp),
            "Authorization": authorization(options.secret_id, options.secret_key, self.service, host, payload, stamp),
        }
        document = read_json(*await self._exchange.ask("POST", f"{self._base}/", payload, headers))
        response = document.get("Response")
        response = response if isinstance(response, dict) else {}
        error = response.get("Error")
        if isinstance(error, dict) or not response:
            given = error if isinstance(error, dict) else {}
            raise _CODES.failure(self.kind, text_of(given, "Code") or "?", text_of(given, "Message"))
        return response


class TencentSmsChannel(_Tencent):
    """Sends a text message by a template: SENT once its own code is Ok, DELIVERED once the carrier says so."""

    kind: ClassVar[str] = "tencent-sms"
    service: ClassVar[str] = "sms"
    version: ClassVar[str] = "2021-01-11"
    needed: ClassVar[tuple[str, ...]] = (*_Tencent.needed, "sign_name")

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Of one telephone: by the half minute, the hour and the day."""
        most = self._options.per_day
        return (
            Limit(1, timedelta(seconds=30)),
            Limit(5, timedelta(hours=1), 2),
            Limit(most, timedelta(days=1), most // 4),
        )

    @property
    def ask_every(self) -> timedelta | None:
        """How often to ask."""
        return self._options.ask_every

    async def send(self, message: Message) -> Receipt:
        """Send it."""
        options = self._options
        response = await self._call(
            "SendSms",
            {
                "PhoneNumberSet": [telephone(message.call.address)],
                "SmsSdkAppId": options.app_id,
                "SignName": options.sign_name,
                "TemplateId": options.template,
                "TemplateParamSet": list(variables(message, self._patterns, options.most).values()),
                "SessionContext": _context(message),
            },
        )
        [status] = (response.get("SendStatusSet") or [{}])[:1]
        if (code := text_of(status, "Code")) != "Ok":
            raise _CODES.failure(self.kind, code or "?", text_of(status, "Message"))
        return Receipt(reference=text_of(status, "SerialNo"))

    async def ask(self, call: Call) -> Receipt | None:
        """Ask what became of one message."""
        sent_at = call.sent_at or self._clock.now()
        response = await self._call(
            "PullSmsSendStatusByPhoneNumber",
            {
                "BeginTime": (sent_at - HOUR) // 1_000_000,
                "Offset": 0,
                "Limit": 100,
                "PhoneNumber": telephone(call.address),
                "SmsSdkAppId": self._options.app_id,
            },
        )
        for status in response.get("PullSmsSendStatusSet") or []:
            if text_of(status, "SerialNo") == call.receipt:
                return _arrived(call.receipt, text_of(status, "ReportStatus"), text_of(status, "Description"))
        return None

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - what comes does not say when it was made
        """Understand reports and answers."""
        secret_path(callback, self._options.callback_secret)
        news = []
        for each in objects(body_json(callback)):
            if "text" in each:
                number = f"+{text_of(each, 'nationcode') or '86'}{text_of(each, 'mobile')}"
                news.append(News(address=number, text=text_of(each, "text")))
            elif sid := text_of(each, "sid"):
                said = _arrived(sid, text_of(each, "report_status"), text_of(each, "errmsg"))
                news.append(News(sid, said.state, said.reason))
        return Heard(tuple(news), _ANSWER, once=hashlib.sha256(callback.body).hexdigest())


class TencentVoiceChannel(_Tencent):
    """Calls a telephone and speaks a template: SENT once it is taken, DELIVERED once it was answered.

    Whoever presses 1 takes the alert. What became of a call comes by callback only.
    """

    kind: ClassVar[str] = "tencent-voice"
    service: ClassVar[str] = "vms"
    version: ClassVar[str] = "2020-09-02"
    limits: ClassVar[tuple[Limit, ...]] = VOICE_LIMITS

    async def send(self, message: Message) -> Receipt:
        """Have the telephone called."""
        options = self._options
        response = await self._call(
            "SendTtsVoice",
            {
                "TemplateId": options.template,
                "CalledNumber": telephone(message.call.address),
                "VoiceSdkAppid": options.app_id,
                "TemplateParamSet": list(variables(message, self._patterns, options.most, speak=True).values()),
                "PlayTimes": options.play_times,
                "SessionContext": _context(message),
            },
        )
        return Receipt(reference=text_of(response.get("SendStatus") or {}, "CallId"))

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - what comes does not say when it was made
        """Understand what became of a call, and which key was pressed."""
        secret_path(callback, self._options.callback_secret)
        news = []
        for each in objects(body_json(callback)):
            for name in ("voiceprompt_callback", "voicecode_callback"):
                if isinstance(told := each.get(name), dict) and (call_id := text_of(told, "callid")):
                    answered = text_of(told, "result") == _ANSWERED
                    state = CallState.DELIVERED if answered else CallState.FAILED
                    news.append(News(call_id, state, "" if answered else f"result {text_of(told, 'result')}"))
            if isinstance(told := each.get("voicekey_callback"), dict) and (call_id := text_of(told, "callid")):
                news.append(News(call_id, CallState.DELIVERED, pressed=text_of(told, "keypress")))
        return Heard(tuple(news), _ANSWER, once=hashlib.sha256(callback.body).hexdigest())


def authorization(secret_id: str, secret_key: str, service: str, host: str, payload: bytes, stamp: int) -> str:
    """The Authorization header of TC3-HMAC-SHA256 over content type, host and body; ``stamp`` in seconds."""
    date = moment(stamp * 1_000_000).strftime("%Y-%m-%d")
    scope = f"{date}/{service}/tc3_request"
    canonical = (
        "POST\n/\n\n"
        f"content-type:application/json; charset=utf-8\nhost:{host}\n\ncontent-type;host\n"
        f"{hashlib.sha256(payload).hexdigest()}"
    )
    text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signed = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signed}"


def _arrived(reference: str, status: str, reason: str) -> Receipt:
    if status == "SUCCESS":
        return Receipt(CallState.DELIVERED, reference)
    return Receipt(CallState.FAILED, reference, reason)


def _context(message: Message) -> str:
    return hashlib.sha256(message.call.key.encode()).hexdigest()[:32]
