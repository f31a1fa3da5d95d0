"""Calls by e-mail."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, ClassVar

import aiosmtplib

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError, Fault
from firesense.domain.instant import moment
from firesense.domain.message import Receipt
from firesense.notify.answer_words import answer_words

if TYPE_CHECKING:
    from firesense.domain.message import Message
    from firesense.ports import Clock

_SECURITY = ("starttls", "tls", "plain")
_FOR_GOOD = 500  # RFC 5321 4.2.1: replies from here on are permanent


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """A mail server; ``security`` is starttls (port 587), tls (465) or plain, which sends no password."""

    name: str
    host: str
    sender: str
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    timeout: timedelta = timedelta(seconds=10)


class SmtpChannel:
    """Sends one mail a call over a connection of its own: SENT once the server has taken responsibility for it."""

    kind: ClassVar[str] = "smtp"

    def __init__(self, options: SmtpOptions, clock: Clock) -> None:
        """Raises ConfigError for an unknown security, a password in plain text, or a sender that is no address."""
        faults = []
        if options.security not in _SECURITY:
            faults.append(Fault("", "security", f'is "{options.security}", not one of {", ".join(_SECURITY)}'))
        if options.security == "plain" and options.password:
            faults.append(Fault("", "password", "is not sent in plain text: use starttls or tls"))
        if "@" not in options.sender:
            faults.append(Fault("", "sender", "is not an e-mail address"))
        if faults:
            raise ConfigError(faults)
        self.name = options.name
        self._options = options
        self._clock = clock
        self._tls = _trust(options)

    async def send(self, message: Message) -> Receipt:
        """Hand the mail over. 4xx replies and silence are ChannelDown, 5xx replies ChannelRefused."""
        mail = self._mail(message)
        server = self._server()
        try:
            await server.connect()
            _, reply = await server.send_message(mail)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await server.quit()  # the mail is theirs already, whatever comes of the farewell
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _failure(*((refusal.code, refusal.message) for refusal in error.recipients)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _failure((error.code, error.message)) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise ChannelRefused(f"the mail server cannot do it: {error.message}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = " ".join(str(error).split())[:150] or type(error).__name__
            raise ChannelDown(f"the mail server did not take it: {reason}") from error
        except ValueError as error:
            raise ChannelRefused("the address is not an e-mail address") from error
        finally:
            server.close()
        return Receipt(reference=" ".join(reply.split())[:100])

    async def close(self) -> None:
        """Nothing is kept open."""

    def _server(self) -> aiosmtplib.SMTP:
        options = self._options
        return aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            username=options.username or None,
            password=options.password or None,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            tls_context=self._tls,
            timeout=options.timeout.total_seconds(),
        )

    def _mail(self, message: Message) -> EmailMessage:
        call = message.call
        if "@" not in call.address or call.address != "".join(call.address.split()):
            raise ChannelRefused("the address is not an e-mail address")
        mail = EmailMessage()
        mail["From"] = self._options.sender
        mail["To"] = call.address
        mail["Subject"] = " ".join(message.title.split())
        mail["Date"] = format_datetime(moment(self._clock.now()))
        # The same call tried again is the same mail: most mailboxes show it once.
        digest = hashlib.sha256(call.key.encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{digest}@{self._options.sender.rpartition('@')[2]}>"
        if call.urgent:
            mail["X-Priority"] = "1"
            mail["Importance"] = "high"
        take = answer_words("take.link", call, link=message.take) if message.take.startswith("http") else ""
        mail.set_content("\n".join(part for part in (message.body, message.link, take) if part) + "\n")
        return mail


def _failure(*replies: tuple[int, str]) -> ChannelDown | ChannelRefused:
    code, text = replies[0]
    reason = f"SMTP {code}: {' '.join(text.split())[:150]}"
    return ChannelRefused(reason) if code >= _FOR_GOOD else ChannelDown(reason)


def _trust(options: SmtpOptions) -> ssl.SSLContext | None:
    if options.security == "plain":
        return None
    try:
        return ssl.create_default_context(cafile=options.ca_file or None)
    except OSError as error:
        raise ConfigError([Fault("", "ca_file", f"cannot be read: {error.strerror or error}")]) from error
