"""The files are read anew while something else is: what was written last is in force."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from threading import Event, Lock, Thread

import pytest

from firesense.app import plan as plans
from firesense.settings import load_settings
from tests.house import ROOT, SmallHouse, smoke_device


class Noticed:
    """A lock that says when somebody has to wait for it."""

    def __init__(self, waits):
        self._lock = Lock()
        self._waits = waits

    def __enter__(self):
        if not self._lock.acquire(blocking=False):
            self._waits.set()
            self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


class Meanwhile:
    """A reload in a thread of its own; ``begin`` comes back when it is over, or can go on no further."""

    def __init__(self, keeper, monkeypatch, lock):
        self._met = Event()
        monkeypatch.setattr(keeper, lock, Noticed(self._met))
        self._thread = Thread(target=self._reload, args=[keeper])

    def _reload(self, keeper):
        assert keeper.reload()
        self._met.set()

    def begin(self):
        self._thread.start()
        assert self._met.wait(10)

    def end(self):
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def house(tmp_path):
    shutil.copy(ROOT / "config/rules.yaml", tmp_path / "my-rules.yaml")
    built = SmallHouse(tmp_path, [smoke_device(1)], started=False)
    file = tmp_path / "firesense.yaml"
    file.write_text(file.read_text().replace(f"{ROOT}/config/rules.yaml", "my-rules.yaml"), encoding="utf-8")
    yield built
    built.close()


@pytest.fixture
def keeper(house):
    return plans.PlanKeeper(load_settings(house.folder / "firesense.yaml"), house.book)


def hold_of(keeper):
    return next(rule.hold for rule in keeper.current().rules if rule.id == "smoke-trouble")


def write_hold(house, seconds):
    file = house.folder / "my-rules.yaml"
    before, rule, after = file.read_text(encoding="utf-8").partition("- id: smoke-trouble")
    file.write_text(before + rule + re.sub(r"hold: \d+s", f"hold: {seconds}s", after, count=1), encoding="utf-8")


def test_a_device_registered_while_rules_are_read_anew_does_not_bring_the_old_ones_back(house, keeper, monkeypatch):
    meanwhile = Meanwhile(keeper, monkeypatch, "_replacing")
    house.book.register([smoke_device(2)])
    registry = house.book.registry

    def reloaded_meanwhile():
        monkeypatch.setattr(house.book, "registry", registry)
        write_hold(house, 20)
        meanwhile.begin()
        return registry()

    monkeypatch.setattr(house.book, "registry", reloaded_meanwhile)
    keeper.refresh()
    meanwhile.end()
    assert hold_of(keeper) == timedelta(seconds=20)
    assert len(keeper.current().registry) == 2


def test_of_two_who_read_the_files_anew_the_later_one_is_right(house, keeper, monkeypatch):
    meanwhile = Meanwhile(keeper, monkeypatch, "_reloading")
    read_files = plans.read_files

    def written_meanwhile(settings):
        monkeypatch.setattr(plans, "read_files", read_files)
        files = read_files(settings)
        write_hold(house, 20)
        meanwhile.begin()
        return files

    monkeypatch.setattr(plans, "read_files", written_meanwhile)
    assert keeper.reload()
    meanwhile.end()
    assert hold_of(keeper) == timedelta(seconds=20)
