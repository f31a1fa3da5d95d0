"""The Book port: deeds of the desk, incidents, photos, and the audit that tells of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from firesense import escalate
from firesense.book import SqlBook
from firesense.domain.alert import AlertClass, Case, Condition, Finding
from firesense.domain.audit import Entry
from firesense.domain.configured import Configured
from firesense.domain.deed import (
    Acknowledge,
    Actor,
    Arrive,
    Close,
    Dispatch,
    Ground,
    HandOn,
    Photo,
    Reset,
    Rights,
    Silence,
    Verify,
)
from firesense.domain.errors import Conflict, NotAllowed, NotFound
from firesense.domain.escalation import CallState, Climb, ClimbState, Purpose, StepKind, Timers
from firesense.domain.instant import DAY, MINUTE
from firesense.domain.outcome import Clear, TripAgain
from firesense.ports import User
from tests.book_examples import LADDER, LATER, NOON, ORG, SELECTORS, alarm, call, device, kinds, lease, outcome, raised

ONE_MINUTE = timedelta(minutes=1)
WEN, ZHOU = Actor("wen", "console 192.0.2.7"), Actor("zhou", "cli root@station")


def fires(book, count, **changes):
    alerts = [alarm(n, **changes) for n in range(1, count + 1)]
    book.commit(outcome(9, *map(raised, alerts)))
    return alerts


# -- deeds ------------------------------------------------------------------------------------------------------------


def test_a_case_from_the_first_call_to_its_closing(book, alert):
    book.act(alert.id, Acknowledge(), WEN, LATER)
    book.act(alert.id, Dispatch(("zhou",), "station-duty", "t1"), WEN, LATER + 1)
    book.act(alert.id, Arrive(), ZHOU, LATER + 2)
    book.act(alert.id, Verify(Finding.FALSE_ALARM, "cooking", "a wok"), ZHOU, LATER + 3)
    closed = book.act(alert.id, Close(though_firing=True), WEN, LATER + 4)
    assert book.alert(alert.id) == closed
    assert closed == replace(
        alert,
        case=Case.CLOSED,
        acknowledged_at=LATER,
        acknowledged_by="wen",
        dispatched_at=LATER + 1,
        arrived_at=LATER + 2,
        verified_at=LATER + 3,
        verified_by="zhou",
        closed_at=LATER + 4,
        closed_by="wen",
        finding=Finding.FALSE_ALARM,
        cause="cooking",
        note="a wok",
    )
    assert kinds(book, alert)[2:] == [
        StepKind.ACKNOWLEDGED,
        StepKind.DISPATCHED,
        StepKind.ARRIVED,
        StepKind.VERIFIED,
        StepKind.CLOSED,
    ]
    told = [line.entry for line in book.audit(kind="alert", target=alert.id)]
    assert [(entry.who, entry.origin, entry.did) for entry in told] == [
        ("wen", "console 192.0.2.7", "acknowledged"),
        ("wen", "console 192.0.2.7", "dispatched"),
        ("zhou", "cli root@station", "arrived"),
        ("zhou", "cli root@station", "verified"),
        ("wen", "console 192.0.2.7", "closed"),
    ]
    assert book.climb(alert.id).state is ClimbState.STOPPED


def test_who_is_called_by_a_deed_is_called_whoever_has_the_alert(book, alert):
    sent = call(alert, "zhou", purpose=Purpose.DISPATCH, key="sent", created_at=LATER, due_at=LATER)
    book.act(alert.id, Dispatch(("zhou",)), WEN, LATER, calls=[sent])
    assert [leased.key for leased, _ in book.lease_calls(LATER, LATER + MINUTE, 9)] == ["sent"]
    assert {c.state for c in book.calls(alert.id) if c.purpose is Purpose.ALERT} == {CallState.MOOT}


def test_a_deed_that_is_refused_leaves_nothing(book, alert):
    book.act(alert.id, Acknowledge(), WEN, LATER)
    before = (book.alert(alert.id), book.story(alert.id), book.calls(alert.id), book.audit())
    extra = call(alert, "zhou", purpose=Purpose.HANDED_ON, key="extra")
    with pytest.raises(Conflict):
        book.act(alert.id, HandOn("zhou"), ZHOU, LATER, calls=[extra])
    book.act(alert.id, Acknowledge(), WEN, LATER + 1, calls=[extra])
    assert (book.alert(alert.id), book.story(alert.id), book.calls(alert.id), book.audit()) == before
    with pytest.raises(NotFound):
        book.act("NONE", Acknowledge(), WEN, LATER)


def test_a_silence_ends_with_the_next_trip(book, alert):
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED)))
    silenced = book.act(alert.id, Silence(Ground.BELOW_LIMIT), WEN, LATER)
    assert (silenced.silenced_at, silenced.condition) == (LATER, Condition.LATCHED)
    assert {c.state for c in book.calls(alert.id)} == {CallState.MOOT}
    book.commit(outcome(3, TripAgain(alert.id, LATER + 1, 0.5)))
    again = book.alert(alert.id)
    assert (again.silenced_at, again.case) == (None, Case.OPEN)
    assert book.climb(alert.id).state is ClimbState.CLIMBING, "a fire after it was silenced is news"


def test_a_silenced_case_waits_for_its_closing_whatever_else_is_done_about_it(book):
    timed = replace(LADDER, timers=Timers(10 * ONE_MINUTE, 20 * ONE_MINUTE, 24 * 60 * ONE_MINUTE))
    one = alarm()
    book.commit(outcome(1, replace(raised(one), climb=Climb(one.id, timed, due_at=NOON))))
    book.act(one.id, Acknowledge(), WEN, LATER)
    assert book.climb(one.id).due_at == LATER + 10 * MINUTE
    book.act(one.id, Silence(Ground.VIDEO, "camera 4"), WEN, LATER)
    assert book.climb(one.id).due_at == LATER + DAY
    book.act(one.id, Dispatch(("zhou",)), WEN, LATER + MINUTE)
    book.act(one.id, Arrive(), ZHOU, LATER + 2 * MINUTE)
    assert book.climb(one.id).due_at == LATER + 2 * MINUTE + DAY
    assert escalate.adrift(book.alert(one.id), book.climb(one.id)) == ""


def test_a_trip_from_before_the_silence_does_not_end_it(book, alert):
    book.act(alert.id, Silence(Ground.VIDEO, "camera 4"), WEN, LATER)
    book.commit(outcome(3, TripAgain(alert.id, LATER - 1, 0.5)))
    assert book.alert(alert.id).silenced_at == LATER
    book.commit(outcome(4, TripAgain(alert.id, LATER + 1, 0.5)))
    assert (book.alert(alert.id).silenced_at, book.alert(alert.id).case) == (None, Case.OPEN)


def test_a_hazard_that_trips_after_it_was_silenced_is_still_whose_it_was_and_its_timer_runs_anew(book):
    timed = replace(LADDER, timers=Timers(10 * ONE_MINUTE, None, 24 * 60 * ONE_MINUTE))
    one = alarm(alert_class=AlertClass.HAZARD)
    book.commit(outcome(1, replace(raised(one), climb=Climb(one.id, timed, due_at=NOON))))
    book.act(one.id, Silence(Ground.VIDEO, "camera 4"), WEN, LATER)
    assert book.climb(one.id).due_at == LATER + DAY
    book.commit(outcome(3, TripAgain(one.id, LATER + MINUTE, 0.5), at=LATER + MINUTE))
    again = book.alert(one.id)
    assert (again.silenced_at, again.case, again.acknowledged_by) == (None, Case.ACKNOWLEDGED, "wen")
    assert book.climb(one.id).due_at == LATER + 11 * MINUTE


def test_a_latched_fire_is_reset_and_its_case_goes_on(book, alert):
    book.commit(outcome(2, Clear(alert.id, LATER, Condition.LATCHED)))
    reset = book.act(alert.id, Reset("looked at it"), WEN, LATER)
    assert (reset.condition, reset.case, reset.acknowledged_by) == (Condition.RESOLVED, Case.ACKNOWLEDGED, "wen")
    assert book.alerts() == [reset]


def test_what_trips_after_it_was_closed_has_to_be_seen_to_anew(book, alert):
    book.act(alert.id, Arrive(), WEN, LATER)
    book.act(alert.id, Close(Finding.FALSE_ALARM, "dust", though_firing=True), WEN, LATER)
    book.commit(outcome(3, TripAgain(alert.id, LATER + 1, 0.9), at=LATER + 2))
    again = book.alert(alert.id)
    assert (again.case, again.cause, again.arrived_at, again.dispatched_at, again.finding) == (
        Case.OPEN,
        "",
        None,
        None,
        None,
    )


def test_a_fault_found_on_site_is_one_case_of_its_device(book, alert):
    def fault(number):
        return raised(alarm(7, AlertClass.FAULT, id=f"F{number}", rule="found-faulty", device="smoke-1"))

    book.act(alert.id, Verify(Finding.FAULT), WEN, LATER, also=fault(1))
    book.act(alert.id, Verify(Finding.FAULT), WEN, LATER + 1, also=fault(2))
    assert [a.id for a in book.alerts() if a.alert_class is AlertClass.FAULT] == ["F1"]
    assert [s.detail["alert"] for s in book.story(alert.id) if s.kind is StepKind.FAULT_CASE] == ["F1", "F1"]


# -- incidents --------------------------------------------------------------------------------------------------------


def test_who_takes_one_alert_of_an_incident_has_them_all(book):
    one, two, three = fires(book, 3)
    merged = book.merge([two.id, one.id], WEN, LATER)
    assert [(a.id, a.incident) for a in merged] == [(one.id, one.id), (two.id, one.id)]
    assert book.incident(one.id) == merged
    book.act(two.id, Acknowledge(), ZHOU, LATER)
    assert [book.alert(a.id).acknowledged_by for a in (one, two, three)] == ["zhou", "zhou", ""]
    assert book.climb(one.id).state is ClimbState.ACKNOWLEDGED
    book.act(one.id, Close(Finding.FIRE, though_firing=True), ZHOU, LATER + 1)
    assert [a.id for a in book.alerts()] == [three.id]
    told = [line.entry for line in book.audit(kind="alert")]
    assert [(entry.who, entry.did, entry.target) for entry in told if entry.who == "zhou"] == [
        ("zhou", "acknowledged", two.id),
        ("zhou", "acknowledged", one.id),
        ("zhou", "closed", one.id),
        ("zhou", "closed", two.id),
    ]


def test_a_detector_found_faulty_says_nothing_of_the_others(book):
    one, two = fires(book, 2)
    book.merge([one.id, two.id], WEN, LATER)
    book.act(one.id, Verify(Finding.FAULT), WEN, LATER)
    assert (book.alert(one.id).finding, book.alert(two.id).finding) == (Finding.FAULT, None)


def test_what_was_found_of_a_fire_says_nothing_of_a_fault_or_a_hazard_of_the_same_event(book):
    fire = alarm(1)
    others = [alarm(2, AlertClass.FAULT), alarm(3, AlertClass.HAZARD)]
    book.commit(outcome(9, *map(raised, [fire, *others])))
    book.merge([each.id for each in (fire, *others)], WEN, LATER)
    book.act(fire.id, Acknowledge(), WEN, LATER)
    book.act(fire.id, Verify(Finding.FIRE), WEN, LATER + 1)
    book.act(fire.id, Close(though_firing=True), WEN, LATER + 2)
    left = [book.alert(each.id) for each in others]
    assert [(each.case, each.finding) for each in left] == [(Case.ACKNOWLEDGED, None)] * 2
    assert [each.acknowledged_by for each in left] == ["wen", "wen"], "they were taken together"


def test_what_somebody_else_has_stays_theirs(book):
    one, two = fires(book, 2)
    book.act(two.id, Acknowledge(), ZHOU, LATER)
    book.merge([one.id, two.id], WEN, LATER)
    book.act(one.id, Acknowledge(), WEN, LATER)
    assert [book.alert(a.id).acknowledged_by for a in (one, two)] == ["wen", "zhou"]


def test_whoever_was_asked_to_see_to_alerts_of_an_incident_is_known(book):
    one, two, three, four = (alarm(n) for n in range(1, 5))
    told, untold = raised(one, call(one)), raised(two, call(two))
    cleared, another = raised(three, call(three, purpose=Purpose.CLEARED)), raised(four, call(four, "zhou"))
    book.commit(outcome(9, told, untold, cleared, another))
    for leased in lease(book):
        state = CallState.FAILED_FOR_NOW if leased.alert == two.id else CallState.SENT
        book.settle(replace(leased, state=state, attempts=1, sent_at=LATER), LATER)
    assert book.told_of(one.id, "wen") == book.told_of("", "wen") == frozenset(), "there is no incident yet"
    book.merge([each.id for each in (one, two, three, four)], WEN, LATER)
    assert book.told_of(one.id, "wen") == {one.id}
    assert book.told_of(one.id, "zhou") == {four.id}


def test_a_deed_on_an_incident_leaves_what_its_actor_may_not_act_on(book):
    one, two, three = fires(book, 3)
    book.merge([one.id, two.id, three.id], WEN, LATER)
    done = book.act(one.id, Acknowledge(), WEN, LATER, may=lambda mate: mate.id != two.id)
    assert done.acknowledged_by == "wen"
    assert [book.alert(a.id).acknowledged_by for a in (two, three)] == ["", "wen"]
    assert [step.detail.get("left") for a in (one, three) for step in book.story(a.id)[-1:]] == [two.id, None]
    [told] = [line.entry for line in book.audit(kind="alert", target=one.id) if line.entry.did == "acknowledged"]
    assert told.detail["left"] == two.id


def test_an_incident_is_made_by_somebody_who_may_act_on_all_of_it(book):
    one, two, three = fires(book, 3)
    book.merge([one.id, two.id], WEN, LATER)
    with pytest.raises(NotAllowed):
        book.merge([one.id, three.id], WEN, LATER, may=lambda alert: alert.id != two.id)
    assert book.alert(three.id).incident == ""


def test_incidents_grow_together_and_come_apart(book):
    alerts = fires(book, 5)
    ids = [a.id for a in alerts]
    book.merge(ids[:2], WEN, LATER)
    book.merge(ids[3:], WEN, LATER)
    assert [a.id for a in book.merge([ids[4], ids[1], ids[2]], WEN, LATER)] == ids
    assert {a.incident for a in book.incident(ids[0])} == {ids[0]}
    assert book.split(ids[0], WEN, LATER).incident == ""
    assert [a.id for a in book.incident(ids[1])] == ids[1:], "the rest is called after its own oldest"
    for each in ids[1:4]:
        book.split(each, WEN, LATER)
    assert {book.alert(each).incident for each in ids} == {""}, "one that is left alone is no incident"
    with pytest.raises(Conflict) as alone:
        book.split(ids[4], WEN, LATER)
    assert alone.value.key == "conflict.alone"


def test_an_incident_takes_two_open_alerts(book):
    one, two = fires(book, 2)
    for wanted in ([one.id], [one.id, one.id]):
        with pytest.raises(Conflict) as few:
            book.merge(wanted, WEN, LATER)
        assert few.value.key == "conflict.few"
    book.act(two.id, Close(Finding.TEST, though_firing=True), WEN, LATER)
    with pytest.raises(Conflict):
        book.merge([one.id, two.id], WEN, LATER)
    with pytest.raises(NotFound):
        book.merge([one.id, "NONE"], WEN, LATER)


def test_alerts_near_each_other_in_place_and_time(book):
    fires(book, 2)
    book.commit(outcome(10, raised(alarm(5, place="g2")), raised(alarm(6, raised_at=NOON + 20 * MINUTE))))
    near = book.near(["g1", "t1"], NOON, NOON + 15 * MINUTE)
    assert [a.id for a in near] == [alarm(1).id, alarm(2).id]
    assert book.near([], NOON, LATER) == []


# -- photos -----------------------------------------------------------------------------------------------------------


def photo(alert, number, at=LATER):
    return Photo(f"{number:064x}", alert.id, at, "wen", 1000, 800, 600, "the kitchen")


def test_photos_belong_to_an_alert_and_are_limited(book, alert):
    for number in (1, 2, 2):
        book.add_photo(photo(alert, number, LATER + number), WEN, 2)
    assert book.photos(alert.id) == [photo(alert, 1, LATER + 1), photo(alert, 2, LATER + 2)]
    assert kinds(book, alert).count(StepKind.PHOTO) == 2
    with pytest.raises(Conflict):
        book.add_photo(photo(alert, 3), WEN, 2)
    assert len(book.photos(alert.id)) == 2
    with pytest.raises(NotFound):
        book.add_photo(photo(alarm(9), 1), WEN, 2)


# -- the audit --------------------------------------------------------------------------------------------------------


def entry(number=1, at=NOON, **detail):
    return Entry.of(WEN, at, "tried", "device", f"smoke-{number}", **detail)


def test_the_audit_is_a_chain_from_its_first_line_to_its_head(book):
    assert book.prove_audit().rows == 0
    book.write_down(entry(1, note="火", empty=""), entry(2))
    book.put_user(User("li", "hash"), entry=entry(3))
    lines = book.audit()
    assert [line.number for line in lines] == [1, 2, 3]
    assert lines[0].entry == entry(1, note="火")
    assert len({line.hash for line in lines}) == 3
    proof = book.prove_audit()
    assert (proof.rows, proof.first, proof.broken, proof.head) == (3, 1, 0, lines[-1].hash)
    assert [line.entry.target for line in book.audit(after=1, most=1)] == ["smoke-2"]
    assert book.audit(who="nobody") == []


def test_what_changes_nothing_is_not_in_the_audit_and_neither_is_what_failed(book):
    book.register([device("a")], entry=entry(1))
    book.register([device("a")], entry=entry(2))
    book.install(ORG, [LADDER], SELECTORS, entry(3))
    with pytest.raises(NotFound):
        book.remove_user("nobody", entry=entry(4))
    assert [line.entry.target for line in book.audit()] == ["smoke-1", "smoke-3"]


def test_a_trimmed_chain_is_still_a_chain(book):
    for day in range(6):
        book.write_down(entry(day, NOON + day * DAY))
    assert book.trim_audit(NOON + 3 * DAY, NOON + 6 * DAY) == 3
    assert book.trim_audit(NOON + 3 * DAY, NOON + 6 * DAY) == 0
    lines = book.audit()
    assert [line.number for line in lines] == [4, 5, 6, 7]
    assert (lines[-1].entry.did, lines[-1].entry.detail) == ("trimmed", {"rows": "3", "last": "3"})
    proof = book.prove_audit()
    assert (proof.rows, proof.first, proof.broken) == (4, 4, 0)
    assert book.trim_audit(NOON + 99 * DAY, NOON + 100 * DAY) == 4
    assert book.prove_audit().broken == 0
    assert book.audit()[0].number == 8


def test_many_who_write_at_once_make_one_chain(book, book_url):
    books = [book, SqlBook(book_url)]
    start = Barrier(4)

    def write(each, name):
        start.wait()
        for number in range(10):
            each.write_down(entry(number, NOON, by=name))

    threads = [Thread(target=write, args=(books[n % 2], str(n))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proof = book.prove_audit()
    assert (proof.rows, proof.broken) == (40, 0)
    books[1].close()


# -- users ------------------------------------------------------------------------------------------------------------


def test_a_user_has_rights_and_a_place(book):
    book.put_user(User("li", "hash", "li", rights=Rights.VIEWER, place="t1"))
    assert book.user("li") == User("li", "hash", "li", rights=Rights.VIEWER, place="t1")
    assert User("new", "hash").rights is Rights.OFFICER


# -- forgetting -------------------------------------------------------------------------------------------------------


def test_closed_cases_are_forgotten_whole_when_they_were_kept_long_enough(book):
    one, two, three = fires(book, 3)
    for each in (one, two):
        book.add_photo(photo(each, 1), WEN, 9)
        book.add_photo(photo(each, int(each.id == two.id) + 7), WEN, 9)
    book.act(one.id, Close(Finding.TEST, though_firing=True), WEN, LATER)
    book.act(two.id, Close(Finding.TEST, though_firing=True), WEN, LATER + DAY)
    assert book.forget_cases(LATER, LATER + 9 * DAY) == (0, [])
    assert book.forget_cases(LATER + 1, LATER + 9 * DAY) == (1, [f"{7:064x}"]), "the other photo is of two alerts"
    with pytest.raises(NotFound):
        book.alert(one.id)
    assert (book.story(one.id), book.calls(one.id), book.climb(one.id), book.photos(one.id)) == ([], [], None, [])
    assert [a.id for a in book.alerts(open_only=False)] == [three.id, two.id]
    assert book.forget_cases(LATER + 99 * DAY, LATER + 99 * DAY)[0] == 1
    assert [a.id for a in book.alerts(open_only=False)] == [three.id], "what is open is never forgotten"
    assert book.prove_audit().broken == 0
    assert book.audit()[-1].entry.did == "forgot"


def test_devices_that_are_new_or_changed_have_a_line_each(book):
    everything = Entry.of(WEN, NOON, "registered", "device", "", devices="3")
    book.register([device("smoke-1"), device("smoke-2")], entry=everything)
    moved = replace(device("smoke-2"), place="g2", name="kitchen")
    book.register([device("smoke-1"), moved, device("smoke-3")], entry=everything)
    lines = [(line.entry.did, line.entry.target, dict(line.entry.detail)) for line in book.audit()]
    assert [line[1:] for line in lines if not line[1]] == [("", {"devices": "3"})] * 2
    assert sorted(line for line in lines if line[1]) == [
        ("changed", moved.id, {"fields": "place, name"}),
        ("registered", device("smoke-1").id, {}),
        ("registered", device("smoke-2").id, {}),
        ("registered", device("smoke-3").id, {}),
    ]
    assert book.register([device("smoke-1")], entry=everything) == 0
    assert len(book.audit()) == len(lines), "nothing was changed"
    assert book.prove_audit().broken == 0


def test_what_a_configuration_says_is_compared_with_what_it_said(book):
    def said(**digests):
        return [Configured("rule", name, {"hold": digest, "when": "0"}) for name, digest in digests.items()]

    at = Entry.of(WEN, NOON, "changed", "setting", "")
    assert book.note_configured(said(a="1", b="1"), at) == 2
    assert [(line.entry.did, line.entry.kind) for line in book.audit()] == [("installed", "setting")], "the first time"
    assert book.note_configured(said(a="1", b="1"), at) == 0
    assert book.note_configured([*said(a="2", c="1"), Configured("setting", "zone", {"": "9"})], at) == 4
    assert {
        (one.entry.did, one.entry.kind, one.entry.target, one.entry.detail.get("fields")) for one in book.audit(after=1)
    } == {
        ("changed", "rule", "a", "hold"),
        ("added", "rule", "c", None),
        ("added", "setting", "zone", None),
        ("removed", "rule", "b", None),
    }
    assert book.note_configured([*said(a="2", c="1"), Configured("setting", "zone", {"": "9"})], at) == 0
