"""Text messages and voice calls over Aliyun (dysmsapi and dyvmsapi, version 2017-05-25).

Requests are signed by HMAC-SHA1 over their sorted parameters (RPC style, signature version 1.0). Texts are templates
the provider has approved; we fill their places. Reports come by HTTP batch push, which is not signed: its path holds a
secret of ours. Where nobody can push to us, the provider is asked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import msgspec

from firesense.domain.callback import Heard, News
from firesense.domain.escalation import CallState
from firesense.domain.instant import moment
from firesense.domain.limits import Limit
from firesense.domain.message import Receipt
from firesense.notify.exchange import PATIENCE, Exchange, read_json
from firesense.notify.provider import (
    VOICE_LIMITS,
    Codes,
    at_home,
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
    from collections.abc import Mapping

    from firesense.domain.callback import Callback
    from firesense.domain.escalation import Call
    from firesense.domain.instant import Instant
    from firesense.domain.message import Message
    from firesense.ports import Clock

_CODES = Codes(
    busy=("isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "Throttling"),
    final=(
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.SMS_",
        "isv.TEMPLATE_",
        "isv.PARAM_",
        "isv.INVALID_",
        "isv.ACCOUNT_",
        "isv.PRODUCT_UN_SUBSCRIPT",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.DENY_IP_RANGE",
        "isv.TTS_",
        "isv.VOICE_",
        "isv.CALLED_",
        "isv.DISPLAY_NUMBER",
        "isp.RAM_PERMISSION_DENY",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "Forbidden",
        "MissingParameter",
        "InvalidParameter",
    ),
    busy_for=timedelta(minutes=1),
)
_ANSWER = '{"code":0,"msg":"成功"}'.encode()
_CHINA = ZoneInfo("Asia/Shanghai")  # the provider's days
_TALKED = "200000"  # the call was answered
_PRODUCT = "11000000300006"  # voice notices


@dataclass(frozen=True, slots=True)
class AliyunOptions:
    """An account and a template. ``params`` fills the template's places: name -> text with facts in braces.

    ``caller`` is the number that is shown (voice; empty: the provider's own). ``callback_secret`` is the last part of
    the address the provider pushes to; without it nothing is taken from there. ``most`` characters fit into a place.
    """

    name: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    template: str = ""
    sign_name: str = ""
    caller: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    most: int = 20
    per_day: int = 50
    play_times: int = 2
    callback_secret: str = field(default="", repr=False)
    url: str = ""
    receipt_within: timedelta | None = timedelta(minutes=2)
    ask_every: timedelta | None = timedelta(seconds=30)
    timeout: timedelta = PATIENCE
    ca_file: str = ""


class _Aliyun:
    """What both have in common: signing, codes, and who pays."""

    kind: ClassVar[str]
    home: ClassVar[str]
    needed: ClassVar[tuple[str, ...]]

    def __init__(self, options: AliyunOptions, clock: Clock) -> None:
        """Raises ConfigError for missing options, a base address that is none, or a pattern that cannot be filled."""
        refuse(options_faults(options, self.needed) + pattern_fault_list(options.params))
        self.name = options.name
        self.receipt_within = options.receipt_within
        self.ask_every = options.ask_every
        self._options = options
        self._base = (options.url or self.home).rstrip("/")
        self._clock = clock
        self._exchange = Exchange(clock, options.timeout, options.ca_file)

    def line(self, call: Call) -> str:
        """Each telephone has a budget."""
        return line_of_telephone(call.address)

    async def close(self) -> None:
        """Release the connections."""
        await self._exchange.close()

    async def _call(self, action: str, **parameters: str) -> dict[str, Any]:
        now = moment(self._clock.now())
        given = {
            "AccessKeyId": self._options.access_key_id,
            "Action": action,
            "Format": "JSON",
            "RegionId": "cn-hangzhou",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": secrets.token_hex(16),
            "SignatureVersion": "1.0",
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-05-25",
            **{name: value for name, value in parameters.items() if value},
        }
        given["Signature"] = signature("POST", given, self._options.access_key_secret)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        document = read_json(*await self._exchange.ask("POST", f"{self._base}/", urlencode(given).encode(), headers))
        if (code := text_of(document, "Code")) != "OK":
            raise _CODES.failure(self.kind, code or "?", text_of(document, "Message"))
        return document


class AliyunSmsChannel(_Aliyun):
    """Sends a text message by a template: SENT once the code is OK, DELIVERED once the carrier says so."""

    kind: ClassVar[str] = "aliyun-sms"
    home: ClassVar[str] = "https://dysmsapi.aliyuncs.com"
    needed: ClassVar[tuple[str, ...]] = ("access_key_id", "access_key_secret", "template", "sign_name", "params")

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Of one telephone, signature and template: by the day."""
        return (Limit(self._options.per_day, timedelta(days=1), self._options.per_day // 4),)

    async def send(self, message: Message) -> Receipt:
        """Send it."""
        options = self._options
        document = await self._call(
            "SendSms",
            PhoneNumbers=at_home(telephone(message.call.address)),
            SignName=options.sign_name,
            TemplateCode=options.template,
            TemplateParam=_json(variables(message, options.params, options.most)),
            OutId=_out_id(message),
        )
        return Receipt(reference=text_of(document, "BizId"))

    async def ask(self, call: Call) -> Receipt | None:
        """Ask what became of one message."""
        sent = moment(call.sent_at or self._clock.now()).astimezone(_CHINA)
        document = await self._call(
            "QuerySendDetails",
            PhoneNumber=at_home(telephone(call.address)),
            BizId=call.receipt,
            SendDate=sent.strftime("%Y%m%d"),
            PageSize="1",
            CurrentPage="1",
        )
        details = (document.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or [{}]
        match details[0].get("SendStatus"):
            case 3:
                return Receipt(CallState.DELIVERED, call.receipt)
            case 2:
                return Receipt(CallState.FAILED, call.receipt, text_of(details[0], "ErrCode"))
            case _:
                return None

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - what comes does not say when it was made
        """Understand pushed reports (SmsReport) and answers (SmsUp)."""
        secret_path(callback, self._options.callback_secret)
        news = []
        for each in objects(body_json(callback)):
            if "content" in each:
                news.append(News(address=text_of(each, "phone_number"), text=text_of(each, "content")))
            elif biz_id := text_of(each, "biz_id"):
                arrived = each.get("success") in (True, "true")
                state = CallState.DELIVERED if arrived else CallState.FAILED
                news.append(News(biz_id, state, "" if arrived else text_of(each, "err_code")))
        return Heard(tuple(news), _ANSWER, once=hashlib.sha256(callback.body).hexdigest())


class AliyunVoiceChannel(_Aliyun):
    """Calls a telephone and speaks a template: SENT once the code is OK, DELIVERED once it was answered.

    Whoever presses 1 takes the alert.
    """

    kind: ClassVar[str] = "aliyun-voice"
    home: ClassVar[str] = "https://dyvmsapi.aliyuncs.com"
    needed: ClassVar[tuple[str, ...]] = ("access_key_id", "access_key_secret", "template", "params")
    limits: ClassVar[tuple[Limit, ...]] = VOICE_LIMITS

    async def send(self, message: Message) -> Receipt:
        """Have the telephone called."""
        options = self._options
        document = await self._call(
            "SingleCallByTts",
            CalledNumber=at_home(telephone(message.call.address)),
            CalledShowNumber=options.caller,
            TtsCode=options.template,
            TtsParam=_json(variables(message, options.params, options.most, speak=True)),
            PlayTimes=str(options.play_times),
            OutId=_out_id(message),
        )
        return Receipt(reference=text_of(document, "CallId"))

    async def ask(self, call: Call) -> Receipt | None:
        """Ask what became of one call, and which key was pressed."""
        sent_at = (call.sent_at or self._clock.now()) // 1000
        document = await self._call(
            "QueryCallDetailByCallId", CallId=call.receipt, ProdId=_PRODUCT, QueryDate=str(sent_at)
        )
        try:
            detail = msgspec.json.decode(text_of(document, "Data") or "{}")
        except msgspec.DecodeError:
            return None
        if not isinstance(detail, dict) or not (state := text_of(detail, "state")):
            return None
        return _of_call(call.receipt, state, text_of(detail, "stateDesc"), text_of(detail, "dtmf"))

    def hear(self, callback: Callback, now: Instant) -> Heard:  # noqa: ARG002 - what comes does not say when it was made
        """Understand pushed reports (VoiceReport), with the key that was pressed."""
        secret_path(callback, self._options.callback_secret)
        news = []
        for each in objects(body_json(callback)):
            if not (call_id := text_of(each, "call_id")):
                continue
            said = _of_call(call_id, text_of(each, "status_code"), text_of(each, "status_msg"), text_of(each, "dtmf"))
            news.append(News(call_id, said.state, said.reason, said.pressed))
        return Heard(tuple(news), _ANSWER, once=hashlib.sha256(callback.body).hexdigest())


def signature(method: str, parameters: Mapping[str, str], secret: str) -> str:
    """HMAC-SHA1 in base64 over method and sorted parameters, as the provider's RPC style wants it."""
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(parameters.items()))
    text = f"{method}&{_quoted('/')}&{_quoted(query)}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), hashlib.sha1)).decode()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _of_call(call_id: str, state: str, reason: str, pressed: str) -> Receipt:
    if state == _TALKED:
        return Receipt(CallState.DELIVERED, call_id, pressed=pressed)
    return Receipt(CallState.FAILED, call_id, f"{state} {reason}".strip())


def _json(values: Mapping[str, str]) -> str:
    return msgspec.json.encode(values).decode()


def _out_id(message: Message) -> str:
    return hashlib.sha256(message.call.key.encode()).hexdigest()[:32]
