"""Providers where the organisation has an account, as real servers on 127.0.0.1: work chats, text messages, voice.

They check signatures and tokens as the real ones do, have the same limits and codes, and remember what they were given.
What became of a message is played: ``fate`` says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tests.providers import MINUTE, Answer, HttpProvider, Request, _ok

if TYPE_CHECKING:
    from tests.providers import HandClock

SECOND = 1
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


class _Counted:
    """How often each line was used, and whether that is too often."""

    def __init__(self, clock: HandClock, *limits: tuple[int, int]) -> None:
        self._clock = clock
        self._limits = limits
        self._used: dict[str, list[float]] = defaultdict(list)

    def too_often(self, line: str) -> bool:
        now = self._clock.now() / 1e6
        if any(sum(at > now - per for at in self._used[line]) >= most for most, per in self._limits):
            return True
        self._used[line].append(now)
        return False


class _Tokens:
    """Access tokens that end after two hours, or when the provider feels like it."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self.given = 0
        self.good: dict[str, float] = {}

    def give(self) -> str:
        self.given += 1
        token = f"token-{self.given}"
        self.good[token] = self._clock.now() / 1e6 + 2 * HOUR
        return token

    def known(self, token: str) -> bool:
        return self.good.get(token, 0) > self._clock.now() / 1e6

    def forget(self) -> None:
        self.good.clear()


class WeComApp(HttpProvider):
    """Messages of an app: 30 a minute and 1,000 an hour for one member, beyond which it says yes and drops them."""

    corp, secret, agent = "ww-made-up", "app-secret-made-up", 1000002
    members = ("lin", "wu")

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.tokens = _Tokens(clock)
        self.posted: list[Any] = []
        self.tasks: set[str] = set()
        self.takes_cards = True
        self.busy = False
        self._counted = _Counted(clock, (30, MINUTE), (1000, HOUR))

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 - one for each code
        query = request.query
        if request.path == "/cgi-bin/gettoken":
            if query.get("corpid") != self.corp:
                return _ok(errcode=40013, errmsg="invalid corpid")
            if query.get("corpsecret") != self.secret:
                return _ok(errcode=40001, errmsg="invalid credential")
            return _ok(errcode=0, errmsg="ok", access_token=self.tokens.give(), expires_in=7200)
        if not self.tokens.known(query.get("access_token", "")):
            return _ok(errcode=42001, errmsg="access_token expired, hint: [1]")
        if self.busy:
            return _ok(errcode=45009, errmsg="reach max api daily quota limit, hint: [1]")
        document = request.json
        if document.get("agentid") != self.agent:
            return _ok(errcode=40056, errmsg="invalid agentid")
        if (wrong := self._wrong(document)) is not None:
            return wrong
        member = document["touser"]
        if member not in self.members:
            return _ok(errcode=0, errmsg="ok", invaliduser=member, msgid="m-0")
        if not self._counted.too_often(member):
            self.posted.append(document)
        return _ok(errcode=0, errmsg="ok", invaliduser="", msgid=f"m-{len(self.posted)}")

    def _wrong(self, document: Any) -> Answer | None:
        """The limits of a text, and of a card with buttons; a task's id is taken once."""
        if document["msgtype"] == "text":
            return None if document["text"]["content"] else _ok(errcode=44004, errmsg="empty content")
        card = document["template_card"]
        if not self.takes_cards:
            return _ok(errcode=301085, errmsg="template card is not allowed")
        buttons = card.get("button_list", ())
        text = card.get("main_title", {}).get("title") or card.get("sub_title_text")
        if card.get("card_type") != "button_interaction" or not text or not 1 <= len(buttons) <= 6:
            return _ok(errcode=42014, errmsg="invalid template card")
        if any(not button.get("text") or not 0 < len(button.get("key", "").encode()) <= 1024 for button in buttons):
            return _ok(errcode=42014, errmsg="invalid button")
        task = card.get("task_id", "")
        if not re.fullmatch(r"[\w@-]{1,128}", task, re.ASCII) or task in self.tasks:
            return _ok(errcode=42015, errmsg="invalid or repeated task_id")
        self.tasks.add(task)
        return None


