"""The audit says what was changed: which person, device, rule, ladder or section of the settings, and what of it."""

from __future__ import annotations

import shutil

import pytest

from firesense.app import PlanKeeper
from firesense.settings import load_settings
from tests.house import GRID, ROOT, HandClock, SmallHouse, smoke_device

ORG = (ROOT / "config/org.yaml").read_text(encoding="utf-8")


@pytest.fixture
def house(tmp_path):
    for name in ("rules", "ladders"):
        shutil.copy(ROOT / f"config/{name}.yaml", tmp_path / f"my-{name}.yaml")
    built = SmallHouse(tmp_path, [smoke_device(1)], org=ORG)
    file = tmp_path / "firesense.yaml"
    written = file.read_text(encoding="utf-8")
    for name in ("rules", "ladders"):
        written = written.replace(f"{ROOT}/config/{name}.yaml", f"my-{name}.yaml")
    file.write_text(written + "keep: {cases: 1000d}\n", encoding="utf-8")
    yield built
    built.close()


def started(house):
    """Start the daemon's plan as a restart does."""
    return PlanKeeper(load_settings(house.folder / "firesense.yaml"), house.book, HandClock())


def change(file, before, after):
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def said(house, after=0):
    """What the audit says happened to what, with the fields."""
    return [
        (line.entry.did, line.entry.kind, line.entry.target, line.entry.detail.get("fields", ""))
        for line in house.book.audit(after=after, most=10_000)
    ]


def last(house):
    return house.book.audit(most=10_000)[-1].number


def test_whose_telephone_was_changed_by_an_import_is_said_without_the_number(house, firesense):
    sheet = house.folder / "new.yaml"
    sheet.write_text(ORG, encoding="utf-8")
    change(sheet, "13900000021", "13900000099")
    firesense("org", "import", str(sheet))
    [line] = firesense("audit", "list", "--kind", "person").splitlines()
    assert "changed  person " in line
    assert "fields=phone" in line
    assert "13900000099" not in firesense("audit", "export")


def test_a_reload_says_which_rule_and_ladder_were_changed_and_what_of_them(house):
    keeper = started(house)
    before = last(house)
    assert keeper.reload()
    assert said(house, before) == [("reloaded", "setting", "files", "")], "nothing was changed"
    before = last(house)
    change(house.folder / "my-ladders.yaml", "wait: 2m", "wait: 150s")
    change(house.folder / "my-rules.yaml", "hold: 5s", "hold: 6s")
    assert keeper.reload()
    lines = said(house, before)
    assert ("changed", "ladder", "township-fire", "rungs") in lines
    assert [(did, fields) for did, kind, _, fields in lines if kind == "rule"] == [("changed", "hold")]
    assert house.book.prove_audit().broken == 0


def test_a_start_says_what_was_changed_while_nothing_ran(house):
    started(house)
    assert [line for line in said(house) if line[1] == "setting"] == [("installed", "setting", "", "")], (
        "the first time"
    )
    before = last(house)
    started(house)
    assert last(house) == before, "nothing was changed"
    change(house.folder / "firesense.yaml", "cases: 1000d", "cases: 400d, audit: 500d")
    change(house.folder / "firesense.yaml", "kind: mqtt}", "kind: mqtt, password: very-secret}")
    change(house.folder / "my-rules.yaml", "hold: 5s", "hold: 6s")
    started(house)
    lines = said(house, before)
    assert ("changed", "setting", "keep", "cases, audit") in lines
    assert ("changed", "setting", "channels.mqtt", "password") in lines
    assert [line[3] for line in lines if line[1] == "rule"] == ["hold"]
    assert len(lines) == 3
    before = last(house)
    change(house.folder / "firesense.yaml", "password: very-secret", "password: other-secret")
    started(house)
    assert said(house, before) == [("changed", "setting", "channels.mqtt", "password")]
    assert "secret" not in str(house.book.audit(most=10_000))


def test_every_device_of_a_register_has_a_line_of_its_own(house, firesense):
    register = house.folder / "devices.csv"
    head = "id,device_class,profile,external_id,place,name\n"
    rows = [f"smoke-{n},smoke,firesense-smoke,S{n},{GRID},厨房" for n in (5, 6)]
    register.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    firesense("device", "import", str(register))
    [line] = firesense("audit", "list", "--on", "smoke-5").splitlines()
    assert "registered  device smoke-5" in line
    change(register, "S5,", "S55,")
    firesense("device", "import", str(register))
    assert "fields=external_id" in firesense("audit", "list", "--on", "smoke-5").splitlines()[-1]
    assert len(firesense("audit", "list", "--on", "smoke-6").splitlines()) == 1, "it was not changed"
