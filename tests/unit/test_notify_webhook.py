import asyncio
import json
import ssl
from datetime import timedelta

import pytest

from firesense.domain.errors import ChannelDown, ChannelRefused, ConfigError
from firesense.notify import webhook
from firesense.notify.long_tail import AppriseChannel, AppriseOptions
from firesense.notify.webhook import WebhookChannel, WebhookOptions
from tests.calls import message
from tests.providers import HandClock, Receiver
from tests.servers import HOST, Certificates

SECRET = "a-made-up-secret-of-some-length"
LOCAL = {"hosts": (HOST, "localhost"), "allow_private": True, "timeout": timedelta(seconds=2)}


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def receiver(clock):
    with Receiver(clock, SECRET) as server:
        yield server


def send(clock, address, **options):
    async def run():
        channel = WebhookChannel(WebhookOptions("hook", options.pop("secret", SECRET), **{**LOCAL, **options}), clock)
        try:
            return await channel.send(message(address, "hook"))
        finally:
            await channel.close()

    return asyncio.run(run())


def test_the_receiver_can_trust_what_it_reads(clock, receiver):
    send(clock, f"{receiver.url}/ok")
    [document] = receiver.taken
    assert document["key"] == "AB12CD34EF:alert:0:0:lin:hook"
    assert document["title"] == "【火警】三组 · smoke-0007"
    assert document["alert"] == {
        "id": "AB12CD34EF",
        "class": "fire",
        "grade": "major",
        "condition": "firing",
        "case": "open",
        "rule": "smoke-fire",
        "device": "smoke-0007",
        "device_class": "smoke",
        "place": "990100101201003",
        "metric": "smoke_density",
        "value": 0.2512345,
        "late": False,
        "incident": "",
        "event_at": "2026-01-02T03:04:03.000000Z",
        "raised_at": "2026-01-02T03:04:05.000000Z",
    }
    assert "火警".encode() in receiver.requests[0].body


def test_a_receiver_with_another_secret_does_not(clock, receiver):
    with pytest.raises(ChannelRefused, match="401"):
        send(clock, f"{receiver.url}/ok", secret="another-secret-of-some-length")


def test_one_place_for_everybody(clock, receiver):
    send(clock, "lin", url=f"{receiver.url}/ok", hosts=())
    assert receiver.taken[0]["address"] == "lin"


def test_a_redirect_is_not_followed(clock, receiver):
    with pytest.raises(ChannelRefused, match="302"):
        send(clock, f"{receiver.url}/redirect")
    assert [request.path for request in receiver.requests] == ["/redirect"]


def test_a_huge_answer_is_not_read_to_its_end(clock, receiver):
    with pytest.raises(ChannelRefused, match="larger"):
        send(clock, f"{receiver.url}/huge")


def test_a_slow_answer_is_not_waited_for(clock, receiver):
    receiver.hang()
    with pytest.raises(ChannelDown, match="no answer"):
        send(clock, f"{receiver.url}/ok", timeout=timedelta(milliseconds=200))


@pytest.mark.parametrize(("path", "wait"), [("/busy", 7), ("/busy-until", 60)])
def test_a_busy_receiver_says_when_to_come_again(clock, receiver, path, wait):
    with pytest.raises(ChannelDown) as caught:
        send(clock, f"{receiver.url}{path}")
    assert caught.value.retry_after == timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://elsewhere.example.com/", "not on the list"),
        ("http://elsewhere.example.com/", "not on the list"),
        (f"https://{HOST}.evil.example.com/", "not on the list"),
        (f"https://evil.example.com#@{HOST}/", "not on the list"),
        (f"https://user:word@{HOST}/", "not a plain"),
        (f"ftp://{HOST}/", "not a plain"),
        ("file:///etc/passwd", "not a plain"),
        ("lin", "not a plain"),
        ("http://127.0.0.1:port/", "not a URL"),
    ],
)
def test_only_listed_hosts_are_posted_to(clock, address, reason):
    with pytest.raises(ChannelRefused, match=reason):
        send(clock, address)


def test_private_networks_and_plain_http_only_when_allowed(clock, receiver):
    with pytest.raises(ChannelRefused, match="plain http"):
        send(clock, f"{receiver.url}/ok", allow_private=False)
    for name in (HOST, "localhost"):
        with pytest.raises(ChannelRefused, match="not allowed"):
            send(clock, f"https://{name}:{receiver.port}/ok", allow_private=False)
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("address", "openly", "privately"),
    [
        ("203.0.113.9", False, True),  # for documentation: not a global address
        ("1.1.1.1", True, True),
        ("10.1.2.3", False, True),
        ("100.64.0.1", False, True),
        ("127.0.0.1", False, True),
        ("169.254.169.254", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False, False),
        ("::1", False, True),
        ("fe80::1%eth0", False, False),
        ("::ffff:10.0.0.1", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("2606:4700:4700::1111", True, True),
    ],
)
def test_where_we_connect(address, openly, privately):
    assert webhook._reachable(address, allow_private=False) is openly
    assert webhook._reachable(address, allow_private=True) is privately


def test_the_name_is_looked_up_once_and_its_certificate_is_checked(clock, tmp_path):
    certificates = Certificates.make(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.certificate, certificates.key)
    with Receiver(clock, SECRET, tls) as server:
        address = f"https://localhost:{server.port}/ok"
        send(clock, address, ca_file=str(certificates.authority))
        assert server.requests[0].headers["Host"] == f"localhost:{server.port}"
        with pytest.raises(ChannelDown):
            send(clock, address)


def test_options_that_cannot_work_are_all_named(clock):
    with pytest.raises(ConfigError) as caught:
        WebhookChannel(WebhookOptions("hook", "short"), clock)
    assert [fault.path for fault in caught.value.faults] == ["hosts", "secret"]
    with pytest.raises(ConfigError, match="ca_file"):
        WebhookChannel(WebhookOptions("hook", SECRET, hosts=(HOST,), ca_file="/nowhere.pem"), clock)


def test_apprise_is_not_believed_about_our_own_providers(clock):
    for url, kind in (
        ("dingtalk://token", "dingtalk"),
        ("WeComBot://key", "wecom"),
        ("lark://token", "feishu"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", "wecom"),
    ):
        with pytest.raises(ConfigError, match=f"kind {kind}"):
            AppriseChannel(AppriseOptions("tail", url), clock)
    with pytest.raises(ConfigError, match="none that apprise knows"):
        AppriseChannel(AppriseOptions("tail", "nonsense"), clock)


def test_apprise_fills_in_the_address_and_reports_a_failure(clock, receiver):
    async def run():
        channel = AppriseChannel(AppriseOptions("tail", f"json://{HOST}:{receiver.port}/{{address}}"), clock)
        await channel.send(message("unsigned"))
        with pytest.raises(ChannelDown):
            await channel.send(message("gone"))
        await channel.close()

    asyncio.run(run())
    assert json.loads(receiver.requests[0].body)["title"] == "【火警】三组 · smoke-0007"
    assert [request.path for request in receiver.requests] == ["/unsigned", "/gone"]
