"""A house that starts: which brokers count, whose port is taken, and when its planned work begins."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from firesense.app.house import House
from firesense.app.plugs import open_journal
from firesense.domain.errors import NotListening
from firesense.domain.instant import moment
from firesense.hearing import LISTENING
from firesense.settings import load_settings
from tests.frames import T0
from tests.house import HandClock

ROOT = Path(__file__).parents[2]
SETTINGS = f"""\
data: data
brokers: [{{name: new-name, host: 127.0.0.1, client_id: fire}}]
files:
  profiles: {ROOT}/device_profiles
  rules: {ROOT}/config/rules.yaml
  org: {ROOT}/config/org.yaml
  ladders: {ROOT}/config/ladders.yaml
  calendars: {ROOT}/config/calendars.yaml
channels: [{{name: log, kind: log}}, {{name: mqtt, kind: log}}]
"""


@pytest.mark.parametrize(("streets", "left"), [({"ingest"}, {"new-name"}), ({"alerting"}, {"old-name", "new-name"})])
def test_an_ingest_that_starts_forgets_the_brokers_it_has_no_more(tmp_path, streets, left):
    file = tmp_path / "firesense.yaml"
    file.write_text(SETTINGS, encoding="utf-8")
    settings = load_settings(file)
    settings.data.mkdir()
    with open_journal(settings) as journal, ExitStack() as opened:
        for name in ("old-name", "new-name"):
            journal.note(LISTENING + name, T0)
        House(settings, frozenset(streets))._open(opened)
        assert {name.removeprefix(LISTENING) for name in journal.noted() if name.startswith(LISTENING)} == left


def test_planned_work_begins_soon_after_every_start(tmp_path):
    """A station switches its PC off every evening: what ran first after a day would never run."""
    file = tmp_path / "firesense.yaml"
    file.write_text(SETTINGS, encoding="utf-8")
    clock = HandClock(T0)
    house = House(load_settings(file), frozenset({"duty", "record"}), clock)
    with ExitStack() as opened:
        house._open(opened)
        timetable = house._retention.plan({"duty", "record"})
        timetable.start(paused=True)
        opened.callback(timetable.shutdown)
        for work, every in (
            ("forget", timedelta(days=1)),
            ("sweep_photos", timedelta(days=1)),
            ("trim_history", timedelta(hours=1)),
        ):
            planned = timetable.get_job(work)
            assert planned.next_run_time - moment(T0) <= timedelta(minutes=5), work
            assert planned.trigger.interval == every


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("web", "web.port {port} is in use: stop the other one, or choose another (web.port / --port)"),
        ("watch", "watch.port {port} is in use: stop the other one, or choose another (watch.port / --watch-port)"),
    ],
)
def test_a_port_that_is_taken_is_named_with_where_to_change_it(tmp_path, section, said):
    with socket.create_server(("127.0.0.1", 0)) as other, ExitStack() as opened:
        port = other.getsockname()[1]
        file = tmp_path / "firesense.yaml"
        file.write_text(f"{SETTINGS}{section}: {{port: {port}}}\n", encoding="utf-8")
        with pytest.raises(NotListening) as caught:
            House(load_settings(file), frozenset({"web"} if section == "web" else {"duty"}))._open(opened)
    assert str(caught.value) == said.format(port=port)


def test_an_address_of_another_machine_is_named(tmp_path):
    file = tmp_path / "firesense.yaml"
    file.write_text(SETTINGS + "web: {host: 192.0.2.1}\n", encoding="utf-8")
    with (
        ExitStack() as opened,
        pytest.raises(NotListening, match=r"web\.host 192\.0\.2\.1 is no address of this machine"),
    ):
        House(load_settings(file), frozenset({"web"}))._open(opened)
