"""The org comes in from whatever people have, and whoever is on duty is called."""

from __future__ import annotations

import sqlite3
from datetime import date

import openpyxl
import pytest

from firesense.app import open_book
from firesense.app.orgimport import do_import, plan_import
from firesense.cli import main
from firesense.domain.deed import Actor
from firesense.domain.errors import BookError
from firesense.domain.instant import DAY, HOUR, MINUTE, SECOND
from firesense.orgtree import load_org
from firesense.rosters import RosterDesk
from firesense.settings import load_settings
from tests.house import ROOT, SmallHouse, smoke, smoke_device

STATION = "990100101"
NAMES = {"yang-min": "杨敏", "zhao-lei": "赵磊"}
OFFICER = Actor("station", "console 192.0.2.7")
# The house's clock starts on 2026-01-01 at 08:00 in China: the first turn has just begun.
ROSTER = """\
rosters:
  qingxi:
    name: 青溪镇消防工作站值班
    rotations:
      - {teams: [yang-min, zhao-lei], start: 2026-01-01, turn: 1d, from: "08:00"}
"""
ORG = ROSTER + (ROOT / "config/org.yaml").read_text(encoding="utf-8").replace(
    "station-duty: [yang-min, zhao-lei]", "station-duty: {rosters: [qingxi]}"
)


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(1)], org=ORG)
    yield built
    built.close()


@pytest.fixture
def desk(house):
    return RosterDesk(house.book, house.clock, lambda: house.keeper.current().org)


@pytest.fixture
def firesense(house, capsys):
    def run(*words, code=0):
        assert main([*words, "--config", str(house.folder / "firesense.yaml")]) == code, capsys.readouterr()
        said = capsys.readouterr()
        return said.out + said.err

    return run


def station_told(house):
    """The seconds after which somebody of the station was told, and who."""
    return [
        (seconds, who)
        for seconds, who in house.people_told()
        if who in {"yang-min", "zhao-lei", "sun-bo", "zhou-qiang"}
    ]


# -- who is called ----------------------------------------------------------------------------------------------------
def test_only_who_is_on_duty_at_the_station_is_called(house):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=6, step=10 * SECOND)
    assert station_told(house) == [(300, "yang-min")]


def test_a_climb_that_passes_the_hand_over_calls_who_came_on(house):
    house.clock.at += DAY - 3 * MINUTE  # three minutes before eight
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=6, step=10 * SECOND)
    assert [who for _, who in station_told(house)] == ["zhao-lei"]


def test_a_station_whose_officer_is_on_leave_is_passed_at_once(house, desk):
    desk.leave(OFFICER, "yang-min", house.clock.at, house.clock.at + HOUR)
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=6, step=10 * SECOND)
    assert station_told(house) == [(300, "zhou-qiang")]
    alert = house.open_alerts()[0]
    empty = [step.detail for step in house.book.story(alert.id) if step.kind == "empty"]
    assert {"role": "station-duty", "place": STATION, "reason": "nobody"}.items() <= empty[-1].items()


def test_who_stands_in_while_a_climb_is_under_way_is_called_by_its_next_rung(house, desk):
    house.hear(smoke(house.clock, alarm=1))
    house.wind(minutes=2, step=10 * SECOND)
    desk.override(OFFICER, "sun-bo", house.clock.at, house.clock.at + HOUR, instead_of="yang-min", roster="qingxi")
    house.wind(minutes=4, step=10 * SECOND)
    assert station_told(house) == [(300, "sun-bo")]


def test_who_comes_on_duty_is_told_once_what_is_open(house):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    house.desk.acknowledge(alert.id, OFFICER)
    house.clock.at += DAY - MINUTE
    house.settle()
    assert house.people_told(purpose="hand-over") == []
    house.wind(minutes=2, step=10 * SECOND)
    assert [who for _, who in house.people_told(purpose="hand-over")] == ["zhao-lei"]
    (told, *_) = [told for told in house.told if told.purpose == "hand-over"]
    assert "接班" in told.title
    assert "您已接班（青溪镇）：未办结 1 起，其中无人接警 0 起" in told.body
    house.start()  # a restart tells nobody again
    house.wind(minutes=2, step=10 * SECOND)
    assert len(house.people_told(purpose="hand-over")) == 1


def test_a_hand_over_with_nothing_open_needs_no_message(house):
    house.settle()
    house.clock.at += DAY
    house.settle()
    assert house.people_told(purpose="hand-over") == []


def test_an_import_of_the_org_leaves_who_stands_in(house, desk, firesense):
    desk.override(OFFICER, "sun-bo", house.clock.at, house.clock.at + HOUR, instead_of="yang-min", roster="qingxi")
    org = house.folder / "org.yaml"
    org.write_text(ORG.replace("name: 青溪镇\n", "name: 青溪新镇\n"), encoding="utf-8")
    assert "imported" in firesense("org", "import")
    house.settle()
    org = house.keeper.current().org
    assert org.places[STATION].name == "青溪新镇"
    post = org.posts[STATION, "station-duty"]
    assert [person.id for person in org.on_duty(post, house.clock.at)] == ["sun-bo"]


