"""The Book port: what people registered, the streets' positions, the quarantine and the console's log-ins."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from threading import Barrier, Thread

import pytest

from firesense.book import SqlBook
from firesense.domain.audit import Entry
from firesense.domain.deed import Actor
from firesense.domain.errors import BookError, Conflict, NotFound
from firesense.domain.escalation import Ladder, Selector
from firesense.domain.frame import Reason
from firesense.domain.instant import DAY, HOUR
from firesense.domain.outcome import Tally
from firesense.domain.place import Org, Place, Post
from firesense.ports import Stranger, User
from tests.book_examples import LADDER, NOON, ORG, SELECTORS, alarm, device, outcome, raised, refusal, whole

# -- what people registered -------------------------------------------------------------------------------------------


def test_an_installed_org_is_read_back_in_its_order(book):
    book.install(ORG, [LADDER], SELECTORS)
    org = book.org()
    assert list(org.places.items()) == list(ORG.places.items())
    assert list(org.posts.items()) == list(ORG.posts.items())
    assert list(org.people.items()) == list(ORG.people.items())
    assert book.ladders() == ({"township": LADDER}, SELECTORS)


def test_installing_replaces_everything_and_leaves_climbs_their_copies(book):
    book.install(ORG, [LADDER], SELECTORS)
    book.commit(outcome(1, raised(alarm())))
    village = Org([Place("v", "Village", "village")])
    book.install(village, [Ladder("village", LADDER.rungs[:1])], [Selector("village")])
    assert list(book.org().places) == ["v"]
    assert book.org().people == {}
    assert book.ladders() == ({"village": Ladder("village", LADDER.rungs[:1])}, (Selector("village"),))
    assert book.climb(alarm().id).ladder == LADDER


def test_an_org_that_hangs_in_the_air_is_refused_whole(book):
    book.install(ORG, [LADDER], SELECTORS)
    version = book.version()
    for org, selectors in (
        (Org([Place("v", "V", "village")], [Post("grid-member", "nowhere")]), []),
        (Org([Place("v", "V", "village")], [Post("grid-member", "v", ("nobody",))]), []),
        (Org([Place("v", "V", "village")]), [Selector("no-such-ladder")]),
    ):
        with pytest.raises(BookError):
            book.install(org, [LADDER], selectors)
    assert list(book.org().places) == list(ORG.places)
    assert book.version() == version


def test_devices_get_dense_slots_by_class_in_the_order_they_come(book):
    assert book.register([device("a", slot=7), device("w", device_class="water"), device("b")]) == 3
    assert (
        book.register(
            [device("c", period=timedelta(minutes=5), tags=("x", "y"), gateway="gw", kind="main", installed_at=5)]
        )
        == 1
    )
    registry = book.registry()
    assert [(d.id, d.slot) for d in registry.of_class("smoke")] == [("a", 0), ("b", 1), ("c", 2)]
    assert registry.get("w").slot == 0
    assert registry.get("c") == device(
        "c", slot=2, period=timedelta(minutes=5), tags=("x", "y"), gateway="gw", kind="main", installed_at=5
    )


def test_a_changed_device_keeps_its_slot_and_what_did_not_change_is_not_counted(book):
    book.register([device("a"), device("b")])
    version = book.version()
    assert book.register([device("a"), device("b")]) == 0
    assert book.version() == version
    assert book.register([device("a"), device("b", place="g2")]) == 1
    assert book.version() > version
    assert book.registry().get("b") == device("b", slot=1, place="g2")


def test_a_slot_that_came_free_is_never_given_again(book):
    book.register([device("a"), device("b")])
    book.register([device("b", device_class="water")])
    book.register([device("c")])
    registry = book.registry()
    assert registry.get("b").slot == 0
    assert [(d.id, d.slot) for d in registry.of_class("smoke")] == [("a", 0), ("c", 2)]


def test_two_devices_may_swap_external_ids_but_not_share_one(book):
    book.register([device("a", external_id="1"), device("b", external_id="2")])
    with pytest.raises(Conflict, match="both"):
        book.register([device("x"), device("c", external_id="1")])
    with pytest.raises(Conflict, match="both"):
        book.register([device("c", external_id="3"), device("d", external_id="3")])
    assert len(book.registry()) == 2
    assert book.register([device("a", external_id="2"), device("b", external_id="1")]) == 2
    assert book.registry().slots_of_profile("house-smoke") == {"1": 1, "2": 0}


def test_many_devices_are_registered_at_once_and_changed_again(book):
    fleet = [device(f"d{n}", device_class=("smoke", "water")[n % 2], profile=f"p{n % 3}") for n in range(1501)]
    assert book.register(fleet) == 1501
    assert book.registry().size("smoke") == 751
    moved = [device(d.id, device_class=d.device_class, profile=d.profile, place="g2") for d in fleet[::2]]
    assert book.register(moved) == 751
    registry = book.registry()
    assert [registry.get(d.id).slot for d in fleet] == [n // 2 for n in range(1501)]


def test_the_version_grows_with_every_change(book):
    seen = [book.version()]
    book.register([device("a")])
    seen.append(book.version())
    book.install(ORG, [LADDER], SELECTORS)
    seen.append(book.version())
    book.commit(outcome(1, raised(alarm())))
    assert seen == sorted(set(seen))
    assert book.version() == seen[-1]


# -- the streets ------------------------------------------------------------------------------------------------------


def test_positions_and_tallies_are_kept_by_street(book):
    assert (book.position("record"), book.positions(), book.tally("record")) == (0, {}, Tally())
    book.commit(outcome(5, street="record", tally=Tally(3, 1, 1)))
    book.commit(outcome(9, street="record", tally=Tally(4)))
    book.commit(outcome(2))
    assert book.positions() == {"record": 9, "alerting": 2}
    assert book.position("record") == 9
    assert book.tally("record") == Tally(7, 1, 1)


def test_a_position_never_goes_back_and_nothing_is_written_then(book):
    book.commit(outcome(9))
    with pytest.raises(BookError, match="behind"):
        book.commit(outcome(8, raised(alarm()), refusals=(refusal(3),), tally=Tally(1)))
    assert book.alerts() == []
    assert book.quarantine() == []
    assert book.tally("alerting") == Tally()
    book.commit(outcome(9, raised(alarm())))  # time made it: no frame was done
    assert len(book.alerts()) == 1


def test_what_comes_of_a_stretch_is_written_whole_or_not_at_all(book):
    stray = alarm(2)
    broken = raised(alarm(1), *raised(stray).calls)  # its calls are of an alert nobody raised
    with pytest.raises(BookError):
        book.commit(outcome(4, broken, refusals=(refusal(1),), tally=Tally(1)))
    assert book.alerts() == []
    assert book.quarantine() == []
    assert book.positions() == {}
    book.commit(whole(1))
    assert (len(book.alerts()), len(book.quarantine()), book.position("alerting")) == (1, 1, 1)


def test_threads_write_side_by_side(book):
    start = Barrier(4)

    def work(number: int) -> None:
        start.wait()
        for at in range(1, 26):
            book.commit(outcome(at, raised(alarm(number * 1000 + at)), street=f"street-{number}"))
            book.positions()

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert book.positions() == {f"street-{number}": 25 for number in range(4)}
    assert len(book.alerts()) == 100


# -- the quarantine ---------------------------------------------------------------------------------------------------


def test_refusals_are_kept_once_with_their_bytes_oldest_first(book):
    first = refusal(7)
    book.commit(outcome(8, refusals=(first, refusal(3, "eui-x", Reason.UNKNOWN_DEVICE))))
    book.commit(outcome(8, refusals=(refusal(7, reason=Reason.EMPTY), refusal(9)), street="record"))
    assert [r.offset for r in book.quarantine()] == [3, 7, 9]
    assert book.quarantine(reason="malformed") == [first, refusal(9)]
    assert [r.offset for r in book.quarantine(most=2)] == [3, 7]
    assert book.quarantine(reason="no such reason") == []


def test_what_was_replayed_waits_no_more(book):
    book.commit(outcome(9, refusals=(refusal(1), refusal(2), refusal(3))))
    book.mark_replayed([1, 3], NOON)
    book.mark_replayed([], NOON)
    assert [r.offset for r in book.quarantine()] == [2]
    assert [r.offset for r in book.quarantine(replayed=True)] == [1, 2, 3]


def test_strangers_are_counted_once_a_frame_until_they_are_registered(book):
    def heard(offset: int, name: str, at: int) -> object:
        return refusal(offset, name, Reason.UNKNOWN_DEVICE, at)

    book.commit(outcome(3, refusals=(heard(1, "eui-a", NOON + 1), heard(2, "eui-a", NOON + 2), refusal(0, "eui-z"))))
    book.commit(outcome(3, refusals=(heard(1, "eui-a", NOON + 1), heard(2, "eui-a", NOON + 2)), street="record"))
    book.commit(outcome(6, refusals=(heard(4, "eui-b", NOON + 9), heard(5, "eui-a", NOON), heard(3, "", NOON))))
    assert book.strangers() == [
        Stranger("eui-b", "house-smoke", "smoke/eui-b/up", NOON + 9, NOON + 9, 1),
        Stranger("eui-a", "house-smoke", "smoke/eui-a/up", NOON, NOON + 2, 3),
    ]
    book.register([device("a"), device("b", profile="another")])
    assert [stranger.external_id for stranger in book.strangers()] == ["eui-b"]


# -- users and sessions -----------------------------------------------------------------------------------------------


def test_a_user_is_replaced_by_name(book):
    assert book.user("duty") is None
    book.put_user(User("duty", "hash-1", "zhou", one_time=True))
    book.put_user(User("duty", "hash-2", "zhou"))
    assert book.user("duty") == User("duty", "hash-2", "zhou")


def test_a_session_lasts_until_it_expires_or_ends(book):
    user = User("duty", "hash", "zhou")
    book.put_user(user)
    book.open_session("token-1", "duty", NOON + HOUR)
    book.open_session("token-2", "duty", NOON + HOUR)
    assert book.session_user("token-1", NOON) == user
    assert book.session_user("token-1", NOON + HOUR) is None
    assert book.session_user("token-9", NOON) is None
    book.end_session("token-1")
    book.end_session("token-9")
    assert book.session_user("token-1", NOON) is None
    book.open_session("token-3", "duty", NOON + 40 * DAY)  # sweeps what is long over
    assert book.session_user("token-2", NOON) is None
    assert book.session_user("token-3", NOON) == user


def test_another_password_ends_the_other_sessions(book):
    book.put_user(User("duty", "hash-1", "zhou"))
    book.put_user(User("other", "hash", "wen"))
    for token, user in (("token-1", "duty"), ("token-2", "duty"), ("token-3", "other")):
        book.open_session(token, user, NOON + HOUR)
    book.put_user(User("duty", "hash-1", "wen"))
    assert book.session_user("token-2", NOON) == User("duty", "hash-1", "wen"), "it is the same password"
    book.put_user(User("duty", "hash-2", "wen"), staying="token-1")
    in_now = [token for token in ("token-1", "token-2", "token-3") if book.session_user(token, NOON)]
    assert in_now == ["token-1", "token-3"]
    book.put_user(User("duty", "hash-3", "wen"))
    assert book.session_user("token-1", NOON) is None


def test_a_removed_user_is_out(book):
    book.put_user(User("wang", "hash"))
    book.put_user(User("duty", "hash"))
    assert [user.name for user in book.users()] == ["duty", "wang"]
    book.open_session("token-1", "duty", NOON + HOUR)
    book.open_session("token-2", "wang", NOON + HOUR)
    book.remove_user("duty")
    assert (book.user("duty"), book.session_user("token-1", NOON)) == (None, None)
    assert [user.name for user in book.users()] == ["wang"]
    assert book.session_user("token-2", NOON) is not None
    with pytest.raises(NotFound):
        book.remove_user("duty")


def test_nobody_unknown_has_a_session(book):
    with pytest.raises(BookError):
        book.open_session("token", "nobody", NOON)


def test_everything_is_there_after_opening_again(book, book_url):
    book.install(ORG, [LADDER], SELECTORS)
    book.commit(whole(1))
    again = SqlBook(book_url)
    try:
        assert (again.alerts(), again.positions(), again.version()) == (book.alerts(), book.positions(), book.version())
    finally:
        again.close()


# -- taken out of the register ----------------------------------------------------------------------------------------
def parting(**detail):
    return Entry.of(Actor("wen"), NOON, "removed", "device", "", **detail)


def test_a_device_that_is_taken_out_leaves_its_slot_to_nobody(book):
    book.register([device("a"), device("b"), device("c")])
    version = book.version()
    [gone] = book.unregister(["c"], parting(reason="拆除"))
    assert (gone.id, gone.slot) == ("c", 2)
    assert book.version() > version, "who holds a plan sees that there is another"
    assert book.registry().get("c") is None
    assert book.removed() == {"c"}
    [line] = book.audit(kind="device")
    assert (line.entry.did, line.entry.target) == ("removed", "c")
    assert line.entry.detail == {"reason": "拆除", "profile": "house-smoke", "external_id": "eui-c", "place": "g1"}
    book.register([device("d"), device("e", external_id="eui-c")])
    assert [(d.id, d.slot) for d in book.registry()] == [("a", 0), ("b", 1), ("d", 3), ("e", 4)]


def test_a_device_that_comes_back_has_a_new_slot(book):
    book.register([device("a"), device("b")])
    book.unregister(["b", "b"], parting())
    assert book.register([device("b")]) == 1
    assert book.registry().get("b").slot == 2
    assert book.removed() == frozenset()
    book.unregister(["b"], parting())
    assert book.removed() == {"b"}, "and may go again"


def test_one_that_is_not_registered_keeps_all_of_them_in(book):
    book.register([device("a")])
    with pytest.raises(NotFound, match="not registered: x, y"):
        book.unregister(["a", "x", "y"], parting())
    assert book.registry().get("a") is not None
    assert (book.removed(), book.audit()) == (frozenset(), [])


@pytest.mark.parametrize("seed", range(3))
def test_no_slot_is_ever_given_to_two_devices(book, seed):
    chance = Random(seed)
    had: dict[int, str] = {}
    names = [f"d{number}" for number in range(6)]
    for _ in range(40):
        some = chance.sample(names, chance.randint(1, 3))
        registered = {each.id: each for each in book.registry()}
        if chance.random() < 0.5:
            book.register([device(name) for name in some])
            for each in book.registry():
                if each.id not in registered:
                    assert each.slot not in had, f"{each.slot} was {had.get(each.slot)}'s"
                    had[each.slot] = each.id
                else:
                    assert each.slot == registered[each.id].slot
        elif there := [name for name in some if name in registered]:
            book.unregister(there, parting())
            assert not set(there) & {each.id for each in book.registry()}
