"""Rubbish in: every frame is recorded, a duplicate, or in quarantine with its reason and bytes; nothing stops."""

from __future__ import annotations

import json
import math

import pytest

from firesense.cli import main
from firesense.domain.device import Device
from firesense.domain.frame import Marks
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND
from firesense.domain.outcome import Tally
from firesense.domain.readings import Quality
from tests.frames import T0, batch_of
from tests.house import GRID, ROOT, SmallHouse, smoke, smoke_device

TOPIC = "firesense/smoke/S1/up"


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(1), smoke_device(2)])
    yield built
    built.close()


def good(house, number=1, **says):
    return smoke(house.clock, number, **says)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed"),
        (b'{"ts": 1767225600000, "alarm": 0, "smo', "malformed"),
        (b"\xff\xfe\x00", "not-utf8"),
        (b'{"ts": 1767225600000, "smoke": "thick"}', "wrong-type"),
        (b'{"ts": 1767225600000, "smoke": NaN}', "not-finite"),
        (b'{"ts": 1767225600000, "smoke": 1e999}', "not-finite"),
        (b'{"ts": "yesterday", "smoke": 0.1}', "wrong-type"),
        (b'{"ts": 1767225600000, "unheard": 1}', "empty"),
        (b"[]", "wrong-type"),
        (b'{"x": "' + b"y" * 300_000 + b'"}', "oversized"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_bad_frame_is_kept_with_its_reason_and_the_others_of_its_batch_go_on(house, payload, reason):
    house.hear(good(house), (TOPIC, payload), good(house, 2, smoke=0.3))
    [refusal] = house.book.quarantine()
    assert (str(refusal.reason), refusal.offset, refusal.topic) == (reason, 1, TOPIC)
    assert payload.startswith(refusal.payload[:1000])
    assert house.history.raw(house.book.registry().get("smoke-2"), "smoke_density", 0, T0 + DAY).values.tolist() == [
        0.3
    ]
    assert house.balanced


def test_a_topic_nobody_knows_is_quarantined(house):
    house.hear(("somewhere/else", b"{}"))
    assert [str(refusal.reason) for refusal in house.book.quarantine()] == ["unknown-topic"]
    assert house.balanced


@pytest.mark.parametrize("year_of_the_clock", [0, 4_070_908_800_000])  # 1970 and 2099
def test_a_clock_that_is_wrong_gives_way_to_ours_and_is_marked(house, year_of_the_clock):
    house.hear(good(house, alarm=1, ts=year_of_the_clock))
    assert len(house.open_alerts()) == 1  # the fire flag is heard all the same
    device = house.book.registry().get("smoke-1")
    series = house.history.raw(device, "smoke_density", T0 - MINUTE, T0 + MINUTE)
    assert len(series.at) == 1
    quality = house.history.raw(device, "quality", T0 - MINUTE, T0 + MINUTE)
    assert int(quality.values[0]) & Quality.CLOCK_WRONG


def test_history_that_arrives_late_is_recorded_and_pages_nobody(house):
    house.wind(hours=2, step=10 * MINUTE)
    late = (house.clock.at - HOUR) // 1000
    house.hear(good(house, ts=late, temp=180, smoke=3.0))
    assert [alert for alert in house.open_alerts() if str(alert.alert_class) != "fault"] == []
    device = house.book.registry().get("smoke-1")
    assert house.history.raw(device, "temperature", 0, house.clock.at).values.tolist() == [180.0]


def test_a_fire_flag_that_arrives_late_pages_and_says_that_it_is_late(house):
    house.wind(hours=2, step=10 * MINUTE)
    house.hear(good(house, ts=(house.clock.at - HOUR) // 1000, alarm=1))
    assert {told.person for told in house.told_of("fire")} == {"zhang-wei"}
    assert "迟到" in house.told_of("fire")[0].title


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"temp": "hot"}, "wrong-type"),
        ({"bat": "90%"}, "wrong-type"),
        ({"smoke": math.nan}, "not-finite"),
        ({"ts": "2026-01-01T00:00:00"}, "wrong-type"),
        ({"ts": [0]}, "wrong-type"),
        ({"alarm": 2, "smoke": math.inf}, "not-finite"),
        ({"alarm": "yes"}, "wrong-type"),
    ],
    ids=str,
)
def test_a_fire_flag_is_heard_whatever_else_is_wrong_with_its_frame(house, says, reason):
    house.hear(good(house, 2), good(house, **{"alarm": 1} | says), good(house, 2, temp=21))
    assert sorted(told.person for told in house.told_of("fire")) == ["zhang-wei", "zhang-wei"]  # by two channels
    house.wind(seconds=10)
    house.hear(good(house, **{"alarm": 1} | says))
    house.wind(seconds=10)
    house.hear(good(house, alarm=1))
    [alert] = house.open_alerts()
    assert (alert.device, alert.rule, alert.offset, alert.late, alert.trips) == ("smoke-1", "smoke-fire", 1, False, 1)
    [witness] = house.book.because(alert.id).witnesses
    assert (witness.quality & Quality.SALVAGED, witness.says) == (Quality.SALVAGED, {"fire": 1.0} | {"test": 0.0})
    assert len(house.told_of("fire")) == 2
    assert [(str(refusal.reason), refusal.offset) for refusal in house.book.quarantine()] == [(reason, 1), (reason, 3)]
    assert house.balanced
    assert house.book.tally("record") == Tally(recorded=3, quarantined=2)
    series = house.history.raw(house.book.registry().get("smoke-1"), "fire", 0, T0 + DAY)
    assert series.at.tolist() == [house.clock.at // 1000 * 1000]  # the whole frame; what was salvaged is no reading


def test_a_salvaged_fire_is_not_raised_again_after_a_restart(house):
    house.hear(good(house, alarm=1, temp="hot"))
    house.start()
    house.hear(good(house, alarm=1, temp="hot"))
    assert len(house.open_alerts()) == 1
    assert len(house.told_of("fire")) == 2


def test_a_test_in_a_frame_that_cannot_be_read_calls_nobody(house):
    house.hear(good(house, alarm=1, test=1, temp="hot"), good(house, 2, alarm=0, temp="hot"))
    assert house.open_alerts() == []
    assert house.told == []


def test_a_time_without_zone_silences_no_fire(tmp_path):
    house = SmallHouse(tmp_path, [Device("yobiiq-1", "smoke", "yobiiq-sd1001", "a1b2", GRID, -1)])
    topic = "application/1/device/a1b2/event/up"
    house.hear((topic, {"time": "2026-01-01T00:00:00", "object": {"smokeAlarm": "Alarm"}}))
    assert [str(refusal.reason) for refusal in house.book.quarantine()] == ["bad-time"]
    assert len(house.told_of("fire")) == 2
    assert house.balanced
    house.close()


def test_the_name_of_a_stranger_is_told_in_short(house):
    house.hear((f"firesense/smoke/{'S' * 60_000}/up", {"alarm": 1, "temp": "hot"}))
    [alert] = house.open_alerts()
    assert alert.rule == "stranger-fire"
    assert len(alert.device) < 150
    assert max(map(len, alert.text.values())) < 400
    assert house.balanced


def test_a_frame_given_twice_is_a_duplicate(house):
    frame = good(house)
    house.hear(frame)
    house.hear(frame)
    house.record.settle()
    assert house.book.tally("record").duplicate == 1
    assert house.balanced


def test_a_retained_fire_flag_is_an_alarm_but_a_retained_reading_is_no_sign_of_life(house):
    house.hear(good(house, alarm=1), marks=Marks.RETAINED)
    assert len(house.told_of("fire")) == 2
    assert house.balanced


def test_after_a_fix_the_quarantine_is_replayed(house, capsys):
    house.hear(smoke(house.clock, 9, smoke=0.25))
    house.record.settle()
    config = str(house.folder / "firesense.yaml")
    claim = ["device", "claim", "S9", "--id", "smoke-9", "--profile", "firesense-smoke", "--place", "990100101201-01"]
    assert main([*claim, "--config", config]) == 0
    assert main(["quarantine", "replay", "--config", config, "--reason", "unknown-device"]) == 0
    house.settle()
    device = house.book.registry().get("smoke-9")
    assert house.history.raw(device, "smoke_density", 0, house.clock.at + SECOND).values.tolist() == [0.25]
    assert house.book.quarantine() == []
    assert house.balanced
    assert main(["ledger", "--config", config]) == 0
    assert "the ledger balances" in capsys.readouterr().out


def test_the_journal_shows_and_exports_frames(house, capsys):
    house.hear(good(house), ("somewhere/else", b"\xff"))
    config = str(house.folder / "firesense.yaml")
    assert main(["journal", "list", "--config", config, "--last", "1"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["payload_base64"] == "/w=="
    assert main(["journal", "export", "--config", config]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["journal", "stats", "--config", config]) == 0
    assert "2 kept, offsets 0 to 2" in capsys.readouterr().out
    assert main(["quarantine", "list", "--config", config]) == 0
    assert "unknown-topic" in capsys.readouterr().out


def test_a_configuration_with_five_faults_reports_five_and_exits_2(tmp_path, capsys):
    file = tmp_path / "firesense.yaml"
    shipped = ", ".join(f"{name}: {ROOT}/config/{name}.yaml" for name in ("rules", "org", "ladders", "calendars"))
    file.write_text(
        f"files: {{profiles: {ROOT}/device_profiles, {shipped}}}\n"
        "channels: [{name: log, kind: log}, {name: mqtt, kind: mqtt}]\n"
        "colour: red\nbrokers: [{port: 70000, keep_alive: '30'}]\njournal: {most: lots}\nhistory: {kind: paper}\n",
        encoding="utf-8",
    )
    assert main(["check", "--config", str(file)]) == 2
    assert "5 faults found" in capsys.readouterr().err


def test_frames_of_a_batch_of_rubbish_never_reach_the_rules(house):
    house.journal.append(batch_of(*[(TOPIC, bytes([i])) for i in range(256)], received_at=house.clock.at))
    house.settle()
    assert len(house.book.quarantine()) == 256
    assert house.open_alerts() == []
    assert house.balanced
