"""Channels as people write them: every kind can be made, every fault has its path, no secret shows."""

from __future__ import annotations

import pytest

from firesense.app.plugs import make_channels
from firesense.domain.errors import ConfigError
from firesense.notify import CHANNELS
from firesense.settings import load_settings
from tests.providers import HandClock

WRITTEN = {
    "log": "",
    "mqtt": "answers: 'firesense/answers/#', receipt_within: 30s, password: hidden-hidden-hidden",
    "webhook": "secret: hidden-hidden-hidden, hosts: [example.org]",
    "smtp": "host: mail.example.org, sender: a@example.org, password: hidden-hidden-hidden",
    "dingtalk": "secret: hidden-hidden-hidden",
    "wecom": "secret: hidden-hidden-hidden",
    "feishu": "secret: hidden-hidden-hidden",
    "wecom-app": "corp_id: ww1, agent_id: 7, secret: hidden-hidden-hidden, token: hiddentoken,"
    " encoding_aes_key: hidden0hidden0hidden0hidden0hidden0hidden01",
    "dingtalk-work": "app_key: k, app_secret: hidden-hidden-hidden, agent_id: 7, receipt_within: 90s",
    "feishu-app": "app_id: cli, app_secret: hidden-hidden-hidden, verification_token: hidden-hidden-hidden,"
    " encrypt_key: hidden-hidden-hidden",
    "aliyun-sms": "access_key_id: k, access_key_secret: hidden-hidden-hidden, sign_name: 青溪, template: SMS_1,"
    " params: {a: '{mark}'}, callback_secret: hidden0hidden0hidden",
    "aliyun-voice": "access_key_id: k, access_key_secret: hidden-hidden-hidden, template: TTS_1, params: {a: '{mark}'}",
    "tencent-sms": "secret_id: k, secret_key: hidden-hidden-hidden, app_id: '14', sign_name: 青溪, template: '1',"
    " params: ['{mark}', '{place}']",
    "tencent-voice": "secret_id: k, secret_key: hidden-hidden-hidden, app_id: '14', template: '1'",
    "sms-gateway": "url: 'http://192.0.2.1/', success: '^0', charset: gbk, parts: 2,"
    " fields: {p: '{phone}', t: '{text}', password: hidden-hidden-hidden}",
    "loudspeaker": "host: 192.0.2.1, password: hidden-hidden-hidden, quiet: '20:00-08:00',"
    " answers: 'loudspeaker/+/said', receipt_within: 30s",
    "apprise": "url: 'json://192.0.2.1/{address}'",
}


def settings_of(folder, lines):
    file = folder / "firesense.yaml"
    file.write_text("channels:\n" + "".join(f"  - {{{line}}}\n" for line in lines), encoding="utf-8")
    return load_settings(file)


def test_every_kind_can_be_made_from_the_settings(tmp_path):
    lines = [f"name: my-{kind}, kind: {kind}" + (f", {more}" if more else "") for kind, more in WRITTEN.items()]
    settings = settings_of(tmp_path, lines)
    channels = make_channels(settings, HandClock())
    assert {channel.kind for channel in channels.values()} == set(CHANNELS) == set(WRITTEN)
    assert channels["my-dingtalk-work"].receipt_within.total_seconds() == 90
    assert channels["my-loudspeaker"].quiet == "20:00-08:00"

    assert "hidden" not in repr(settings)


def test_options_that_cannot_work_are_named_with_their_place(tmp_path):
    settings = settings_of(
        tmp_path,
        [
            "name: a, kind: loudspeaker, volume: 101",
            "name: b, kind: sms-gateway, url: 'http://192.0.2.1/', success: '(', fields: {a: b}",
            "name: c, kind: aliyun-sms, access_key_id: k, access_key_secret: s, template: T, params: {p: '{nobody}'}",
        ],
    )
    with pytest.raises(ConfigError) as caught:
        make_channels(settings, HandClock())
    assert [fault.path for fault in caught.value.faults] == [
        "channels[0].host",
        "channels[0].volume",
        "channels[1].fields",
        "channels[1].fields",
        "channels[1].success",
        "channels[2].params.p",
        "channels[2].sign_name",
    ]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("name: a, kind: loudspeaker, host: x, quiet: 9pm", "quiet"),
        (
            "name: a, kind: aliyun-voice, access_key_id: k, access_key_secret: s, template: T, play_times: 9",
            "play_times",
        ),
        ("name: a, kind: wecom-app, corp_id: c, agent_id: 0, secret: s", "agent_id"),
        ("name: a, kind: sms-gateway, url: u, success: s, charset: ebcdic", "charset"),
        ("name: a, kind: tencent-sms, secret_id: k", "secret_key"),
    ],
)
def test_values_out_of_range_are_faults(tmp_path, line, path):
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, [line])
    assert any(path in str(fault) for fault in caught.value.faults)


BROKER = (
    "brokers: [{name: main, protocol: mqtt311, host: broker.example.org, port: 8883, username: firesense,"
    " password: hidden-hidden-hidden, tls: {verify: false}}, {name: other, host: 192.0.2.9}]\n"
)


def mqtt_channel(folder, line, brokers=BROKER):
    file = folder / "firesense.yaml"
    file.write_text(f"{brokers}channels: [{{name: calls, kind: mqtt{line}}}]\n", encoding="utf-8")
    [channel] = load_settings(file).channels
    return channel


def test_a_call_over_mqtt_goes_over_the_first_broker(tmp_path):
    channel = mqtt_channel(tmp_path, "")
    assert (channel.host, channel.port, channel.protocol) == ("broker.example.org", 8883, "3.1.1")
    assert (channel.username, channel.password.get_secret_value()) == ("firesense", "hidden-hidden-hidden")
    assert channel.tls is not None
    assert channel.tls.verify is False
    settings = load_settings(tmp_path / "firesense.yaml")
    assert make_channels(settings, HandClock())["calls"]._options.host == "broker.example.org"


def test_what_is_written_for_an_mqtt_channel_stays(tmp_path):
    channel = mqtt_channel(tmp_path, ", port: 1884, protocol: '5', username: calls")
    assert (channel.host, channel.port, channel.protocol) == ("broker.example.org", 1884, "5")
    assert (channel.username, channel.password.get_secret_value()) == ("calls", ""), "no password of another login"


def test_an_mqtt_channel_with_a_host_of_its_own_takes_nothing_from_the_brokers(tmp_path):
    channel = mqtt_channel(tmp_path, ", host: 192.0.2.7")
    assert (channel.host, channel.port, channel.protocol, channel.tls) == ("192.0.2.7", 1883, "5", None)
    assert (channel.username, channel.password.get_secret_value()) == ("", "")


def test_without_a_word_about_brokers_an_mqtt_channel_is_on_this_machine(tmp_path):
    channel = mqtt_channel(tmp_path, "", brokers="")
    assert (channel.host, channel.port, channel.protocol) == ("127.0.0.1", 1883, "5")


def test_a_time_too_short_is_told_in_days(tmp_path):
    file = tmp_path / "firesense.yaml"
    file.write_text("keep: {cases: 30d}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    [fault] = caught.value.faults
    assert (fault.path, fault.reason) == ("keep.cases", "Input should be greater than or equal to 365 days")
