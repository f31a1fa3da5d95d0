"""People stand in, swap, go on leave: checked, kept in the book with who wrote it, and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from firesense.book import SqlBook
from firesense.domain.deed import Actor, Rights
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.instant import DAY, HOUR, SECOND, instant
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.roster import ChangeKind, LocalDays, Roster, Rotation
from firesense.ports import Feed
from firesense.rosters import RosterDesk, calendar_of, handover
from tests.book_examples import LADDER, SELECTORS, alarm
from tests.house import HandClock

ZONE = ZoneInfo("Asia/Shanghai")
STATION = Actor("station", "console 192.0.2.7")
BOSS = Actor("boss", "console 192.0.2.8")
MONDAY = date(2026, 10, 12)
TUESDAY = date(2026, 10, 13)
NOW = instant(datetime(2026, 10, 12, 9, tzinfo=ZONE))
ORG = Org(
    [Place("t", "青溪镇", "township", address="青溪镇中街 1 号"), Place("v", "上河村", "village", "t")],
    [Post("station-duty", "t", ("boss",), ("duty",)), Post("leader", "t", (), ("duty",)), Post("head", "v", ("wu",))],
    [Person(name, name.upper()) for name in ("zhou", "wu", "zheng", "boss", "qian")],
    [Roster("duty", (Rotation((("zhou",), ("wu",), ("zheng",)), MONDAY, time(8), time(8)),), "青溪镇值班")],
)


@pytest.fixture
def book(tmp_path):
    book = SqlBook(f"sqlite:///{tmp_path}/book.db")
    book.install(ORG, [LADDER], SELECTORS)
    yield book
    book.close()


@pytest.fixture
def desk(book):
    return RosterDesk(book, HandClock(NOW), lambda: org_of(book))


def org_of(book):
    return book.org().by_the_days(LocalDays(ZONE))


def on_duty(book, hours, role="leader"):
    org = org_of(book)
    return [person.id for person in org.on_duty(org.posts["t", role], NOW + hours * HOUR)]


def test_somebody_stands_in_and_an_import_of_the_org_leaves_it(desk, book):
    change = desk.override(STATION, "qian", NOW + HOUR, NOW + 3 * HOUR, instead_of="zhou", roster="duty", note=" 病 ")
    assert (change.who, change.at, change.note) == ("station", NOW, "病")
    book.install(ORG, [LADDER], SELECTORS)
    assert [on_duty(book, hours) for hours in (0, 1, 3)] == [["zhou"], ["qian"], ["zhou"]]
    assert on_duty(book, 1, "station-duty") == ["boss", "qian"]


def test_people_and_rosters_are_known_by_a_name_that_only_one_has(desk, book):
    change = desk.override(STATION, "QIAN", NOW, NOW + HOUR, instead_of="ZHOU", roster="青溪镇值班")
    assert (change.stand_in, change.person, change.roster) == ("qian", "zhou", "duty")
    two = Org(
        ORG.places.values(),
        ORG.posts.values(),
        [*ORG.people.values(), Person("qian-2", "QIAN")],
        [*ORG.rosters.by_id.values()],
    )
    with pytest.raises(Conflict, match="'QIAN' may be qian, qian-2") as refused:
        RosterDesk(book, HandClock(NOW), lambda: two).leave(STATION, "QIAN", NOW, NOW + HOUR)
    assert refused.value.values["ids"] == "qian, qian-2"


def test_two_swap_their_turns_and_take_it_back_whole(desk, book):
    there, back = desk.swap(STATION, "duty", ("zhou", MONDAY), ("wu", TUESDAY))
    assert (there.swap, back.swap) == (there.id, there.id)
    assert [on_duty(book, hours) for hours in (0, 23, 46, 47)] == [["wu"], ["zhou"], ["zhou"], ["zheng"]]
    assert desk.revoke(BOSS, back.id) == [there, back]
    assert [on_duty(book, hours) for hours in (0, 23)] == [["zhou"], ["wu"]]
    with pytest.raises(Conflict, match="boss took"):
        desk.revoke(STATION, there.id)
    assert book.roster_changes(NOW, NOW + DAY) == []


def test_a_swap_that_is_sent_twice_is_written_once_and_taken_back_once(desk, book):
    later = RosterDesk(book, HandClock(NOW + SECOND), lambda: org_of(book))
    there, back = desk.swap(STATION, "duty", ("zhou", MONDAY), ("wu", TUESDAY))
    with pytest.raises(Conflict, match="station wrote that already"):
        later.swap(STATION, "duty", ("zhou", MONDAY), ("wu", TUESDAY))
    assert book.roster_changes(NOW, NOW + 3 * DAY) == [there, back]
    desk.revoke(STATION, there.id)
    assert [on_duty(book, hours) for hours in (0, 23)] == [["zhou"], ["wu"]]


def test_leave_says_which_posts_it_empties(desk, book):
    change = desk.leave(STATION, "zhou", NOW - HOUR, NOW + 2 * HOUR)
    assert change.kind is ChangeKind.LEAVE
    assert on_duty(book, 1) == []
    assert [(one.post.role, one.begins_at, one.ends_at) for one in desk.emptied([change])] == [
        ("leader", NOW, NOW + 2 * HOUR)  # the station's chief is there always
    ]


def test_who_is_on_leave_already_gets_a_stand_in_at_a_post_held_for_ever_as_in_a_roster(desk, book):
    away = desk.leave(STATION, "wu", NOW, NOW + 2 * DAY)
    assert [one.post.role for one in desk.emptied([away])] == ["leader", "head"]
    desk.override(STATION, "zheng", NOW, NOW + 2 * DAY, instead_of="wu")
    org = org_of(book)
    assert [person.id for person in org.on_duty(org.posts["v", "head"], NOW + HOUR)] == ["zheng"]
    desk.leave(STATION, "zhou", NOW, NOW + HOUR)
    desk.override(STATION, "qian", NOW, NOW + HOUR, instead_of="zhou", roster="duty")
    assert on_duty(book, 0) == ["qian"]


def test_who_stands_in_at_a_post_held_for_ever_may_be_replaced_in_turn(desk, book):
    desk.override(STATION, "zheng", NOW, NOW + DAY, instead_of="wu")
    desk.override(STATION, "qian", NOW, NOW + DAY, instead_of="zheng")
    org = org_of(book)
    assert [person.id for person in org.on_duty(org.posts["v", "head"], NOW + HOUR)] == ["qian"]


def test_a_stand_in_who_is_on_leave_too_leaves_the_post_empty_and_that_is_said(desk):
    desk.leave(STATION, "wu", NOW, NOW + DAY)
    desk.leave(STATION, "qian", NOW, NOW + HOUR)
    change = desk.override(STATION, "qian", NOW, NOW + DAY, instead_of="wu")
    assert [(one.post.role, one.begins_at, one.ends_at) for one in desk.emptied([change])] == [
        ("head", NOW, NOW + HOUR)
    ]


def test_an_extra_hand_needs_a_roster(desk, book):
    desk.override(STATION, "qian", NOW, NOW + HOUR, roster="duty")
    assert on_duty(book, 0) == ["zhou", "qian"]
    with pytest.raises(Conflict, match="say whom"):
        desk.override(STATION, "qian", NOW, NOW + HOUR)


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"stand_in": "ghost"}, NotFound, "nobody is called 'ghost'"),
        ({"instead_of": "ghost"}, NotFound, "nobody is called 'ghost'"),
        ({"roster": "nights"}, NotFound, "there is no roster 'nights'"),
        ({"instead_of": "qian", "stand_in": "wu"}, Conflict, "qian is not on duty then"),
        ({"instead_of": "wu"}, Conflict, "wu is not on duty then in duty"),
        ({"stand_in": "zhou"}, Conflict, "cannot stand in for themselves"),
        ({"ends_at": NOW - 2 * DAY}, Conflict, "over before it begins"),
        ({"begins_at": NOW - DAY, "ends_at": NOW - HOUR}, Conflict, "over already"),
        ({"ends_at": NOW + 2000 * DAY}, Conflict, "longer than three years"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(desk, book, change, error, reason):
    asked = {"stand_in": "qian", "begins_at": NOW, "ends_at": NOW + HOUR, "instead_of": "zhou", "roster": "duty"}
    with pytest.raises(error, match=reason):
        desk.override(STATION, **(asked | change))
    assert book.roster_changes(NOW - 10 * DAY, NOW + 3000 * DAY) == []


def test_swaps_that_make_no_sense_are_refused(desk):
    with pytest.raises(Conflict, match="wu has no turn in duty that begins on 2026-10-12"):
        desk.swap(STATION, "duty", ("zhou", MONDAY), ("wu", MONDAY))
    with pytest.raises(Conflict, match="swap with themselves"):
        desk.swap(STATION, "duty", ("zhou", MONDAY), ("zhou", MONDAY + timedelta(3)))
    with pytest.raises(NotFound, match="there is no change"):
        desk.revoke(STATION, "nothing")


def test_who_may_only_look_or_acts_elsewhere_changes_nothing(desk, book):
    with pytest.raises(NotAllowed):
        desk.leave(Actor("guest", rights=Rights.VIEWER), "zhou", NOW, NOW + HOUR)
    with pytest.raises(NotAllowed, match="at t"):
        desk.swap(Actor("head", place="v"), "duty", ("zhou", MONDAY), ("wu", TUESDAY))
    with pytest.raises(NotAllowed):
        desk.leave(Actor("head", place="v"), "wu", NOW, NOW + HOUR)  # who holds a post at the station, too
    assert book.roster_changes(NOW, NOW + DAY) == []
    assert desk.leave(Actor("chief", place="t"), "wu", NOW, NOW + HOUR)


def test_a_change_that_the_plan_does_not_know_yet_is_not_taken_back_from_elsewhere(book):
    before = org_of(book)
    desk = RosterDesk(book, HandClock(NOW), lambda: before)
    change = desk.leave(STATION, "zhou", NOW, NOW + HOUR)
    with pytest.raises(NotAllowed, match="at t"):
        desk.revoke(Actor("head", place="v"), change.id)
    assert book.roster_changes(NOW, NOW + HOUR) == [change]


def test_every_change_is_in_the_audit(desk, book):
    there, _ = desk.swap(STATION, "duty", ("zhou", MONDAY), ("wu", TUESDAY), note="婚礼")
    desk.revoke(BOSS, there.id)
    lines = [row.entry for row in book.audit(kind="roster")]
    assert [(line.who, line.did, line.target) for line in lines] == [
        ("station", "swapped", "duty"),
        ("station", "swapped", "duty"),
        ("boss", "revoked", "duty"),
    ]
    assert lines[0].detail["person"] == "zhou"
    assert lines[0].detail["note"] == "婚礼"
    assert lines[0].origin == "console 192.0.2.7"
    assert book.prove_audit().broken == 0


# -- calendars --------------------------------------------------------------------------------------------------------
def events(calendar):
    """(summary, begins, ends) of each event, lines unfolded."""
    found = []
    for block in calendar.decode().replace("\r\n ", "").split("BEGIN:VEVENT")[1:]:
        lines = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
        found.append((lines["SUMMARY"], lines["DTSTART"], lines["DTEND"]))
    return found


def test_a_person_has_a_calendar_of_their_turns(desk, book):
    desk.swap(STATION, "duty", ("zhou", MONDAY), ("wu", TUESDAY))
    calendar = calendar_of(org_of(book), Feed("", person="wu"), NOW)
    first, second, *_ = events(calendar)
    assert first == ("值班：青溪镇 消防工作站值班员", "20261012T000000Z", "20261013T000000Z")
    assert second[1:] == ("20261016T000000Z", "20261017T000000Z")
    assert not any("上河村" in summary for summary, *_ in events(calendar)), "who holds a post always needs no event"
    assert b"METHOD:PUBLISH" in calendar


def test_a_post_has_a_calendar_of_who_is_on(book):
    calendar = calendar_of(org_of(book), Feed("", place="t", role="leader"), NOW, "en")
    assert [summary for summary, *_ in events(calendar)][:2] == [
        "ZHOU on duty: 青溪镇\\, leader",
        "WU on duty: 青溪镇\\, leader",
    ]


def test_a_copy_fetched_later_names_the_same_duties_alike(book):
    def uids(now):
        calendar = calendar_of(org_of(book), Feed("", person="wu"), now)
        return {line for line in calendar.decode().splitlines() if line.startswith("UID")}

    sooner, later = uids(NOW), uids(NOW + 5 * HOUR)
    assert len(sooner ^ later) <= 2 * 2  # what comes into the window and what goes out of it, at two posts


# -- hand-over --------------------------------------------------------------------------------------------------------
def test_the_hand_over_tells_what_is_open_below_the_place_and_who_comes_on(book):
    mine, other = replace(alarm(1), place="v"), replace(alarm(2), place="elsewhere")
    org = org_of(book)
    report = handover(org, org.places["t"], [mine, other], NOW)
    assert report.alerts == (mine,)
    assert [(post.role, now.people, then.people) for post, now, then in report.posts] == [
        ("station-duty", ("boss", "zhou"), ("boss", "wu")),
        ("leader", ("zhou",), ("wu",)),
    ]
    assert report.posts[0][1].ends_at == NOW + 23 * HOUR