# -- in and out -------------------------------------------------------------------------------------------------------
def test_an_org_goes_out_as_sheets_is_changed_and_comes_back(house, firesense):
    folder = house.folder / "sheets"
    assert "people written" in firesense("org", "export", "--format", "csv", "--to", str(folder), "--language", "zh")
    people = (folder / "people.csv").read_text(encoding="utf-8-sig")
    (folder / "people.csv").write_bytes(people.replace("张伟", "张小伟").encode("gb18030"))
    dry = firesense("org", "import", str(folder), "--dry-run")
    assert dry.splitlines() == [
        "~ person zhang-wei: name",
        "0 added, 1 changed, 0 removed; nothing was changed (dry run)",
    ]
    assert house.book.org().people["zhang-wei"].name == "张伟"
    assert "1 changed" in firesense("org", "import", str(folder))
    assert house.book.org().people["zhang-wei"].name == "张小伟"
    assert load_org(house.folder / "org.yaml").people["zhang-wei"].name == "张小伟"
    assert (house.folder / "org.yaml.before").read_text(encoding="utf-8") == ORG
    house.settle()
    assert house.keeper.current().org.people["zhang-wei"].name == "张小伟"


def test_a_workbook_with_faults_changes_nothing_and_tells_them_all(house, firesense):
    book = house.folder / "org.xlsx"
    firesense("org", "export", "--format", "xlsx", "--to", str(book))
    sheets = openpyxl.load_workbook(book)
    sheets["people"]["C2"] = "twelve"
    sheets["places"]["D3"] = "nowhere"
    sheets.save(book)
    before = (house.folder / "org.yaml").read_bytes()
    said = firesense("org", "import", str(book), code=2)
    assert "sheet people, row 2, column C (phone): 'twelve' is no telephone number" in said
    assert "sheet places, row 3, column D (parent): there is no place 'nowhere'" in said
    assert "2 faults found" in said
    assert (house.folder / "org.yaml").read_bytes() == before


def test_an_org_that_ladders_or_devices_miss_is_told_before_anything_is_changed(house, firesense):
    org = house.folder / "other.yaml"
    org.write_text("people: {o: {name: 值班员}}\nroot: {code: X, name: x, kind: y, posts: {operator: [o]}}", "utf-8")
    said = firesense("org", "import", str(org), code=2)
    assert "no place has a post 'grid-member'" in said
    assert "there is no place '990100101'" in said
    assert STATION in house.book.org().places


def test_places_that_devices_stand_at_are_missed_in_a_dry_run(house, firesense):
    org = house.folder / "smaller.yaml"
    org.write_text(ORG.replace("990100101201-01", "990100101201-09"), encoding="utf-8")
    assert "! 1 devices stand at places that are gone: smoke-1" in firesense("org", "import", str(org), "--dry-run")


def test_when_the_book_refuses_the_file_is_as_it_was(house):
    settings = load_settings(house.folder / "firesense.yaml")
    other = house.folder / "other.yaml"
    other.write_text(ORG.replace("张伟", "张小伟"), encoding="utf-8")
    with open_book(settings) as book:
        wanted = plan_import(settings, [other], book)
        raw = sqlite3.connect(house.folder / "data/book.db")
        raw.execute("CREATE TRIGGER refuse BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'no'); END")
        raw.commit()
        raw.close()
        with pytest.raises(BookError):
            do_import(settings, wanted, book, OFFICER, house.clock.at)
    assert (house.folder / "org.yaml").read_text(encoding="utf-8") == ORG


def test_a_masked_export_shows_nobody_and_is_not_taken_back(house, firesense):
    said = firesense("org", "export", "--mask")
    assert "张**" in said
    assert "张伟" not in said
    assert "13900000011" not in said
    assert "zhang-wei" not in said, "an id is a name in other letters"
    assert "operator: [p1]" in said
    masked = house.folder / "masked.yaml"
    masked.write_text(said, encoding="utf-8")
    assert "is no telephone number" in firesense("org", "import", str(masked), code=2)


def test_an_export_never_overwrites(house, firesense):
    assert "is there already" in firesense("org", "export", "--to", str(house.folder / "org.yaml"), code=2)
    assert "--to" in firesense("org", "export", "--format", "csv", code=2)


