import asyncio
import ssl
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError
from firesense.domain.instant import moment
from firesense.domain.message import Message
from firesense.notify.smtp import SmtpChannel, SmtpOptions
from tests.calls import NOW, alert, call, message
from tests.providers import HandClock, MailServer
from tests.servers import HOST, Certificates


def send(server, *messages, **options):
    async def run():
        given = {"security": "plain", "timeout": timedelta(seconds=5), **options}
        channel = SmtpChannel(SmtpOptions("mail", HOST, "alarm@example.com", server.port, **given), HandClock(NOW))
        return [await channel.send(each) for each in messages]

    return asyncio.run(run())


@pytest.fixture
def server():
    with MailServer() as running:
        yield running


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def guarded(certificates):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.certificate, certificates.key)
    with MailServer(tls) as running:
        yield running


def test_a_mail_in_chinese(server):
    [receipt] = send(server, message("lin@example.com"))
    assert "4711" in receipt.reference
    [mail] = server.mails
    assert mail["Subject"] == "【火警】三组 · smoke-0007"
    assert (mail["From"], mail["To"], mail["X-Priority"]) == ("alarm@example.com", "lin@example.com", "1")
    assert parsedate_to_datetime(mail["Date"]) == moment(NOW)
    assert mail.get_content().splitlines() == [
        "情况：探测到烟雾",
        "位置：清河区 / 青溪镇 / 上河村 / 三组",
        "https://console.example.com/alerts/AB12CD34EF",
    ]


def test_the_same_call_is_the_same_mail(server):
    send(server, message("lin@example.com"), message("lin@example.com", attempts=3), message("wu@example.com", key="x"))
    first, again, other = (mail["Message-ID"] for mail in server.mails)
    assert first == again != other


def test_a_title_cannot_smuggle_a_header(server):
    evil = Message(call("mail", "lin@example.com"), alert(), "fire\r\nBcc: all@example.com", "body")
    send(server, evil)
    assert server.mails[0]["Subject"] == "fire Bcc: all@example.com"
    assert server.mails[0]["Bcc"] is None


@pytest.mark.parametrize("address", ["lin", "", "lin@example.com, wu@example.com", "lin@example.com\nBcc: a@b.c"])
def test_what_is_no_address_is_refused(server, address):
    with pytest.raises(ChannelRefused, match="not an e-mail address"):
        send(server, message(address))


def test_a_busy_mailbox_is_tried_again_and_an_unknown_one_is_not(server):
    with pytest.raises(ChannelDown, match="450"):
        send(server, message("busy@example.com"))
    with pytest.raises(ChannelRefused, match="550"):
        send(server, message("nobody@example.com"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the loop ends in TLS's good-bye
def test_starttls_with_a_password(guarded, certificates):
    known = {"security": "starttls", "username": guarded.user, "ca_file": str(certificates.authority)}
    send(guarded, message("lin@example.com"), password=guarded.password, **known)
    assert len(guarded.mails) == 1
    with pytest.raises(ChannelRefused, match="535"):
        send(guarded, message("lin@example.com"), password="wrong", **known)
    assert len(guarded.mails) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # aiosmtpd stops in mid-handshake
def test_a_server_nobody_vouches_for_gets_no_password(guarded):
    with pytest.raises(ChannelDown):
        send(guarded, message("lin@example.com"), security="starttls", username=guarded.user, password="made-up")


def test_a_server_without_tls_is_not_talked_into_it(server):
    with pytest.raises(ChannelDown, match="STARTTLS"):
        send(server, message("lin@example.com"), security="starttls")


def test_options_that_cannot_work_are_all_named():
    with pytest.raises(ConfigError) as caught:
        SmtpChannel(SmtpOptions("mail", HOST, "alarm", 25, "ssl", password="x"), HandClock())
    assert [fault.path for fault in caught.value.faults] == ["security", "sender"]
    with pytest.raises(ConfigError, match="plain text"):
        SmtpChannel(SmtpOptions("mail", HOST, "a@b.c", 25, "plain", password="x"), HandClock())


def test_an_answer_that_is_not_utf_8_can_be_written_down():
    async def in_chinese(reader, writer):
        """A server that says yes in GBK."""
        writer.write(b"220 mail\r\n")
        answers = {b"DATA": b"354 go", b"QUIT": b"221 bye", b".\r\n": b"250 2.0.0 \xb3\xc9\xb9\xa6"}
        in_text = False
        while line := await reader.readline():
            if in_text and line != b".\r\n":
                continue
            in_text = line[:4] == b"DATA"
            writer.write(answers.get(line[:4].strip() if line != b".\r\n" else line, b"250 ok") + b"\r\n")
        writer.close()
        gone.set()

    gone = asyncio.Event()

    async def run():
        async with await asyncio.start_server(in_chinese, HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            options = SmtpOptions("mail", HOST, "alarm@example.com", port, "plain")
            receipt = await SmtpChannel(options, HandClock(NOW)).send(message("lin@example.com", "mail"))
            await asyncio.wait_for(gone.wait(), 5)
            return receipt

    receipt = asyncio.run(run())
    assert receipt.reference.startswith("2.0.0 ")
    assert receipt.reference.encode()
