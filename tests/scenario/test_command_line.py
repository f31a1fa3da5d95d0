"""The command line does what its help says, and says what it cannot do."""

from __future__ import annotations

import re

import pytest

from firesense.app import PlanKeeper
from firesense.cli import main
from firesense.domain.alert import AlertClass
from firesense.domain.deed import Actor
from firesense.domain.escalation import ClimbState, Purpose
from firesense.domain.instant import SECOND
from firesense.ports import User
from tests.book_examples import alarm, outcome, raised
from tests.house import GRID, ROOT, SmallHouse, smoke, smoke_device


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(1)])
    yield built
    built.close()


def test_an_alert_is_shown_taken_and_closed(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    assert alert.id in firesense("alerts")
    assert "wang-fang" in firesense("acknowledge", alert.id, "--as", "wang-fang")
    assert "wang-fang" in firesense("acknowledge", alert.id, "--as", "chen-jie", code=1)
    closing = ("close", alert.id, "--as", "wang-fang", "--finding", "false-alarm")
    assert "still fires" in firesense(*closing, code=1)
    assert "false-alarm" in firesense(*closing, "--though-firing")
    assert alert.id not in firesense("alerts")
    assert alert.id in firesense("alerts", "--all")
    assert "NOSUCHALERT" in firesense("acknowledge", "NOSUCHALERT", "--as", "wang-fang", code=1)


def test_the_gravest_two_hundred_do_not_hide_the_others(house, firesense):
    many = [alarm(number, AlertClass.HAZARD) for number in range(1, 251)]
    house.book.commit(outcome(300, *map(raised, many)))
    listed = [line.split()[0] for line in firesense("alerts").splitlines()]
    assert listed == [alert.id for alert in reversed(many)]


def test_what_was_verified_is_closed_without_saying_it_twice(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.clock.at += 30 * SECOND
    house.hear(smoke(house.clock, alarm=0))
    assert "nobody has said what" in firesense("close", alert.id, "--as", "wang-fang", code=1)
    firesense("alert", "verify", alert.id, "--as", "wang-fang", "--finding", "false-alarm")
    assert "closed, false-alarm" in firesense("close", alert.id, "--as", "wang-fang")


def test_people_read_their_own_language_and_their_own_clocks(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.desk.acknowledge(alert.id, Actor("wang-fang"))
    [line] = firesense("alerts").splitlines()
    assert "2026-01-01 08:00:00  火警  报警中  已接警" in line
    assert "2026-01-01 08:00:00" in firesense("audit", "list", "--on", alert.id)
    why = firesense("explain", alert.id)
    assert "2026-01-01 08:00:00  报警中, 已接警" in why
    assert "2026-01-01T00:00:00" in firesense("audit", "export", "--format", "ndjson"), "programs read UTC"
    settings = house.folder / "firesense.yaml"
    settings.write_text("language: en\nzone: UTC\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    assert "2026-01-01 00:00:00  fire  firing  acknowledged" in firesense("alerts").lower()
    assert "2026-01-01 00:00:00  firing, acknowledged" in firesense("explain", alert.id)


def test_a_department_is_whistled_for_and_comes(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    whistle = ["alert", "whistle", alert.id, "--as", "zhang-wei"]
    said = firesense(*whistle, "--post", "station-duty", "--reason", "人手不够")
    assert said.startswith("whistle w1 for ")
    called = {call.person for call in house.book.calls(alert.id) if call.purpose is Purpose.WHISTLE}
    assert called == {"yang-min", "zhao-lei"}
    assert firesense(*whistle, "--rung", "1", "--reason", "请组长来").startswith("whistle w2 for ")
    called = {call.person for call in house.book.calls(alert.id) if call.purpose is Purpose.WHISTLE}
    assert "zhang-wei" in called, "the first rung of the ladder"
    assert [(step.who, step.detail["reason"]) for step in house.book.story(alert.id) if step.kind == "whistled"] == [
        ("zhang-wei", "人手不够"),
        ("zhang-wei", "请组长来"),
    ]
    assert "answered: w1" in firesense("alert", "answer", alert.id, "--as", "yang-min")
    assert "answered: w2" in firesense("alert", "answer", alert.id, "--as", "chen-jie", "--strand", "w2")
    assert {climb.state for climb in house.book.whistles(alert.id)} == {ClimbState.STOPPED}


def test_a_whistle_nobody_could_hear_is_refused(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    whistle = ["alert", "whistle", alert.id, "--as", "zhang-wei"]
    assert "no post nobody there" in firesense(*whistle, "--post", "nobody", "--reason", "x", code=1)
    for rung in ("0", "-1", "99"):
        assert f"no rung {rung}" in firesense(*whistle, "--rung", rung, "--reason", "x", code=1)
    assert "needs a reason" in firesense(*whistle, "--post", "station-duty", "--reason", " ", code=1)
    assert "no place 999" in firesense(*whistle, "--post", "station-duty", "--at", "999", "--reason", "x", code=1)
    assert "NOSUCH" in firesense("alert", "whistle", "NOSUCH", *whistle[3:], "--rung", "1", "--reason", "x", code=1)
    assert "nobody whistled for yang-min" in firesense("alert", "answer", alert.id, "--as", "yang-min", code=1)
    assert house.book.whistles(alert.id) == []


def test_a_whistle_for_a_vacant_post_says_that_nobody_could_be_called_and_fails(house, capsys):
    house.book.register([smoke_device(2, "990100101202-01")])  # 柳林村第一网格: nobody is its grid leader
    house.hear(smoke(house.clock, 2, alarm=1))
    [alert] = house.open_alerts()
    whistle = ["alert", "whistle", alert.id, "--as", "liu-yang", "--post", "grid-leader", "--reason", "请到场"]
    assert main([*whistle, "--config", str(house.folder / "firesense.yaml")]) == 1
    assert "NOBODY could be called" in capsys.readouterr().out


def test_nobody_acts_under_a_name_that_nobody_has(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    for words in (
        ["alert", "whistle", alert.id, "--post", "station-duty", "--reason", "人手不够"],
        ["alert", "ack", alert.id],
        ["maintenance", "start", "--place", GRID, "--for", "1h", "--why", "x"],
        ["hazard", "report", "楼道堆放杂物", "--place", GRID],
        ["roster", "leave", "zhang-wei", "--from", "2026-10-01", "--until", "2026-10-02"],
    ):
        assert "nobody is called 'zhangwei'" in firesense(*words, "--as", "zhangwei", code=1)
    assert house.book.alert(alert.id).acknowledged_by == ""
    assert house.book.whistles(alert.id) == []
    house.book.put_user(User("night-desk", "x", "值班室"))
    assert "with night-desk" in firesense("alert", "ack", alert.id, "--as", "night-desk"), "who may log in may act"


def test_devices_are_imported_listed_and_claimed(house, firesense, tmp_path):
    register = tmp_path / "devices.csv"
    register.write_text(
        f"id,device_class,profile,external_id,place\nsmoke-5,smoke,firesense-smoke,S5,{GRID}\n", encoding="utf-8"
    )
    assert "1 devices read, 1 new or changed" in firesense("device", "import", str(register))
    assert "1 devices read, 0 new or changed" in firesense("device", "import", str(register))
    house.hear(smoke(house.clock, 6))
    assert "S6" in firesense("device", "strangers")
    words = ["device", "claim", "S6", "--id", "smoke-6", "--profile", "firesense-smoke"]
    assert "there is no place 'nowhere'" in firesense(*words, "--place", "nowhere", code=2)
    firesense(*words, "--place", GRID)
    assert "S6" not in firesense("device", "strangers")
    listed = firesense("device", "list", "--class", "smoke")
    assert {"smoke-1", "smoke-5", "smoke-6"} <= set(listed.split())
    assert firesense("device", "list", "--class", "heater") == ""


def test_a_claim_of_a_taken_id_is_refused_and_what_was_moved_stays_moved(house, firesense):
    claim = ["device", "claim", "S8", "--id", "smoke-1", "--profile", "firesense-smoke", "--place", GRID]
    assert "smoke-1 is S1" in firesense(*claim, code=1)
    firesense(*claim, "--replace")
    assert house.book.registry().get("smoke-1").external_id == "S8"
    register = house.folder / "devices.csv"
    register.write_text(
        f"id,device_class,profile,external_id,place\nsmoke-1,smoke,firesense-smoke,S1,{GRID}\n", encoding="utf-8"
    )
    settings = house.settings.model_copy(
        update={"files": house.settings.files.model_copy(update={"devices": register})}
    )
    PlanKeeper(settings, house.book)
    assert house.book.registry().get("smoke-1").external_id == "S8"


def test_users_get_one_time_passwords(house, firesense):
    password = firesense("user", "add", "station", "--person", "yang-min", "--one-time").strip()
    user = house.book.user("station")
    assert len(password) >= 12
    assert user.one_time
    assert password not in user.password_hash


def test_a_user_is_a_person_of_the_org_or_nobody(house, firesense):
    said = firesense("user", "add", "typo", "--person", "yang-mim", "--one-time", code=1)
    assert "there is no person yang-mim" in said
    assert len(said.splitlines()) == 1, "no password is printed for nobody"
    assert house.book.user("typo") is None
    firesense("user", "add", "shared", "--one-time")
    assert house.book.user("shared").person == ""


def test_users_are_listed_and_removed(house, firesense):
    for name in ("station", "office"):
        firesense("user", "add", name, "--person", "yang-min", "--one-time")
    assert firesense("user", "list").split("\n")[0].split("\t") == [
        "office",
        "yang-min",
        "officer",
        "everywhere",
        "one-time password",
    ]
    firesense("user", "remove", "station")
    assert house.book.user("station") is None
    assert "there is no user station" in firesense("user", "remove", "station", code=1)


TRICK = "\x1b[2J\u202e"  # clears the screen, and writes the rest of the line backwards


def test_what_strangers_are_called_does_nothing_to_the_terminal(house, firesense):
    house.hear(smoke(house.clock, f"7{TRICK}", alarm=1))
    [alert] = house.open_alerts()
    shown = (("device", "strangers"), ("quarantine", "list"), ("alerts",), ("explain", alert.id), ("journal", "list"))
    for words in shown:
        said = firesense(*words)
        assert "S7" in said
        assert "\x1b" not in said
        assert "\u202e" not in said


def test_the_org_is_imported_when_it_changed(firesense):
    assert "nothing changed" in firesense("org", "import")


def test_the_configuration_and_all_profiles_are_checked(firesense):
    assert firesense("check").startswith("sound: ")
    assert "all their examples" in firesense("profile", "check", str(ROOT / "device_profiles"))


def test_a_grade_that_nobody_may_accept_at_some_place_is_named_by_the_check(house, firesense):
    rules = (ROOT / "config/hazards.yaml").read_text(encoding="utf-8")
    written = re.sub("(minor:.*?accept: )\\[[^]]*]", r"\1[grid-member]", rules, count=1, flags=re.DOTALL)
    (house.folder / "hazards.yaml").write_text(written, encoding="utf-8")
    settings = house.folder / "firesense.yaml"
    known = settings.read_text(encoding="utf-8")
    settings.write_text(known.replace("files:", "files:\n  hazards: hazards.yaml", 1), encoding="utf-8")
    checked = firesense("check")
    assert "nobody may accept a minor hazard that is reported at 990100 (清河区)" in checked
    settings.write_text(known, encoding="utf-8")
    assert "note:" not in firesense("check")


def test_a_profile_with_a_fault_is_named(firesense, tmp_path):
    (tmp_path / "broken.yaml").write_text("profile: broken\n", encoding="utf-8")
    assert "broken.yaml" in firesense("profile", "check", str(tmp_path), code=2)


def test_words_it_does_not_know_are_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["extinguish"])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("firesense 0.")


def test_maintenance_is_begun_listed_extended_and_ended(firesense):
    asked = ["--place", GRID, "--for", "1h", "--why", "new batteries", "--as", "sun-bo"]
    begun = firesense("maintenance", "start", *asked)
    window = begun.split()[0]
    assert "new batteries" in begun
    assert window in firesense("windows")
    assert window in firesense("maintenance", "list")
    assert firesense("walktest", "list") == ""
    firesense("maintenance", "extend", window, "--for", "2h", "--as", "sun-bo")
    assert "is over" in firesense("maintenance", "end", window, "--as", "sun-bo")
    assert "is over" in firesense("maintenance", "end", window, "--as", "sun-bo", code=1)


def test_what_cannot_be_quiet_is_refused_with_the_reason(house, firesense):
    why = ["--why", "x", "--as", "li-na"]
    assert "at most 8:00:00" in firesense("maintenance", "start", "--place", GRID, "--for", "9h", *why, code=1)
    assert "no place nowhere" in firesense("maintenance", "start", "--place", "nowhere", "--for", "1h", *why, code=1)
    assert "--for" in firesense("maintenance", "start", "--place", GRID, "--for", "long", *why, code=2)
    at = ["--from", "tomorrow"]
    assert "--from" in firesense("maintenance", "start", "--place", GRID, "--for", "1h", *at, *why, code=2)
    house.hear(smoke(house.clock, alarm=1))
    [fire] = house.open_alerts()
    assert "cannot be shelved" in firesense("shelve", fire.id, "--for", "1h", *why, code=1)
    assert "cannot be shelved" in firesense(
        "shelve", "--rule", "smoke-fire", "--place", GRID, "--for", "1h", *why, code=1
    )
    assert firesense("windows") == ""


def test_a_rule_is_shelved_and_taken_off_the_shelf(firesense):
    asked = ["--rule", "smoke-trouble", "--device", "smoke-1", "--for", "24h", "--why", "known", "--as", "li-na"]
    window = firesense("shelve", *asked).split()[0]
    assert "smoke-trouble" in firesense("windows")
    assert "is over" in firesense("unshelve", window, "--as", "li-na")


def test_the_report_of_a_walk_test_is_a_table(firesense, tmp_path):
    asked = [GRID, "--tester", "sun-bo", "--for", "1h", "--why", "quarterly", "--as", "li-na"]
    window = firesense("walktest", "start", *asked).split()[0]
    assert "smoke-1" in firesense("walktest", "report", window)
    table = tmp_path / "walk.csv"
    firesense("walktest", "report", window, "--csv", str(table))
    assert table.read_text(encoding="utf-8-sig").splitlines()[0] == "device,name,place,heard,rule,times"
    assert "no person nobody" in firesense("walktest", "start", GRID, "--tester", "nobody", *asked[3:], code=1)
