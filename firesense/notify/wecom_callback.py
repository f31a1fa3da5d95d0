"""Callbacks of a WeCom app: XML, signed and encrypted with what the app's page shows for receiving messages.

developer.work.weixin.qq.com, "callback configuration" and "encryption and decryption": the signature is the SHA-1 of
the token, the time, the nonce and the encrypted text, sorted; what is encrypted is 16 bytes of chance, the length of
the text in 4, the text, and the organisation's id, filled up to a multiple of 32 bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.parsers import expat
from xml.sax.saxutils import escape

from firesense.domain.errors import Fault, Forged, Unreadable
from firesense.domain.instant import SECOND, micros
from firesense.notify.sealed import BLOCK, opened, sealed, unbase64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from firesense.domain.instant import Instant

_WINDOW = timedelta(hours=1)  # the provider tries again within seconds; clocks of closed networks are off by more
_CHANCE = 16
_LENGTH = 4
_FILLED_TO = 32
_KEY_LETTERS = 43
_MOST_DIGITS = len("1700000000")


class Seal:
    """What proves a callback, and opens it. ``key`` is the EncodingAESKey."""

    def __init__(self, token: str, key: str, corp_id: str) -> None:
        """Raises Unreadable for a key that is none; see ``key_faults``."""
        self._token = token
        self._key = unbase64(f"{key}=")
        self._corp_id = corp_id

    def opened(self, query: Mapping[str, str], encrypted: str, now: Instant) -> bytes:
        """What was encrypted, of whoever signed it. Raises Forged and Unreadable."""
        made, nonce = query.get("timestamp", ""), query.get("nonce", "")
        expected = self._signature(made, nonce, encrypted)
        if not hmac.compare_digest(query.get("msg_signature", "").encode(errors="replace"), expected.encode()):
            raise Forged("the signature is missing or wrong")
        if not (made.isascii() and made.isdecimal() and len(made) <= _MOST_DIGITS):
            raise Unreadable("the callback does not say when it was made")
        if abs(now - int(made) * SECOND) > micros(_WINDOW):
            raise Forged("the callback was made too long ago")
        plain = opened(self._key, self._key[:BLOCK], unbase64(encrypted), padded_to=_FILLED_TO)
        begin = _CHANCE + _LENGTH
        end = begin + int.from_bytes(plain[_CHANCE:begin], "big")
        if len(plain) < end:
            raise Unreadable("what was encrypted is cut short")
        if not hmac.compare_digest(plain[end:], self._corp_id.encode()):
            raise Forged("the callback is meant for another organisation")
        return plain[begin:end]

    def closed(self, text: str, now: Instant) -> bytes:
        """An answer, encrypted and signed."""
        plain = text.encode()
        whole = secrets.token_bytes(_CHANCE) + len(plain).to_bytes(_LENGTH, "big") + plain + self._corp_id.encode()
        encrypted = b64encode(sealed(self._key, self._key[:BLOCK], whole, padded_to=_FILLED_TO)).decode()
        made, nonce = str(now // SECOND), secrets.token_hex(8)
        return (
            f"<xml><Encrypt>{encrypted}</Encrypt>"
            f"<MsgSignature>{self._signature(made, nonce, encrypted)}</MsgSignature>"
            f"<TimeStamp>{made}</TimeStamp><Nonce>{nonce}</Nonce></xml>"
        ).encode()

    def _signature(self, made: str, nonce: str, encrypted: str) -> str:
        parts = sorted((self._token, made, nonce, encrypted))
        return hashlib.sha1("".join(parts).encode(errors="replace"), usedforsecurity=False).hexdigest()


def key_faults(token: str, key: str) -> list[Fault]:
    """What is wrong with the token and the EncodingAESKey of an app: both or none are needed."""
    faults = [Fault("", "token", "is needed with an encoding_aes_key")] if key and not token else []
    if token and not key:
        faults.append(Fault("", "encoding_aes_key", "is needed with a token"))
    elif key and not (len(key) == _KEY_LETTERS and key.isascii() and key.isalnum()):
        faults.append(
            Fault("", "encoding_aes_key", f"must be the {_KEY_LETTERS} letters and digits the provider shows")
        )
    return faults


def button_answer(member: str, corp_id: str, text: str, now: Instant) -> str:
    """The answer to a pressed button after which it shows a text."""
    return (
        f"<xml><ToUserName>{escape(member)}</ToUserName><FromUserName>{escape(corp_id)}</FromUserName>"
        f"<CreateTime>{now // SECOND}</CreateTime><MsgType>update_button</MsgType>"
        f"<Button><ReplaceName>{escape(text)}</ReplaceName></Button></xml>"
    )


def fields_of(document: bytes) -> dict[str, str]:
    """The texts of the elements right below an XML document's root, by their names.

    Raises Unreadable for what is no XML, for an element that comes twice, and for a document type: only that
    could define entities.
    """
    path: list[str] = []
    fields: dict[str, str] = {}
    parser = expat.ParserCreate("utf-8")

    def starts(name: str, _attributes: object) -> None:
        path.append(name)
        if len(path) == 2:  # noqa: PLR2004 - below the root
            if name in fields:
                raise Unreadable("an element comes twice")
            fields[name] = ""

    def says(text: str) -> None:
        if len(path) == 2:  # noqa: PLR2004 - as above
            fields[path[-1]] += text

    def has_a_type(*_said: object) -> None:
        raise Unreadable("a document type is not taken")

    parser.StartElementHandler = starts
    parser.EndElementHandler = lambda _name: path.pop()
    parser.CharacterDataHandler = says
    parser.StartDoctypeDeclHandler = has_a_type
    try:
        parser.Parse(document, True)  # noqa: FBT003 - expat knows no name for it
    except expat.ExpatError as error:
        raise Unreadable("the body is not XML") from error
    return fields