class WeComAppWithButtons(WeComApp):
    """The same with an address that receives messages: cards with buttons come back encrypted and signed."""

    token = "token-made-up"
    encoding_aes_key = base64.b64encode(bytes(range(32))).decode()[:43]

    @classmethod
    def pressed(cls, card: Any, member: str, at: int, **other: str) -> tuple[dict[str, str], bytes]:
        """The query and the body of the callback of a card's button."""
        fields = {
            "ToUserName": cls.corp,
            "FromUserName": member,
            "CreateTime": str(at // 1_000_000),
            "MsgType": "event",
            "Event": "template_card_event",
            "EventKey": card["button_list"][0]["key"],
            "TaskId": card["task_id"],
            "CardType": card["card_type"],
            "ResponseCode": "r-1",
            "AgentID": str(cls.agent),
        }
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in (fields | other).items())
        return wecom_sealed(f"<xml>{inner}</xml>", at)


def wecom_query(encrypted: str, at: int, token: str = WeComAppWithButtons.token, nonce: str = "n-1") -> dict[str, str]:
    """The query that proves what was encrypted."""
    made = str(at // 1_000_000)
    signed = "".join(sorted([token, made, nonce, encrypted]))
    return {
        "msg_signature": hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest(),
        "timestamp": made,
        "nonce": nonce,
    }


def wecom_encrypted(text: str, receiver: str = WeComApp.corp, key: str = WeComAppWithButtons.encoding_aes_key) -> str:
    """A text as WeCom encrypts it."""
    inner = text.encode()
    whole = hashlib.sha256(inner).digest()[:16] + struct.pack(">I", len(inner)) + inner + receiver.encode()
    secret = base64.b64decode(f"{key}=")
    return base64.b64encode(_aes(secret, secret[:16]).update(_filled_up(whole, 32))).decode()


def wecom_opened(encrypted: str) -> bytes:
    """What we encrypted for WeCom."""
    secret = base64.b64decode(f"{WeComAppWithButtons.encoding_aes_key}=")
    unpadder = PKCS7(32 * 8).unpadder()
    plain = Cipher(AES(secret), CBC(secret[:16])).decryptor().update(base64.b64decode(encrypted))
    whole = unpadder.update(plain) + unpadder.finalize()
    length = struct.unpack(">I", whole[16:20])[0]
    assert whole[20 + length :].decode() == WeComApp.corp
    return whole[20 : 20 + length]


def wecom_sealed(text: str, at: int, **more: str) -> tuple[dict[str, str], bytes]:
    """The query and the body of a callback."""
    encrypted = wecom_encrypted(text, **more)
    body = f"<xml><ToUserName><![CDATA[{WeComApp.corp}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return wecom_query(encrypted, at), body.encode()


class DingTalkWork(HttpProvider):
    """Work notices: taken at once, delivered later; the same words twice in a day are dropped."""

    key, secret, agent = "ding-made-up", "app-secret-made-up", 4711
    employees = ("lin", "wu")

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.tokens = _Tokens(clock)
        self.posted: list[Any] = []
        self.fate = "unread"  # or read, forbidden, failed, nothing
        self._tasks: dict[str, str] = {}
        self._said: set[tuple[str, str]] = set()

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 - one for each code
        query = request.query
        if request.path == "/gettoken":
            if (query.get("appkey"), query.get("appsecret")) != (self.key, self.secret):
                return _ok(errcode=40089, errmsg="不合法的corpid或corpsecret")
            return _ok(errcode=0, errmsg="ok", access_token=self.tokens.give(), expires_in=7200)
        if not self.tokens.known(query.get("access_token", "")):
            return _ok(errcode=40014, errmsg="不合法的access_token")
        document = request.json
        if document.get("agent_id") != self.agent:
            return _ok(errcode=400, errmsg="", sub_code="isv.param", sub_msg="agent_id is invalid")
        if request.path.endswith("/getsendresult"):
            return self._result(str(document["task_id"]))
        task = f"{len(self._tasks) + 1}"
        employee, said = document["userid_list"], document["msg"]["text"]["content"]
        if employee not in self.employees:
            return _ok(errcode=33012, errmsg="无效的USERID")
        self._tasks[task] = employee
        if (employee, said) not in self._said:
            self._said.add((employee, said))
            self.posted.append(document)
        return _ok(errcode=0, errmsg="ok", task_id=int(task), request_id="r")

    def _result(self, task: str) -> Answer:
        if task not in self._tasks or self.fate == "nothing":
            return _ok(errcode=0, errmsg="ok", send_result={})
        result = {f"{self.fate}_user_id_list": [self._tasks[task]]}
        return _ok(errcode=0, errmsg="ok", send_result=result)


class FeishuApp(HttpProvider):
    """Cards: 5 a second for one person; the same uuid within an hour is the same message."""

    app, secret, verification = "cli_made_up", "app-secret-made-up", "verification-made-up"
    people = ("ou_lin", "ou_wu")

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.tokens = _Tokens(clock)
        self.posted: list[Any] = []
        self._seen: dict[str, str] = {}
        self._counted = _Counted(clock, (5, SECOND))

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 - one for each code
        if request.path == "/open-apis/auth/v3/tenant_access_token/internal":
            if (request.json.get("app_id"), request.json.get("app_secret")) != (self.app, self.secret):
                return _ok(code=10014, msg="app secret invalid")
            return _ok(code=0, msg="ok", tenant_access_token=self.tokens.give(), expire=7200)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.tokens.known(token):
            return Answer(400, json.dumps({"code": 99991663, "msg": "Invalid access token"}).encode())
        document = request.json
        person = document["receive_id"]
        if person not in self.people or request.query.get("receive_id_type") != "open_id":
            return Answer(
                400, json.dumps({"code": 230001, "msg": "Your request contains an invalid parameter"}).encode()
            )
        if (uuid := document["uuid"]) in self._seen:
            return _ok(code=0, msg="success", data={"message_id": self._seen[uuid]})
        if self._counted.too_often(person):
            return Answer(400, json.dumps({"code": 230020, "msg": "The message rate limit was hit"}).encode())
        self._seen[uuid] = f"om_{len(self.posted) + 1}"
        self.posted.append(document | {"card": json.loads(document["content"])})
        return _ok(code=0, msg="success", data={"message_id": self._seen[uuid]})

    def pressed(self, card: Any, person: str, at: int, **header: str) -> bytes:
        """The callback of the first button of a card."""
        value = card["elements"][1]["actions"][0]["value"]
        told = {
            "event_type": "card.action.trigger",
            "event_id": "e-1",
            "create_time": str(at),
            "token": self.verification,
        }
        event = {"operator": {"open_id": person}, "action": {"value": value, "tag": "button"}}
        return json.dumps({"schema": "2.0", "header": told | header, "event": event}).encode()


class SealedFeishuApp(FeishuApp):
    """The same with an encrypt key: callbacks are encrypted and signed."""

    encrypt_key = "encrypt-key-made-up"


def feishu_sealed(told: bytes, at: int, key: str = SealedFeishuApp.encrypt_key) -> tuple[bytes, dict[str, str]]:
    """The body and the headers (lower case) in which something is told with an encrypt key."""
    vector = hashlib.sha256(told).digest()[:16]
    encrypted = _aes(hashlib.sha256(key.encode()).digest(), vector).update(_filled_up(told, 16))
    body = json.dumps({"encrypt": base64.b64encode(vector + encrypted).decode()}).encode()
    return body, feishu_signed(body, at, key)


def feishu_signed(body: bytes, at: int, key: str = SealedFeishuApp.encrypt_key) -> dict[str, str]:
    """The headers of a body."""
    made, nonce = str(at // 1_000_000), "n-1"
    signature = hashlib.sha256(f"{made}{nonce}{key}".encode() + body).hexdigest()
    return {"x-lark-request-timestamp": made, "x-lark-request-nonce": nonce, "x-lark-signature": signature}


def _aes(key: bytes, vector: bytes) -> CipherContext:
    return Cipher(AES(key), CBC(vector)).encryptor()


def _filled_up(plain: bytes, block: int) -> bytes:
    padder = PKCS7(block * 8).padder()
    return padder.update(plain) + padder.finalize()


class Aliyun(HttpProvider):
    """Text messages (50 a day) and voice calls (1 a minute, 5 an hour, 20 a day) by signed requests.

    Codes come with status 200 for what the business refuses, and with 4xx for what the door refuses.
    """

    key, secret = "LTAI-made-up", "access-secret-made-up"
    sms_template, voice_template = "SMS_1001", "TTS_1001"
    callback_secret = "0123456789abcdef0123"

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.posted: list[dict[str, str]] = []
        self.fate = ""  # what is said when it is asked: delivered, failed, or nothing yet
        self.pressed = ""
        self._nonces: set[str] = set()
        self._sms = _Counted(clock, (50, DAY))
        self._voice = _Counted(clock, (1, MINUTE), (5, HOUR), (20, DAY))

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 - one for each code
        given = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        signature = given.pop("Signature", "")
        if given.get("AccessKeyId") != self.key:
            return _wrong(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        query = "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in sorted(given.items()))
        text = f"POST&%2F&{quote(query, safe='-_.~')}"
        expected = base64.b64encode(hmac.digest(f"{self.secret}&".encode(), text.encode(), "sha1")).decode()
        if signature != expected:
            return _wrong(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
        if given["SignatureNonce"] in self._nonces:
            return _wrong(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(given["SignatureNonce"])
        match given["Action"]:
            case "SendSms":
                return self._send_sms(given)
            case "SingleCallByTts":
                return self._call(given)
            case "QuerySendDetails":
                state = {"delivered": 3, "failed": 2}.get(self.fate, 1)
                detail = {"SendStatus": state, "ErrCode": "DELIVERED" if state == 3 else "MK:0005"}
                return _ok(Code="OK", SmsSendDetailDTOs={"SmsSendDetailDTO": [detail]}, TotalCount=1)
            case _:
                state = {"delivered": "200000", "failed": "200010"}.get(self.fate, "")
                data = {"state": state, "stateDesc": "用户接听" if self.fate == "delivered" else "用户关机"}
                return _ok(Code="OK", Data=json.dumps(data | {"dtmf": self.pressed}) if state else "{}")

    def _send_sms(self, given: dict[str, str]) -> Answer:
        if not given["PhoneNumbers"].startswith("1") or len(given["PhoneNumbers"]) != 11:
            return _ok(Code="isv.MOBILE_NUMBER_ILLEGAL", Message=f"{given['PhoneNumbers']}invalid mobile number")
        if given["TemplateCode"] != self.sms_template:
            return _ok(Code="isv.SMS_TEMPLATE_ILLEGAL", Message="该账号下找不到对应模板")
        if any(len(value) > 35 for value in json.loads(given["TemplateParam"]).values()):
            return _ok(Code="isv.PARAM_LENGTH_LIMIT", Message="参数超过长度限制")
        if self._sms.too_often(given["PhoneNumbers"]):
            return _ok(Code="isv.BUSINESS_LIMIT_CONTROL", Message="触发天级流控Permits:50")
        self.posted.append(given)
        return _ok(Code="OK", Message="OK", BizId=f"biz-{len(self.posted)}", RequestId="R")

    def _call(self, given: dict[str, str]) -> Answer:
        if given["TtsCode"] != self.voice_template:
            return _ok(Code="isv.TTS_TEMPLATE_ILLEGAL", Message="文本转语音模板不合法")
        if self._voice.too_often(given["CalledNumber"]):
            return _ok(Code="isv.BUSINESS_LIMIT_CONTROL", Message="触发业务流控限制")
        self.posted.append(given)
        return _ok(Code="OK", Message="OK", CallId=f"call-{len(self.posted)}^1", RequestId="R")


class Tencent(HttpProvider):
    """The same at the other one: TC3 signatures, status 200 for everything."""

    id, key, app = "AKID-made-up", "secret-key-made-up", "1400000000"
    template = "1001"
    callback_secret = "fedcba98765432100123"

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.posted: list[Any] = []
        self.fate = ""
        self._counted = _Counted(clock, (1, 30 * SECOND), (5, HOUR), (10, DAY))

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 - one for each code
        if (error := self._door(request)) is not None:
            return _ok(Response={"Error": error, "RequestId": "R"})
        document, action = request.json, request.headers["X-TC-Action"]
        if action == "PullSmsSendStatusByPhoneNumber":
            status = {"SerialNo": f"2640:{len(self.posted)}", "ReportStatus": self.fate, "Description": "played"}
            return _ok(Response={"PullSmsSendStatusSet": [status] if self.fate else [], "RequestId": "R"})
        if document["TemplateId"] != self.template:
            return self._error("FailedOperation.TemplateIncorrectOrUnapproved", "template is not approved")
        if action == "SendTtsVoice":
            self.posted.append(document)
            return _ok(Response={"SendStatus": {"CallId": f"voice-{len(self.posted)}"}, "RequestId": "R"})
        [number] = document["PhoneNumberSet"]
        if self._counted.too_often(number):
            return self._status(number, "LimitExceeded.PhoneNumberThirtySecondLimit", "30 second limit")
        if any(len(value) > 12 for value in document["TemplateParamSet"]):
            return self._status(number, "InvalidParameterValue.TemplateParameterLengthLimit", "too long")
        self.posted.append(document)
        return self._status(number, "Ok", "send success")

    def _status(self, number: str, code: str, text: str) -> Answer:
        serial = f"2640:{len(self.posted)}" if code == "Ok" else ""
        status = {"SerialNo": serial, "PhoneNumber": number, "Fee": 1, "Code": code, "Message": text, "IsoCode": "CN"}
        return _ok(Response={"SendStatusSet": [status], "RequestId": "R"})

    def _error(self, code: str, text: str) -> Answer:
        return _ok(Response={"Error": {"Code": code, "Message": text}, "RequestId": "R"})

    def _door(self, request: Request) -> dict[str, str] | None:
        headers = request.headers
        stamp = int(headers["X-TC-Timestamp"])
        if abs(self.clock.now() / 1e6 - stamp) > 5 * MINUTE:
            return {"Code": "AuthFailure.SignatureExpire", "Message": "signature expired"}
        service = "vms" if headers["X-TC-Action"] == "SendTtsVoice" else "sms"
        credential = headers["Authorization"].split("Credential=")[1].split(",")[0]
        secret_id, date, *_ = credential.split("/")
        if secret_id != self.id:
            return {"Code": "AuthFailure.SecretIdNotFound", "Message": "no such secret id"}
        hashed = hashlib.sha256(request.body).hexdigest()
        head = f"content-type:{headers['Content-Type']}\nhost:{headers['Host']}\n"
        canonical = f"POST\n/\n\n{head}\ncontent-type;host\n{hashed}"
        text = (
            f"TC3-HMAC-SHA256\n{stamp}\n{date}/{service}/tc3_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        )
        key = f"TC3{self.key}".encode()
        for part in (date, service, "tc3_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        if not headers["Authorization"].endswith(hmac.digest(key, text.encode(), "sha256").hex()):
            return {"Code": "AuthFailure.SignatureFailure", "Message": "signature does not match"}
        return None


class SmsGateway(HttpProvider):
    """A gateway as one finds them: 200 for everything, and a body of its own that says what it means."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.posted: list[dict[str, str]] = []

    def answer(self, request: Request) -> Answer:
        given = dict(parse_qsl(request.body.decode()) or request.query)
        if given.get("mobile") == "13900000009":
            return Answer(200, "result=-2&desc=黑名单".encode())
        if given.get("user") != "township":
            return Answer(200, b"result=-1&desc=auth")
        self.posted.append(given)
        return Answer(200, f"result=0&msgid=g{len(self.posted)}".encode())


class SpeakerBox(HttpProvider):
    """The controller of a village's loudspeakers."""

    token = "box-token-made-up"
    callback_secret = "boxsecret0123456"
    boxes = ("shanghe",)

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.said: list[Any] = []

    def answer(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return Answer(401)
        if request.path.removeprefix("/speakers/") not in self.boxes:
            return Answer(404)
        self.said.append(request.json)
        return Answer(202)


def _wrong(status: int, code: str, text: str) -> Answer:
    return Answer(status, json.dumps({"Code": code, "Message": text, "RequestId": "R"}).encode())