# -- rosters on the command line --------------------------------------------------------------------------------------
def test_a_roster_is_shown_changed_checked_and_fetched(firesense):
    shown = firesense("roster", "show", "--place", STATION, "--days", "2")
    assert "青溪镇（990100101）  消防工作站值班员  station-duty" in shown
    far = date.today().year + 1  # noqa: DTZ011 -- commands ask the machine's clock
    time = ("--from", f"{far}-03-01 08:00", "--until", f"{far}-03-02 08:00", "--as", "operator")
    on = ("yang-min", "zhao-lei")[(date(far, 3, 1) - date(2026, 1, 1)).days % 2]
    firesense("roster", "override", "sun-bo", "--instead-of", on, "--roster", "qingxi", *time)
    (line,) = firesense("roster", "changes").splitlines()
    assert f"（sun-bo） 代 {NAMES[on]}（{on}）  qingxi" in line
    assert "已撤销" in firesense("roster", "revoke", line.split()[0], "--as", "operator")
    assert firesense("roster", "changes") == ""
    said = firesense("roster", "leave", on, *time, "--note", "培训")
    assert f"{NAMES[on]}（{on}） 请假" in said
    calendar = firesense("roster", "feed", "--post", STATION, "station-duty")
    assert calendar.startswith("BEGIN:VCALENDAR")
    address = firesense("roster", "feed", "--person", on, "--url").strip()
    assert address.startswith("/feeds/")
    assert address.endswith(".ics")
    assert "已停用订阅地址 1 个" in firesense("roster", "feed", "--person", on, "--stop")
    assert "there is no post 'ghost'" in firesense("roster", "feed", "--post", STATION, "ghost", code=1)
    assert "nobody is called 'ghost'" in firesense("roster", "leave", "ghost", *time, code=1)
    assert "is no time such as" in firesense(
        "roster", "leave", on, "--from", "x", "--until", "y", "--as", "operator", code=2
    )


def test_a_hole_makes_the_check_fail_and_is_told_with_its_place_and_time(house, firesense):
    assert "警报无人接收 0 处" in firesense("roster", "check", "--days", "2")
    year = date.today().year  # noqa: DTZ011 -- commands ask the machine's clock
    time = ("--from", f"{year}-01-01 00:00", "--until", f"{year + 2}-01-01 00:00")
    firesense("roster", "leave", "operator", *time, "--as", "operator")
    said = firesense("roster", "check", "--days", "2", code=1)
    assert "无人接警" in said
    assert "清河区（990100）：故障、测试" in said
    assert "岗位空缺  柳林村第一网格（990100101202-01） 网格长：期间一直无人" in said
    speak_english(house)
    said = firesense("roster", "check", "--days", "2", code=1)
    assert "清河区 (990100): Fault, Test" in said
    assert "vacant  柳林村第一网格 (990100101202-01) grid leader: nobody at any time" in said


def test_a_street_office_of_one_is_told_though_the_maintenance_company_has_a_post_there(firesense):
    lines = firesense("roster", "check", "--days", "2").splitlines()
    [alone] = [line for line in lines if line.startswith("一人岗位")]
    assert alone.endswith("北关街道（990100002） 街道办：只有黄婷一人")


def test_the_settings_name_the_posts_of_stations_and_a_misspelt_one_is_a_fault(house, firesense):
    settings = house.folder / "firesense.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before + "\nrosters: {stations: [brigade-duty]}\n", encoding="utf-8")
    assert "只有吴霞一人" in firesense("roster", "check", "--days", "2")
    settings.write_text(before + "\nrosters: {stations: [brigade-dutty]}\n", encoding="utf-8")
    assert "rosters.stations[0]: there is no post 'brigade-dutty'" in firesense("check", code=2)


@pytest.mark.parametrize("days", ["0", "367", "-1", "a week"])
def test_days_that_cannot_be_are_told_which_can(days, capsys):
    with pytest.raises(SystemExit):
        main(["roster", "check", f"--days={days}"])
    assert "it is a number from 1 to 366" in capsys.readouterr().err


def test_a_misspelt_channel_beside_a_good_one_is_a_fault_with_its_line(house, firesense):
    org = house.folder / "org.yaml"
    org.write_text(ORG.replace("{log: li-na, mqtt: li-na}", "{log: li-na, mqqt: li-na}"), encoding="utf-8")
    [line] = [nth for nth, text in enumerate(org.read_text(encoding="utf-8").splitlines(), 1) if "mqqt" in text]
    said = firesense("check", code=2)
    assert f"org.yaml:{line}:" in said
    assert "people.li-na.addresses.mqqt: there is no channel 'mqqt'" in said


def test_a_misspelt_channel_of_a_sheet_is_told_once_for_its_column(house, firesense):
    folder = house.folder / "sheets"
    firesense("org", "export", "--format", "csv", "--to", str(folder))
    people = (folder / "people.csv").read_text(encoding="utf-8-sig")
    (folder / "people.csv").write_text(people.replace("address:mqtt", "address:mqqt"), encoding="utf-8")
    said = firesense("org", "import", str(folder), code=2)
    assert said.count("column address:mqqt: there is no channel 'mqqt'") == 1


def test_the_hand_over_says_who_goes_who_comes_and_what_is_open(house, firesense):
    house.hear(smoke(house.clock, alarm=1))
    said = firesense("roster", "handover")
    assert "青溪镇（990100101），" in said
    assert "：未办结 1 起，其中无人接警 1 起" in said
    assert "  上河村第一网格  感烟报警器报火警：无人接警" in said
    assert "    接班：" in said
    assert "北关街道（990100002）" in said  # a station without a roster is one, too
    speak_english(house)
    assert ": 1 open alerts, 1 of them nobody has" in firesense("roster", "handover", "--place", STATION)


def speak_english(house):
    """Have the settings ask for English."""
    settings = house.folder / "firesense.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\nlanguage: en\n", encoding="utf-8")
