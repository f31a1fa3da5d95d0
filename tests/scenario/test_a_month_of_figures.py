"""A month on a hand-wound clock: alerts taken, seen to and closed, and every figure of it counted by hand."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from firesense.cli import main
from firesense.domain.alert import Condition, Finding, Grade
from firesense.domain.deed import Actor, Position
from firesense.domain.figures import Stage
from firesense.domain.hazard import HazardAct, Report
from firesense.domain.instant import MINUTE
from firesense.figures import month_of, period_of
from firesense.report import as_csv, as_html, contents, gather
from tests.house import GRID, STREET_GRID, SmallHouse, smoke, smoke_device

DISTRICT, TOWNSHIP, VILLAGE, STREET = "990100", "990100101", "990100101201", "990100002"
NEXT_GRID = f"{VILLAGE}-02"
CHINA = ZoneInfo("Asia/Shanghai")


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("month")
    house = SmallHouse(folder, [smoke_device(1), smoke_device(2, NEXT_GRID), smoke_device(3, STREET_GRID)])
    live_a_month(house)
    yield house
    house.close()


def calm(house, **says):
    """Every detector is heard and, unless said of its number, has nothing to say."""
    house.hear(*(smoke(house.clock, number, **says.get(f"of_{number}", {})) for number in (1, 2, 3)))


def pass_by(house, count, **says):
    """Minutes go by, and every detector is heard in each."""
    for _ in range(count):
        house.wind(minutes=1, step=MINUTE)
        calm(house, **says)


def burn(house, number):
    """A detector says fire; its alert."""
    house.hear(smoke(house.clock, number, alarm=1))
    return next(each for each in house.open_alerts() if each.device == f"smoke-{number}")


def see_to(house, alert, who, finding, *, taken, there=None, closed, cause=""):
    """Take an alert, be on site, close it: so many minutes after each other."""
    pass_by(house, taken)
    house.desk.acknowledge(alert.id, Actor(who))
    if there is not None:
        pass_by(house, there)
        house.desk.arrive(alert.id, Actor(who))
    pass_by(house, closed)
    house.desk.close(alert.id, Actor(who), finding, cause=cause, though_firing=True)


def live_a_month(house):
    calm(house)
    see_to(house, burn(house, 1), "zhang-wei", Finding.FALSE_ALARM, cause="cooking", taken=1, there=4, closed=5)
    see_to(house, burn(house, 2), "zhang-wei", Finding.FIRE, taken=3, there=6, closed=11)
    see_to(house, burn(house, 3), "chen-jie", Finding.FALSE_ALARM, cause="dust", taken=8, closed=2)
    trouble = {"of_2": {"fault": 1}}
    pass_by(house, 6, **trouble)
    pass_by(house, 3)  # and it is over by itself
    put_right, _ = (
        house.hazards.report(
            Report(key * 22, GRID, "楼道堆放杂物", grade, reporter="zhang-wei"), Actor("zhang-wei")
        ).alert
        for key, grade in (("a", Grade.MINOR), ("b", Grade.GENERAL))
    )
    for act, said in (
        (HazardAct.ACCEPT, {}),
        (HazardAct.RECTIFY, {"text": "已清理"}),
        (HazardAct.WRITE_OFF, {}),
    ):
        house.wind(minutes=1, step=MINUTE)
        house.hazards.do(act, put_right, Actor("zhang-wei"), **said)


def month(house, place=DISTRICT, **more):
    period = month_of(house.clock.now(), CHINA)
    return gather(house.book, house.keeper.current(), period, place, house.clock.now(), **more)


def fires(house, place=DISTRICT):
    return month(house, place).whole.by_class["fire"]


def test_fires_are_counted_with_what_they_were(house):
    fire = fires(house)
    assert (fire.raised, fire.open, fire.cleared_itself, fire.chattering) == (3, 0, 0, 0)
    assert fire.findings == {"false-alarm": 2, "fire": 1}
    assert fire.causes == {"cooking": 1, "dust": 1}
    assert (fire.false_alarms, fire.false_share) == (2, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("stage", "count", "median", "longest", "late", "due"),
    [
        (Stage.CALL, 3, 0, 0, 0, 3),  # within 15 s
        (Stage.ACKNOWLEDGE, 3, 3, 8, 1, 3),  # 1, 3 and 8 minutes; within 5
        (Stage.ARRIVE, 2, 7, 9, 0, 2),  # 1 + 4 and 3 + 6 minutes; nobody went to the third
        (Stage.CLOSE, 3, 10, 20, 0, 3),  # 1 + 4 + 5, 3 + 6 + 11, 8 + 2 minutes
        (Stage.RECOVER, 3, 1, 1, 0, 0),  # each detector was calm in the minute after
    ],
)
def test_fires_are_timed_from_the_alert(house, stage, count, median, longest, late, due):
    times = fires(house).times[stage]
    assert (times.count, times.median, times.longest) == (count, minutes(median), minutes(longest))
    assert (times.late, times.due if times.target else 0) == (late, due)
    assert times.ninetieth is None, "three cases have no 90th percentile"


def test_a_fault_that_ends_by_itself_has_a_time_to_recover_and_nobody_who_closed_it(house):
    fault = month(house).whole.by_class["fault"]
    assert (fault.raised, fault.cleared_itself, fault.open) == (1, 1, 0)
    assert fault.times[Stage.CLOSE].count == 0
    assert fault.times[Stage.ACKNOWLEDGE].count == 0
    assert fault.times[Stage.RECOVER].median == fault.times[Stage.RECOVER].longest
    assert minutes(4) <= fault.times[Stage.RECOVER].longest <= minutes(8)


def test_each_place_has_its_own_and_what_is_below_it(house):
    assert fires(house, TOWNSHIP).raised == fires(house, VILLAGE).raised == 2
    assert fires(house, GRID).raised == fires(house, NEXT_GRID).raised == 1
    assert fires(house, STREET).raised == fires(house, STREET_GRID).raised == 1
    assert fires(house, STREET).times[Stage.ACKNOWLEDGE].median == minutes(8)
    district = month(house)
    assert {one.place: one.by_class["fire"].raised for one in district.places if one.by_class} == {
        DISTRICT: 3,
        TOWNSHIP: 2,
        STREET: 1,
    }


def test_types_devices_and_hazards_are_counted(house):
    figures = month(house)
    [smokes] = [one for one in figures.types if one.device_class == "smoke"]
    assert (smokes.profile, smokes.devices.total, smokes.by_class["fire"].raised) == ("firesense-smoke", 3, 3)
    devices = figures.whole.devices
    assert (devices.total, devices.online, devices.in_alarm, devices.in_fault) == (3, 3, 0, 0)
    hazards = figures.whole.hazards
    assert (hazards.by_grade, hazards.open, hazards.reported, hazards.closed) == ((0, 1, 0), 1, 2, 1)
    assert 0 < hazards.index < 100
    assert month(house, STREET).whole.hazards.index == 0


def test_the_month_before_has_nothing(house):
    before = period_of("2025-12", CHINA)
    figures = gather(house.book, house.keeper.current(), before, DISTRICT, house.clock.now())
    assert figures.whole.by_class == {}
    assert figures.whole.hazards.reported == figures.whole.hazards.open == 0


def test_people_are_named_only_when_asked_for(house):
    plan = house.keeper.current()
    plain = as_html(contents(month(house), plan, "zh"))
    named = as_html(contents(month(house, people=True), plan, "zh"))
    assert ("张伟" in plain, "张伟" in named) == (False, True)
    people = {one.person: (one.taken.count, one.closed) for one in month(house, people=True).people}
    assert people["zhang-wei"] == (3, 3), "two fires and a hazard"
    assert people["chen-jie"] == (1, 1)


def test_the_report_says_it_in_both_languages(house):
    plan = house.keeper.current()
    for language, words in (
        ("zh", ("消防安全考评月报", "清河区", "2026-01", "误报原因", "做饭油烟", "青溪镇", "最长 8 分", "1/3 (33.3%)")),
        ("en", ("Fire safety figures of the month", "cooking", "longest 8 min", "Hazard index")),
    ):
        page = as_html(contents(month(house), plan, language))
        assert [word for word in words if word not in page] == []
        assert page.count("<svg") == 3
        assert re.search(r"(src|href)=", page) is None, "it needs nothing from anywhere"


def table(house, language):
    written = as_csv(month(house, deep=True), house.keeper.current(), language)
    assert written.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"))))


def test_the_table_for_spreadsheets_has_every_place_and_plain_numbers(house):
    rows = table(house, "en")
    assert {row["place"] for row in rows} == set(house.keeper.current().org.places)
    [fire] = [row for row in rows if (row["place"], row["class"]) == (VILLAGE, "fire")]
    assert (fire["raised"], fire["finding_fire"], fire["finding_false_alarm"]) == ("2", "1", "1")
    assert (fire["acknowledge_n"], fire["acknowledge_median_s"]) == ("2", "120.0")
    [fire] = [row for row in rows if (row["place"], row["class"]) == (DISTRICT, "fire")]
    assert (fire["acknowledge_late"], fire["acknowledge_due"]) == ("1", "3"), "a rate can be worked out"
    assert (fire["recover_late"], fire["recover_due"]) == ("", ""), "no target, nothing late"
    assert fire["causes"] == "cooking 1; dust 1"


def test_what_is_a_places_stands_once_in_the_table(house):
    rows = [row for row in table(house, "en") if row["place"] == DISTRICT]
    assert [row["class"] for row in rows] == ["", "fire", "hazard", "fault"]
    assert [row["devices"] for row in rows] == ["3", "", "", ""]
    assert [row["raised"] for row in rows] == ["", "3", "2", "1"]
    assert sum(int(row["roll_calls"] or 0) for row in rows) == 0


def test_the_table_is_chinese_for_who_reads_chinese(house):
    rows = table(house, "zh")
    [fire] = [row for row in rows if (row["辖区编码"], row["类别"]) == (TOWNSHIP, "火警")]
    assert (fire["层级"], fire["报警数"], fire["误报"], fire["误报原因"]) == ("乡镇", "2", "1", "做饭油烟 1")
    assert (fire["接警件数"], fire["接警中位数(秒)"], fire["接警超时"], fire["接警应办"]) == ("2", "120.0", "0", "2")
    assert len(rows[0]) == len(table(house, "en")[0]), "no two columns have the same head"
    letters = "".join(rows[0]).replace("(", "").replace(")", "").replace("90", "")
    assert all("\u4e00" <= letter <= "\u9fff" for letter in letters)


def test_a_report_of_the_district_goes_down_to_the_grids_when_asked(house):
    plan = house.keeper.current()
    [sheet] = [each for each in contents(month(house, deep=True), plan, "zh").blocks if each.title == "分辖区统计"]
    rows = {row[0].text: row for row in sheet.rows}
    assert list(rows)[:2] == ["清河区", "青溪镇"]
    assert "青溪镇 / 上河村 / 上河村第一网格" in rows
    assert rows["青溪镇 / 上河村 / 上河村第一网格"][1].text == "1", "its fire"
    assert len(rows) == sum(place.kind != "site" for place in plan.org.places.values()), "each flat would be too much"
    plain = as_html(contents(month(house), plan, "zh"))
    assert "上河村第一网格" not in plain


def test_the_command_writes_what_the_period_says(house, tmp_path, capsys):
    config = ["--config", str(house.folder / "firesense.yaml"), "--period", "2026-01"]
    for ending, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-"), ("csv", b"\xef\xbb\xbf")):
        file = tmp_path / f"report.{ending}"
        assert main(["report", *config, "-o", str(file)]) == 0
        assert file.read_bytes().startswith(begins)
    grids = tmp_path / "grids.html"
    assert main(["report", *config, "--grids", "-o", str(grids)]) == 0
    assert "青溪镇 / 上河村 / 上河村第一网格" in grids.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["report", *config[:2], "--period", "soon"]) == 2
    assert main(["report", *config, "--place", "nowhere", "-o", str(tmp_path / "x.csv")]) == 2
    assert main(["report", *config, "-o", str(tmp_path / "x.doc")]) == 2
    assert main(["report", *config, "-o", str(tmp_path / "none" / "x.csv")]) == 2
    said = capsys.readouterr().err
    for part in ("--period: 'soon' is no period", "there is no place 'nowhere'", "say --format", "cannot be written"):
        assert part in said


def late(house, stage):
    times = fires(house).times[stage]
    return times.count, times.late, times.due


def test_two_detectors_that_say_fire_together_are_three_fires_and_the_report_says_why(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(1), smoke_device(2)])
    house.hear(smoke(house.clock, 1, alarm=1), smoke(house.clock, 2, alarm=1))
    house.wind(seconds=5)
    assert fires(house).raised == 3
    [smokes] = [one for one in month(house).types if one.device_class == "smoke"]
    assert smokes.by_class["fire"].raised == 3
    page = as_html(contents(month(house), house.keeper.current(), "zh"))
    assert "多个探测器联合判定的火警，在各探测器的火警之外另计一起" in page
    house.close()


def test_a_fire_that_nobody_took_stays_late_when_it_is_closed(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(1)])
    fire = burn(house, 1)
    house.wind(hours=2, step=10 * MINUTE)
    assert late(house, Stage.ACKNOWLEDGE) == (0, 1, 1)
    assert late(house, Stage.ARRIVE) == (0, 1, 1)
    house.desk.close(fire.id, Actor("zhang-wei"), Finding.FALSE_ALARM, though_firing=True)
    assert late(house, Stage.ACKNOWLEDGE) == (1, 1, 1), "whoever closed it saw to it then"
    assert fires(house).times[Stage.ACKNOWLEDGE].longest == timedelta(hours=2)
    assert late(house, Stage.ARRIVE) == (0, 1, 1), "nobody was there in all that time"
    house.close()


def test_whoever_verified_a_fire_from_where_it_is_was_on_site(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(1)])
    fire = burn(house, 1)
    house.desk.acknowledge(fire.id, Actor("zhang-wei"))
    house.wind(minutes=1)
    house.desk.verify(fire.id, Actor("zhang-wei"), Finding.FALSE_ALARM, position=Position(30.27, 120.15))
    house.wind(minutes=20, step=MINUTE)
    assert late(house, Stage.ARRIVE) == (1, 0, 1)
    house.desk.close(fire.id, Actor("zhang-wei"), though_firing=True)
    assert late(house, Stage.ARRIVE) == (1, 0, 1)
    assert fires(house).times[Stage.ARRIVE].longest == minutes(1)
    house.close()


def test_a_fire_that_was_closed_while_it_fired_has_recovered_when_the_detector_says_so(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(1)])
    fire = burn(house, 1)
    house.desk.close(fire.id, Actor("zhang-wei"), Finding.FIRE, though_firing=True)
    house.wind(minutes=4, step=MINUTE)
    house.hear(smoke(house.clock, 1))
    assert house.book.alert(fire.id).condition is Condition.RESOLVED
    assert fires(house).times[Stage.RECOVER].longest == minutes(4)
    again = burn(house, 1)
    assert again.id != fire.id, "what it says after that is another fire"
    house.close()


def test_a_detector_that_goes_on_after_its_fire_was_closed_is_a_new_fire_and_both_are_over_with_it(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(1)])
    first = burn(house, 1)
    house.desk.close(first.id, Actor("zhang-wei"), Finding.FIRE, though_firing=True)
    house.wind(minutes=1, step=MINUTE)
    second = burn(house, 1)
    assert second.id != first.id
    house.wind(minutes=1, step=MINUTE)
    house.hear(smoke(house.clock, 1))
    assert house.book.alert(first.id).condition is Condition.RESOLVED
    assert house.book.alert(second.id).condition is Condition.LATCHED
    house.close()
