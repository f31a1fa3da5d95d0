"""The Book port: rosters come back as they were installed, and what people change of them outlives every install."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from firesense.domain.audit import Entry
from firesense.domain.errors import BookError, Conflict, NotFound
from firesense.domain.instant import DAY, HOUR
from firesense.domain.place import Org, Place, Post
from firesense.domain.roster import Change, ChangeKind, Days, Roster, Rotation
from firesense.ports import Feed
from tests.book_examples import LADDER, NOON, ORG, SELECTORS, alarm, call, outcome, raised

ROSTERS = [
    Roster(
        "duty",
        (
            Rotation((("zhou",), ("wen", "zhou")), date(2026, 1, 5), time(8, 30), time(17), 2, days=Days.WORKDAYS),
            Rotation(
                (("wen",),),
                date(2026, 1, 5),
                time(17),
                time(8, 30),
                in_weeks=True,
                weekdays=frozenset({0, 6}),
                days=Days.HOLIDAYS,
                until=date(2026, 12, 31),
            ),
        ),
        "值班",
    ),
    Roster("empty"),
]
ORG_WITH_ROSTERS = Org(
    [replace(place, scheme="administrative") for place in ORG.places.values()],
    [*ORG.posts.values(), Post("leader", "t1", ("wen",), ("duty", "empty"))],
    ORG.people.values(),
    ROSTERS,
)
LEAVE = Change("a1", ChangeKind.LEAVE, NOON, NOON + HOUR, "zhou", who="wen", at=NOON - 1, note="看病")
THERE = Change("s1", ChangeKind.OVERRIDE, NOON, NOON + DAY, "zhou", "wen", "duty", "s1", "wen", NOON - 1)
BACK = Change("s2", ChangeKind.OVERRIDE, NOON + DAY, NOON + 2 * DAY, "wen", "zhou", "duty", "s1", "wen", NOON - 1)
ENTRY = Entry(NOON, "wen", "cli", "gave-leave", "roster", "zhou")


def test_an_org_with_rosters_is_read_back_whole(book):
    book.install(ORG_WITH_ROSTERS, [LADDER], SELECTORS)
    org = book.org()
    assert org.places == ORG_WITH_ROSTERS.places
    assert org.posts == ORG_WITH_ROSTERS.posts
    assert list(org.rosters.by_id.items()) == list(ORG_WITH_ROSTERS.rosters.by_id.items())


def test_changes_outlive_every_install_and_are_seen_as_a_new_plan(book):
    book.install(ORG_WITH_ROSTERS, [LADDER], SELECTORS)
    version = book.version()
    book.change_rosters([LEAVE], ENTRY)
    assert book.version() > version
    book.install(Org([Place("v", "V", "village")]), [LADDER], SELECTORS)
    assert book.org().rosters.changes == (LEAVE,)
    assert [row.entry for row in book.audit(kind="roster")] == [ENTRY]


def test_a_change_whose_id_is_known_changes_nothing(book):
    book.change_rosters([LEAVE], ENTRY)
    version = book.version()
    book.change_rosters([LEAVE, THERE], ENTRY)
    assert book.roster_changes(NOON, NOON + DAY) == [LEAVE]
    assert book.version() == version
    assert len(book.audit(kind="roster")) == 1


def test_what_is_in_force_is_not_written_again(book):
    again = [
        replace(THERE, id="s3", swap="s3", at=NOON, note="!"),
        replace(BACK, id="s4", swap="s3", at=NOON, note="!"),
    ]
    book.change_rosters([THERE, BACK], ENTRY)
    version = book.version()
    with pytest.raises(Conflict, match="wen wrote that already"):
        book.change_rosters(again, ENTRY)
    assert book.roster_changes(NOON, NOON + 2 * DAY) == [THERE, BACK]
    assert (book.version(), len(book.audit(kind="roster"))) == (version, 1)
    book.revoke_change("s1", "zhou", NOON)
    book.change_rosters(again)
    assert book.roster_changes(NOON, NOON + 2 * DAY) == again


def test_a_stand_in_that_was_undone_by_the_way_back_may_be_written_again(book):
    there = replace(LEAVE, id="c1", kind=ChangeKind.OVERRIDE, stand_in="wen")
    back = replace(there, id="c2", person="wen", stand_in=there.person)
    book.change_rosters([there])
    book.change_rosters([back])
    once_more = replace(there, id="c3")
    book.change_rosters([once_more])
    assert book.roster_changes(NOON, NOON + HOUR) == [there, back, once_more]


@pytest.mark.parametrize(
    "other",
    [
        replace(LEAVE, id="a2", ends_at=NOON + 2 * HOUR),
        replace(LEAVE, id="a2", begins_at=NOON - HOUR),
        replace(LEAVE, id="a2", person="wen"),
        replace(LEAVE, id="a2", kind=ChangeKind.OVERRIDE, stand_in="wen"),
    ],
    ids=["ends later", "begins earlier", "somebody else", "with somebody instead"],
)
def test_a_change_that_says_something_else_is_written(book, other):
    book.change_rosters([LEAVE])
    book.change_rosters([other])
    assert book.roster_changes(NOON, NOON + HOUR) == [LEAVE, other]


def test_a_swap_is_written_though_one_of_them_stands_in_already(book):
    stands_in = replace(THERE, id="o1", swap="")
    book.change_rosters([stands_in])
    book.change_rosters([THERE, BACK])
    assert book.roster_changes(NOON, NOON + 2 * DAY) == [stands_in, THERE, BACK]


def test_changes_are_found_by_the_time_in_which_they_hold(book):
    book.change_rosters([LEAVE])
    book.change_rosters([THERE, BACK])
    assert book.roster_changes(NOON - DAY, NOON) == []
    assert book.roster_changes(NOON - DAY, NOON + 1) == [LEAVE, THERE]
    assert book.roster_changes(NOON + HOUR, NOON + DAY + 1) == [THERE, BACK]


def test_a_swap_is_taken_back_whole_and_once(book):
    book.change_rosters([THERE, BACK])
    assert book.revoke_change("s2", "zhou", NOON, entry=replace(ENTRY, did="revoked")) == [THERE, BACK]
    assert book.org().rosters.changes == ()
    with pytest.raises(Conflict):
        book.revoke_change("s1", "zhou", NOON, entry=ENTRY)
    with pytest.raises(NotFound):
        book.revoke_change("s3", "zhou", NOON, entry=ENTRY)
    assert [row.entry.did for row in book.audit(kind="roster")] == ["revoked"]


def test_feeds_are_found_by_their_hash_until_they_are_stopped(book):
    person, post = Feed("h1", person="zhou", who="wen", at=NOON), Feed("h2", place="t1", role="leader")
    book.put_feed(person, entry=ENTRY)
    book.put_feed(post)
    assert (book.feed("h1"), book.feed("h2"), book.feed("h3")) == (person, post, None)
    assert book.remove_feeds(person="zhou", entry=ENTRY) == 1
    assert book.remove_feeds(person="zhou", entry=ENTRY) == 0
    assert (book.feed("h1"), book.feed("h2")) == (None, post)
    assert len(book.audit(kind="roster")) == 2


def test_hand_overs_are_done_by_one_and_leave_their_calls(book):
    alert = alarm()
    book.commit(outcome(1, raised(alert)))
    told = call(alert, person="wen")
    assert book.handed_over_at() == 0
    assert book.hand_over(0, NOON, [told])
    assert not book.hand_over(0, NOON + 1, [replace(told, key="again")])
    assert book.handed_over_at() == NOON
    assert [one.key for one in book.calls(alert.id) if one.key in {told.key, "again"}] == [told.key]
    with pytest.raises(BookError):
        book.hand_over(NOON, NOON + 1, [replace(told, key="of nothing", alert="NOSUCHALERT")])
    assert book.handed_over_at() == NOON
