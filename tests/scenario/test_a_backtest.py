"""A backtest is the same house over the same frames: what it says is what was, or what would have been."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from firesense.app.plugs import make_reader
from firesense.backtest import Backtest, compare, from_history, from_journal, offset_at, sources
from firesense.cli import main
from firesense.domain.device import Device
from firesense.domain.errors import ConfigError
from firesense.domain.instant import HOUR, SECOND, iso
from firesense.journal.exported import frames
from tests.frames import T0, batch_of, same
from tests.house import GRID, SmallHouse, smoke, smoke_device

ROOT = Path(__file__).parents[2]
KINDS = {"log": "log", "mqtt": "mqtt"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(tmp_path):
    main_1 = Device("main-1", "water", "firesense-water", "W1", GRID, -1, kind="main")
    built = SmallHouse(tmp_path / "house", [smoke_device(n, period=MINUTE) for n in range(1, 4)] + [main_1])
    yield built
    built.close()


def an_eventful_hour(house):
    """A fire that flickers, a test, a battery, a device that falls silent, a fire in a bad frame, one nobody knows."""
    for minute in range(20):
        frames = [
            smoke(house.clock, 1, alarm=int(minute in {5, 6, 9})),
            smoke(house.clock, 2, test=int(minute == 4), bat=95 if minute < 8 else 5),
        ]
        if minute == 7:
            frames.append(smoke(house.clock, 2, alarm=1, temp="hot"))
        if minute < 3:
            frames.append(smoke(house.clock, 3))
        if minute == 12:
            stranger = {"alarm": 1, "ts": house.clock.now() // 1000}
            frames.append(("firesense/smoke/NOBODY/up", stranger))
        house.hear(*frames)
        house.wind(minutes=1, step=10 * SECOND)


def backtest_of(house, batches, *others, **options):
    plan = house.keeper.current()
    plans = {"in force": plan} | {f"other {n}": replace(plan, rules=rules) for n, rules in enumerate(others)}
    made = Backtest(plans, make_reader(house.settings, plan), KINDS, **options)
    made.run(batches)
    return made


def test_it_raises_what_the_house_raised_and_calls_whom_it_called(house):
    an_eventful_hour(house)
    journal = house.journal
    [tried] = backtest_of(house, from_journal(journal, 0, journal.head)).tried
    raised = {alert.id: alert for alert in house.book.alerts(open_only=False)}
    assert {course.alert.rule for course in tried.courses} >= {
        "smoke-fire",
        "smoke-test",
        "smoke-battery",
        "smoke-silent",
    }
    assert "stranger-fire" in {course.alert.rule for course in tried.courses}
    for course in tried.courses:
        was = raised.pop(course.alert.id)
        assert course.alert.event_at == was.event_at
        assert abs(course.alert.raised_at - was.raised_at) <= 10 * SECOND, course.alert.rule
        assert course.alert.trips == was.trips
        known = {(call.person, call.channel, call.purpose, call.rung) for call in house.book.calls(was.id)}
        # The house has gone on for the minute after its last frame.
        assert {(call.person, call.channel, call.purpose, call.rung) for call in course.calls} <= known
    assert raised == {}


def test_a_stricter_rule_is_shown_beside_the_one_in_force(house):
    an_eventful_hour(house)
    rules = house.keeper.current().rules
    other = tuple(replace(rule, when="battery <= 3 %") if rule.id == "smoke-battery" else rule for rule in rules)
    before, after = backtest_of(house, from_journal(house.journal, 0, house.journal.head), other).tried
    found = compare(before.courses, after.courses)
    assert [course.alert.rule for course in found.only_before] == ["smoke-battery"]
    assert (found.only_after, found.moved) == ([], [])
    assert found.same == len(after.courses)


def test_a_longer_hold_is_the_same_alert_at_another_time(house):
    an_eventful_hour(house)
    rules = house.keeper.current().rules
    slower = tuple(replace(r, hold=timedelta(minutes=11)) if r.id == "smoke-battery" else r for r in rules)
    before, after = backtest_of(house, from_journal(house.journal, 0, house.journal.head), slower).tried
    [(one, other)] = compare(before.courses, after.courses).moved
    assert other.alert.raised_at - one.alert.raised_at == 60 * SECOND


def test_what_the_warming_up_raised_does_not_count(house):
    an_eventful_hour(house)
    start = T0 + 8 * 60 * SECOND
    [tried] = backtest_of(house, from_journal(house.journal, 0, house.journal.head), start=start).tried
    assert "smoke-fire" not in {course.alert.rule for course in tried.courses}
    assert "smoke-battery" in {course.alert.rule for course in tried.courses}


def test_a_long_gap_in_everything_was_ours(house):
    house.hear(smoke(house.clock, 1), smoke(house.clock, 2))
    house.clock.at += HOUR
    house.hear(smoke(house.clock, 1), smoke(house.clock, 2))
    [tried] = backtest_of(house, from_journal(house.journal, 0, house.journal.head)).tried
    assert tried.courses == []


def test_somebody_takes_every_alert_when_that_is_asked_for(house):
    an_eventful_hour(house)
    batches = list(from_journal(house.journal, 0, house.journal.head))
    [tried] = backtest_of(house, batches, taken_after=MINUTE).tried
    fire = next(course for course in tried.courses if course.alert.rule == "smoke-fire")
    assert set(fire.told) == {"zhang-wei"}
    [tried] = backtest_of(house, batches).tried
    fire = next(course for course in tried.courses if course.alert.rule == "smoke-fire")
    assert set(fire.told) >= {"zhang-wei", "wang-fang", "chen-jie", "yang-min", "zhao-lei"}


def test_the_first_frame_of_an_instant_is_found(house):
    for minute in range(10):
        house.journal.append(two_frames_at(house, T0 + minute * 60 * SECOND))
    assert [offset_at(house.journal, T0 + m * 60 * SECOND) for m in (0, 3, 9)] == [0, 6, 18]
    assert offset_at(house.journal, T0 + HOUR) == house.journal.head
    assert offset_at(house.journal, 0) == 0


def two_frames_at(house, at):
    house.clock.at = at
    written = [(topic, json.dumps(said)) for topic, said in (smoke(house.clock, 1), smoke(house.clock, 2))]
    return batch_of(*written, received_at=at)


# -- exported frames --------------------------------------------------------------------------------------------------
def config_of(house):
    return ["--config", str(house.folder / "firesense.yaml")]


@pytest.mark.parametrize("name", ["frames.ndjson", "frames.ndjson.gz"])
def test_exported_frames_are_read_back_as_they_were(house, tmp_path, name):
    house.hear(smoke(house.clock, 1), ("house/binary", b"\xff\x00"), marks=9)
    house.wind(seconds=3)
    house.hear(smoke(house.clock, 2))
    file = tmp_path / name
    assert main(["journal", "export", "--out", str(file), *config_of(house)]) == 0
    [read] = frames(file)
    [kept] = from_journal(house.journal, 0, house.journal.head)
    assert same(replace(read, packet_ids=kept.packet_ids), kept)


def test_every_line_that_cannot_be_used_is_listed(tmp_path):
    good = '{"received_at": "2026-01-05T00:00:00+00:00", "topic": "a", "payload": "x"}'
    file = tmp_path / "bad.ndjson"
    lines = [
        good,
        good[:30],
        good.replace("+00:00", ""),
        good.replace('"payload"', '"load"'),
        good.replace('"payload": "x"', '"payload_base64": "?"'),
        good[:-1] + ', "marks": ["odd"]}',
        "[1]",
        "",
        good,
    ]
    file.write_bytes("\n".join(lines).encode() + b'\n{"topic": "\xff"}\n')
    with pytest.raises(ConfigError) as caught:
        list(frames(file))
    found = [str(fault).removeprefix(f"{file}: ") for fault in caught.value.faults]
    assert [fault.partition(":")[0].partition(",")[0] for fault in found] == [
        f"line {n}" for n in (10, 2, 3, 4, 5, 6, 7)
    ]
    assert "has no time zone" in found[2]
    assert "has either payload or payload_base64" in found[3]
    assert "there is no mark 'odd'" in found[5]


def test_a_gzip_file_that_was_cut_short_gives_no_result(house, tmp_path, capsys):
    an_eventful_hour(house)
    whole = tmp_path / "frames.ndjson.gz"
    main(["journal", "export", "--out", str(whole), *config_of(house)])
    whole.write_bytes(whole.read_bytes()[:-100])
    out = tmp_path / "out.json"
    assert main(["backtest", "--frames", str(whole), "--out", str(out), *config_of(house)]) == 2
    assert "the compressed file is damaged here" in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        list(frames(tmp_path / "none"))


# -- the command ------------------------------------------------------------------------------------------------------
def test_the_commands_of_the_documentation_work(house, tmp_path, capsys, monkeypatch):
    """The example: a main that sinks to 0.18 MPa, and a rule that asks for 0.20 MPa."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRESENSE_CONFIG", str(house.folder / "firesense.yaml"))
    start = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * SECOND
    for tick in range(31):
        house.clock.at = start + tick * 20 * SECOND
        said = {"time": iso(house.clock.at), "data": {"pressure_kpa": 300 if tick < 15 else 180}}
        house.hear(("firesense/water/W1/up", said), listening=False)
    shipped = (ROOT / "config/rules.yaml").read_text(encoding="utf-8")
    stricter = shipped.replace("pressure < 0.14 MPa", "pressure < 0.20 MPa").replace("> 0.16 MPa", "> 0.22 MPa")
    (tmp_path / "new.yaml").write_text(stricter, encoding="utf-8")
    (tmp_path / "devices.csv").write_text(
        f"id,device_class,profile,external_id,place,kind\nmain-1,water,firesense-water,W1,{GRID},main\n"
    )
    document = (ROOT / "docs/backtest.md").read_text(encoding="utf-8")
    commands = re.findall(r"^firesense (.*)$", document, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        assert main(command.split()) == 0
        said = capsys.readouterr().out
        if command.startswith("backtest"):
            assert "newly raised 1" in said
            assert "+ 2026-01-05T00:06:00.000000Z  hazard  water-pressure-low  main-1" in said
    told = json.loads((tmp_path / "diff.json").read_text(encoding="utf-8"))
    [new] = told["difference"]["only_after"]
    assert (new["rule"], new["device"], new["calls"][0]["person"]) == ("water-pressure-low", "main-1", "zhang-wei")
    assert told["frames"] == 31
    with gzip.open(tmp_path / "frames.ndjson.gz", "rt") as lines:
        assert sum(1 for _ in lines) == 31


@pytest.mark.parametrize("option", ["--from", "--to", "--warm-up", "--taken-after"])
def test_words_that_are_no_time_are_refused(house, capsys, option):
    assert main(["backtest", option, "soon", *config_of(house)]) == 2
    assert option in capsys.readouterr().err


# -- what history kept ------------------------------------------------------------------------------------------------
def test_history_says_what_the_journal_said(house):
    an_eventful_hour(house)
    house.record.settle()
    plan = house.keeper.current()
    [heard] = backtest_of(house, from_journal(house.journal, 0, house.journal.head)).tried
    kept = Backtest({"in force": plan}, make_reader(house.settings, plan), KINDS)
    kept.replay(from_history(house.history, plan, T0, T0 + HOUR))
    [tried] = kept.tried

    def told(courses):
        """Rule, device and class; strangers and frames that could not be used are in no history."""
        return {(c.alert.rule, c.alert.device, c.alert.raised_at // (20 * SECOND)) for c in courses}

    assert {"smoke-fire", "smoke-test", "smoke-battery", "smoke-silent"} <= {c.alert.rule for c in tried.courses}
    missing = {rule for rule, _, _ in told(heard.courses) - told(tried.courses)}
    assert missing <= {"stranger-fire", "smoke-fire", "fire-second-detector"}
    assert told(tried.courses) <= told(heard.courses)
    assert kept.frames == 20 + 20 + 3


def test_history_is_read_in_stretches_and_many_points_of_one_device_at_once(house, monkeypatch):
    monkeypatch.setattr(sources, "_STRETCH", 7 * 60 * SECOND)
    monkeypatch.setattr(sources, "_POINTS", 3)
    an_eventful_hour(house)
    house.record.settle()
    stretches = list(from_history(house.history, house.keeper.current(), T0, T0 + HOUR))
    assert len(stretches) == 9
    assert sum(len(table) for tables in stretches for table in tables) == 43
    offsets = [
        offset for tables in stretches for offset in sorted(o for table in tables for o in table.offsets.tolist())
    ]
    assert offsets == list(range(43))
    [first] = [table for table in stretches[0] if table.device_class == "smoke"]
    assert (np.diff(first.event_at) >= 0).all()
    assert set(first.signals["fire"].tolist()) == {0, 1}


def test_the_command_reads_history_and_needs_to_know_which(house, capsys):
    an_eventful_hour(house)
    house.record.settle()
    span = ["--from", iso(T0), "--to", iso(T0 + HOUR)]
    assert main(["backtest", "--history", *span, *config_of(house)]) == 0
    said = capsys.readouterr().out
    assert "43 frames" in said
    assert "smoke-battery" in said
    assert main(["backtest", "--history", *config_of(house)]) == 2
    assert "goes with --from and --to" in capsys.readouterr().err
