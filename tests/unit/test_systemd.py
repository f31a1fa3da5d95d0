"""The systemd units keep what docs/deployment.md promises."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from firesense.app.house import STREETS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd"
ALL_IN_ONE = "firesense.service"
OF_STREETS = [f"firesense-{street}.service" for street in STREETS]
SERVICES = [ALL_IN_ONE, *OF_STREETS]


class Repeated(dict):
    """Keep every line of a key that is given several times, as systemd does."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self and isinstance(self[key], list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def unit(name):
    parser = configparser.RawConfigParser(strict=False, dict_type=Repeated, comment_prefixes=("#",))
    parser.optionxform = str
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return {
        section: {key: value.split("\n") for key, value in parser[section].items()} for section in parser.sections()
    }


def test_there_is_a_unit_for_every_street_and_no_other():
    assert {path.name for path in FOLDER.glob("*.service")} == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_checks_reports_and_comes_back(name):
    service = unit(name)["Service"]
    assert service["Type"] == ["notify"]
    assert service["WatchdogSec"] == ["30"]
    assert service["Restart"] == ["always"]
    assert service["ExecReload"] == ["/usr/bin/env kill -HUP $MAINPID"], "which has the files read anew"
    assert unit(name)["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert service["ExecStartPre"] == ["/usr/bin/env firesense check --config /etc/firesense/firesense.yaml"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_its_street(name):
    street = name.removeprefix("firesense").removesuffix(".service").removeprefix("-")
    words = unit(name)["Service"]["ExecStart"][0].split()
    assert words[:3] == ["/usr/bin/env", "firesense", "run"]
    assert [word for word in words[3:] if word in STREETS] == ([street] if street else [])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little(name):
    service = unit(name)["Service"]
    assert service["User"] == ["firesense"]
    assert service["CapabilityBoundingSet"] == [""]
    assert service["ProtectSystem"] == ["strict"]
    assert service["StateDirectory"] == ["firesense"]
    assert service["UMask"] == ["0077"]
    assert service["LoadCredential"] == ["secret:/etc/firesense/credentials"]
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    switches = "NoNewPrivileges PrivateTmp PrivateDevices MemoryDenyWriteExecute RestrictNamespaces ProtectHome"
    assert all(service[switch] == ["yes"] for switch in switches.split())
    assert "ReadWritePaths" not in service


def test_all_services_have_the_same_sandbox():
    own = {"ExecStart"}
    sandboxes = [{key: value for key, value in unit(name)["Service"].items() if key not in own} for name in SERVICES]
    assert all(sandbox == sandboxes[0] for sandbox in sandboxes)


def test_one_process_and_one_process_a_street_exclude_each_other():
    assert set(unit(ALL_IN_ONE)["Unit"]["Conflicts"][0].split()) == {"firesense.target", *OF_STREETS}
    target = unit("firesense.target")["Unit"]
    assert target["Wants"][0].split() == OF_STREETS
    assert target["Conflicts"] == [ALL_IN_ONE]
    for name in OF_STREETS:
        assert unit(name)["Unit"]["Conflicts"] == [ALL_IN_ONE]
        assert unit(name)["Unit"]["PartOf"] == ["firesense.target"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="a machine without systemd")
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_understands_every_line(name):
    verified = subprocess.run(
        ["systemd-analyze", "verify", f"./{name}"], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert [line for line in verified.stderr.splitlines() if name in line] == []


def test_the_documents_commands_name_files_that_are_there():
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w/])systemd/[\w.*-]+", text))
    assert named
    assert all(list(ROOT.glob(name)) for name in named)
