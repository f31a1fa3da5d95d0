"""Which brokers count is for the process with ingest to say."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from firesense.app.house import House
from firesense.app.plugs import open_journal
from firesense.hearing import LISTENING
from firesense.settings import load_settings
from tests.frames import T0

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
