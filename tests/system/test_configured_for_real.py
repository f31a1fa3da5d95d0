"""Configurations as people take them over and change them: the samples start, and an edit comes into force."""

from __future__ import annotations

import os
import shutil
import signal
from datetime import timedelta

import pytest

from firesense.settings import load_settings
from tests.daemon import ROOT, Daemon
from tests.waiting import wait_until

pytestmark = pytest.mark.server
HEADER = "id,device_class,profile,external_id,place\n"  # no device so far


def test_a_sample_starts_as_it_stands(tmp_path, mosquitto):
    for folder in ("config", "device_profiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    with Daemon(tmp_path / "spare", port=mosquitto.port, devices=HEADER) as daemon:
        daemon.config = tmp_path / "config/samples/county/firesense.yaml"
        written = daemon.config.read_text(encoding="utf-8")
        assert "port: 1883" in written
        written = written.replace("port: 1883", f"port: {mosquitto.port}").replace("8440", str(daemon.web_port))
        daemon.config.write_text(written, encoding="utf-8")
        daemon.settings = load_settings(daemon.config)
        daemon.ready()
        assert daemon.kill(signal.SIGTERM) == [0]
        with daemon.book() as book:
            ladders, _ = book.ladders()
        assert ladders["fire"].repeat is None


def test_an_edit_of_the_ladders_comes_into_force_when_the_daemon_is_told_to_and_a_faulty_one_does_not(
    tmp_path, mosquitto
):
    with Daemon(tmp_path / "house", port=mosquitto.port, devices=HEADER, wait="1h") as daemon:
        daemon.ready()
        ladders = tmp_path / "house/ladders.yaml"
        written = ladders.read_text(encoding="utf-8")

        def first_wait():
            with daemon.book() as book:
                return book.ladders()[0]["township-fire"].rungs[0].wait

        def told_of(edit):
            ladders.write_text(edit, encoding="utf-8")
            os.kill(daemon.processes[0].pid, signal.SIGHUP)

        assert first_wait() == timedelta(hours=1)
        told_of(written.replace("wait: 1h", "wait: 400d"))
        wait_until(lambda: "plan.kept" in daemon.said(), "the fault is in the log", seconds=30, said=daemon.said)
        assert "ladders.township-fire.rungs[0].wait: is longer than 31 days" in daemon.said()
        assert first_wait() == timedelta(hours=1)
        told_of(written.replace("wait: 1h", "wait: 7m"))
        wait_until(lambda: first_wait() == timedelta(minutes=7), "the edit", seconds=30, said=daemon.said)
