"""Every mistake has a file named after it, and every file's faults are all reported, with their paths."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from firesense.cli import main
from firesense.deskfile import load_practice
from firesense.domain.errors import ConfigError
from firesense.domain.profile import Profile
from firesense.ladderfile import load_ladders
from firesense.orgfile import load_devices
from firesense.orgtree import load_org
from firesense.settings import load_settings

ROOT = Path(__file__).parents[2]
FAULTS = Path(__file__).parent / "config_faults"
PROFILES = {
    "firesense-smoke": Profile(
        "firesense-smoke", "smoke", "json", ("firesense/smoke/{device}/up",), timedelta(1), (), ()
    )
}


def _load(path):
    org = load_org(ROOT / "config/org.yaml")
    match path.parent.name:
        case "org":
            load_org(path)
        case "ladders":
            load_ladders(path, org, channels={"log", "mqtt"}, seasons={"heating"})
        case "desk":
            load_practice(path, org)
        case "devices":
            load_devices(path, PROFILES, org)
        case "settings":
            load_settings(path)


def _expected(path):
    beside = path.with_suffix(".expect")
    if beside.exists():
        return beside.read_text(encoding="utf-8").splitlines()
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]


CASES = [
    path
    for room in ("org", "ladders", "desk", "devices", "settings")
    for path in sorted((FAULTS / room).iterdir())
    if path.suffix in {".yaml", ".csv"}
]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_all_faults_of_a_file_are_reported(path):
    with pytest.raises(ConfigError) as caught:
        _load(path)
    found = [str(fault).removeprefix(f"{path}: ") for fault in caught.value.faults]
    expected = _expected(path)
    assert expected
    assert len(found) == len(expected), found
    for line in expected:
        assert any(fault.startswith(line) for fault in found), (line, found)


@pytest.mark.parametrize("name", ["org.yaml", "ladders.yaml", "firesense.yaml"])
def test_a_missing_file_is_said(tmp_path, name):
    load = {"org.yaml": load_org, "firesense.yaml": load_settings}.get(name)
    with pytest.raises(ConfigError, match="No such file"):
        (load or (lambda path: load_ladders(path, load_org(ROOT / "config/org.yaml"))))(tmp_path / name)


def test_the_shipped_configuration_is_sound():
    settings = load_settings(ROOT / "config/firesense.yaml")
    org = load_org(settings.files.org)
    ladders = load_ladders(settings.files.ladders, org, channels={channel.name for channel in settings.channels})
    assert set(ladders.by_id) >= {"township-fire", "street-fire"}


def test_what_is_sound_and_hardly_meant_is_told_with_its_line(tmp_path, capsys):
    for folder in ("config", "device_profiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    ladders = tmp_path / "config/ladders.yaml"
    text = ladders.read_text(encoding="utf-8")
    for mistake, meant in (
        ("repeat: 3 #", "repeat: forever #"),
        ("arrive: never, result: 30m", "arrive: 15m, result: 30m"),
        ("wait: 2h", "wait: 2m"),
        ("[vulnerabel]", "[vulnerable]"),
    ):
        assert meant in text
        text = text.replace(meant, mistake, 1)
    ladders.write_text(text, encoding="utf-8")
    desk = tmp_path / "config/desk.yaml"
    desk.write_text(desk.read_text(encoding="utf-8").replace("[vulnerable]", "[disabeld]"), encoding="utf-8")
    assert main(["check", "--config", str(tmp_path / "config/firesense.yaml")]) == 0
    sound, *doubts, of_the_desk = capsys.readouterr().out.splitlines()
    assert of_the_desk == "note: desk: the plan 'vulnerable-fire' asks for the tag 'disabeld', which no place has"
    assert sound.startswith("sound: ")
    told = [line.removeprefix(f"note: {ladders}:").split(": ", 2)[1:] for line in doubts]
    assert told == [
        ["ladders.township-fire.repeat", "a fire is given up after so many rounds: forever calls on"],
        ["ladders.township-fire.timers.arrive", "a fire that somebody has taken may be forgotten for ever"],
        ["ladders.township-fire.rungs[0].wait", "is long for a fire: the next rung hears of it only then"],
        ["choose[1].tags", "no place has the tag 'vulnerabel': 'vulnerable'?"],
    ]


def test_secrets_come_from_the_environment_and_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("MADE_UP_PASSWORD", "not-to-be-seen")
    file = tmp_path / "firesense.yaml"
    file.write_text("brokers: [{username: u, password: '${MADE_UP_PASSWORD}'}]\n", encoding="utf-8")
    settings = load_settings(file)
    assert settings.brokers[0].password.get_secret_value() == "not-to-be-seen"
    assert "not-to-be-seen" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\1\0\0", None),
        (b"ttcf" + bytes(8) + (16).to_bytes(4, "big") + b"true", None),
        (b"ttcf" + bytes(8) + (16).to_bytes(4, "big") + b"OTTO", "has PostScript outlines"),
        (b"OTTO", "has PostScript outlines"),
        (b"<svg>", "is no TrueType font"),
        (b"", "is no TrueType font"),
    ],
)
def test_a_font_that_no_report_can_carry_is_a_fault(tmp_path, content, reason):
    (tmp_path / "letters.ttf").write_bytes(content)
    file = tmp_path / "firesense.yaml"
    file.write_text("brokers: [{}]\nfigures: {font: letters.ttf}\n", encoding="utf-8")
    if reason is None:
        assert load_settings(file).figures.font == tmp_path / "letters.ttf"
        return
    with pytest.raises(ConfigError, match=f"figures.font: .*letters.ttf {reason}"):
        load_settings(file)


def test_paths_are_taken_from_where_they_stand(tmp_path):
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc/firesense.yaml"
    file.write_text("data: ../var\njournal: {file: frames.db}\n", encoding="utf-8")
    settings = load_settings(file)
    assert settings.journal.file == tmp_path / "var/frames.db"
    assert settings.files.rules == tmp_path / "etc/rules.yaml"
    assert settings.book == f"sqlite:///{tmp_path}/var/book.db"


def test_check_tells_the_faults_of_every_file_at_once(tmp_path, capsys):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/odd.yaml").write_text("id: odd\n", encoding="utf-8")
    (tmp_path / "rules.yaml").write_text("ruless: []\n", encoding="utf-8")
    (tmp_path / "org.yaml").write_text("people: {}\n", encoding="utf-8")
    file = tmp_path / "firesense.yaml"
    file.write_text(
        "zone: Mars/Base\nbook: nonsense\nfiles: {profiles: profiles}\n"
        "brokers: [{filters: ['a/#/b'], keep_alive: 0s}]\nweb: {port: 99999}\n"
        "channels: [{name: hook, kind: webhook, secret: short, hosts: [example.org]}]\n",
        encoding="utf-8",
    )
    assert main(["check", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    for part in (
        "zone: ",
        "web.port: ",
        "odd.yaml:1:1: ",
        "rules.yaml:1:1: ruless: ",
        "org.yaml:1:1: root",
        "filters[0]",
        "keep_alive",
        "channels[0].secret",
        "book: ",
    ):
        assert part in said, (part, said)


@pytest.mark.parametrize(
    ("book", "said"),
    [
        ("postgresql+psycopg://firesense:not-to-be-seen@db.example.org/firesense", None),
        ("postgresql+psycopg:///firesense?host=/run/postgresql", None),
        ("sqlite:////var/lib/firesense/book.db", None),
        ("mysql+pymysql://firesense:not-to-be-seen@db.example.org/firesense", "is not an address such as"),
        ("firesense:not-to-be-seen@db.example.org", "not an address such as sqlite:////var/lib/x/book.db"),
        ("postgresql+psycopg://firesense:not-to-be-seen@db.example.org:port/firesense", "not an address such as"),
        ("postgresql+psycopg://firesense:pass@not-to-be-seen@db.example.org/firesense", "@ is written %40"),
        ("postgresql+telegraph://firesense:not-to-be-seen@db.example.org/firesense", "there is no driver 'telegraph'"),
        ("postgresql+pg8000://firesense:not-to-be-seen@db.example.org/firesense", 'install "firesense[postgresql]"'),
        ("postgresql+psycopg_async://db.example.org/firesense?password=not-to-be-seen", "its driver is for asyncio"),
        (
            "postgresql+psycopg://firesense:not-to-be-seen@db.example.org",
            "'postgresql+psycopg://firesense:***@db.example",
        ),
        ("sqlite:///", "'sqlite:///' names no database"),
    ],
)
def test_the_address_of_the_book_is_one_that_can_be_used_and_its_password_is_never_told(tmp_path, capsys, book, said):
    for folder in ("config", "device_profiles"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    file = tmp_path / "config/firesense.yaml"
    with file.open("a", encoding="utf-8") as settings:
        settings.write(f"book: {book}\n")
    assert main(["check", "--config", str(file)]) == (2 if said else 0)
    told = "".join(capsys.readouterr())
    assert "not-to-be-seen" not in told
    assert ("book: " in told and said in told) if said else told.startswith("sound: ")


def test_a_register_says_when_devices_were_installed(tmp_path):
    org = load_org(ROOT / "config/org.yaml")
    file = tmp_path / "devices.csv"
    head = "id,device_class,profile,external_id,place,installed\n"
    line = "{0},smoke,firesense-smoke,{0},990100101201-01,{1}\n"
    file.write_text(head + line.format("a", "2016-05-01") + line.format("b", ""), encoding="utf-8")
    devices = load_devices(file, PROFILES, org)
    assert [device.installed_at for device in devices] == [1_462_060_800_000_000, 0]
    file.write_text(head + line.format("a", "1 May 2016"), encoding="utf-8")
    with pytest.raises(ConfigError, match="'1 May 2016' is no day such as 2026-05-01"):
        load_devices(file, PROFILES, org)


def test_a_secret_is_looked_for_beside_the_settings_wherever_one_stands(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "config", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    settings = folder / "firesense.yaml"
    settings.write_text("brokers: [{username: u, password: '${file:broker-password}'}]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"cannot read the file {folder / 'broker-password'}: No such file"):
        load_settings(settings)
    (folder / "broker-password").write_text("made up\n", encoding="utf-8")
    assert load_settings(settings).brokers[0].password.get_secret_value() == "made up"


def test_a_secret_that_is_not_there_is_one_fault_and_not_two(tmp_path, capsys):
    settings = tmp_path / "firesense.yaml"
    files = "".join(f"  {name}: {ROOT}/config/{name}.yaml\n" for name in ("rules", "org", "ladders", "calendars"))
    settings.write_text(
        f"files:\n  profiles: {ROOT}/device_profiles\n{files}"
        "channels:\n  - {name: log, kind: log}\n  - {name: mqtt, kind: mqtt, host: 127.0.0.1}\n"
        "  - {name: speaker, kind: loudspeaker, url: http://127.0.0.1:1, callback_secret: '${file:none}'}\n",
        encoding="utf-8",
    )
    assert main(["check", "--config", str(settings)]) == 2
    said = capsys.readouterr().err
    assert f"channels[2].callback_secret: cannot read the file {tmp_path / 'none'}" in said
    assert said.count("callback_secret") == 1
    assert "1 fault found" in said
