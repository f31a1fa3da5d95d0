"""Whatever happens in whatever order, every open fire or hazard has a next step, or a stated reason for none.

CLIMB_HISTORIES=2000 tries so many histories instead of a few.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firesense import escalate
from firesense.auditor import TOLERANCE
from firesense.book import SqlBook
from firesense.desk import Desk
from firesense.domain.alert import AlertClass, Condition, Finding
from firesense.domain.deed import Actor, Ground
from firesense.domain.errors import ChannelDown, ChannelRefused, Conflict
from firesense.domain.escalation import ClimbState, Department, Ladder, Rung, Selector, Timers, Whistling
from firesense.domain.instant import DAY, MINUTE
from firesense.domain.message import Message, Receipt
from firesense.domain.outcome import Clear, Outcome, TripAgain
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.plan import Plan
from firesense.duty import Duty
from firesense.notify.outbox import Delivery
from firesense.raising import raised
from tests.book_examples import NOON, alarm
from tests.providers import HandClock

HISTORIES = int(os.environ.get("CLIMB_HISTORIES", "8"))
# Another thousand histories say more than the shortest one that shows the same.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nothing here has to survive
PLACES = [Place("t1", "镇", "township"), Place("g1", "一组", "grid", "t1")]
PEOPLE = [
    Person("wen", "Wen", {"robot": "wen"}),
    Person("zhou", "周", {"robot": "zhou", "mail": "zhou@example.org"}),
    Person("op", "值班", {"mail": "op@example.org"}),
]
POSTS = {"grid-member": "g1", "station-duty": "t1", "operator": "t1"}
MINUTES = st.integers(1, 20).map(lambda minutes: timedelta(minutes=minutes))
RUNGS = st.builds(
    Rung,
    st.sampled_from([("grid-member",), ("station-duty",), ("grid-member", "station-duty"), ("nobody-has-this",)]),
    st.sampled_from([("robot",), ("mail",), ("robot", "mail")]),
    MINUTES,
    st.integers(0, 2),
    st.none() | MINUTES,
)
TIMERS = st.builds(Timers, st.none() | MINUTES, st.none() | MINUTES, st.none() | MINUTES)
LADDERS = st.lists(RUNGS, min_size=1, max_size=3).map(tuple)
HOLDERS = st.lists(st.sampled_from(["wen", "zhou", "op"]), max_size=2, unique=True).map(tuple)
ACTORS = st.sampled_from(["wen", "zhou"]).map(Actor)


@st.composite
def plans(draw) -> Plan:
    """A plan somebody might have: fires climb for ever, posts may be vacant."""
    ladders = {
        "fire": Ladder("fire", draw(LADDERS), None, draw(TIMERS)),
        "hazard": Ladder("hazard", draw(LADDERS), draw(st.sampled_from([0, 1, None])), draw(TIMERS)),
    }
    start = draw(st.integers(0, len(ladders["fire"].rungs) - 1))
    selectors = (Selector("fire", frozenset({"fire"}), start=start), Selector("hazard"))
    posts = [Post(role, place, draw(HOLDERS)) for role, place in POSTS.items()]
    then = draw(st.sampled_from(["", "hazard"]))
    whistling = Whistling(departments={"station-duty": Department(draw(MINUTES), then=then)})
    return Plan(org=Org(PLACES, posts, PEOPLE), ladders=ladders, selectors=selectors, whistling=whistling)


class Moody:
    """A channel that does as it is told."""

    def __init__(self, name: str) -> None:
        self.name = self.kind = name
        self.mood: Exception | None = None

    async def send(self, _message: Message) -> Receipt:
        if self.mood is not None:
            raise self.mood
        return Receipt()

    async def close(self) -> None:
        pass


class Histories(RuleBasedStateMachine):
    """Devices, two people at the desk, a duty that dies, clocks that jump, channels that fail, plans that change."""

    @initialize(plan=plans())
    def begin(self, plan):
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.book = SqlBook(f"sqlite:///{self.folder.name}/book.db")
        self.clock = HandClock(NOON)
        self.channels = {name: Moody(name) for name in ("robot", "mail")}
        self.numbers = count(1)
        self.alerts: list[str] = []
        self.plan = plan
        self.repaired = 0
        self.put_back = False
        self.install()
        self.duty_starts()
        self.desk = Desk(
            self.book, self.clock, plan_source=lambda: self.plan, kinds={name: name for name in self.channels}
        )
        self.raise_one(AlertClass.FIRE)

    def teardown(self):
        if hasattr(self, "book"):
            self.book.close()
            self.folder.cleanup()

    def install(self):
        self.book.install(self.plan.org, self.plan.ladders.values(), self.plan.selectors)

    def commit(self, *deeds):
        position = self.book.position("alerting") + 1
        self.book.commit(Outcome("alerting", position, self.clock.now(), deeds))

    def some_alert(self, data):
        return self.book.alert(data.draw(st.sampled_from(self.alerts)))

    def do(self, deed, alert, *args, **more):
        try:
            deed(alert.id, *args, **more)
        except Conflict:
            assert deed != self.desk.acknowledge or not alert.open or alert.acknowledged_by

    # -- what happens -------------------------------------------------------------------------------------------------
    @rule(alert_class=st.sampled_from([AlertClass.FIRE, AlertClass.HAZARD]))
    def raise_one(self, alert_class):
        alert = replace(alarm(next(self.numbers), alert_class), raised_at=self.clock.now())
        self.commit(raised(alert, self.plan, {name: name for name in self.channels}, (), self.clock.now()))
        self.alerts.append(alert.id)

    @rule(data=st.data(), condition=st.sampled_from([Condition.LATCHED, Condition.RESOLVED]))
    def clear(self, data, condition):
        self.commit(Clear(self.some_alert(data).id, self.clock.now(), condition))

    @rule(data=st.data(), later=st.booleans())
    def trip_again(self, data, later):
        self.commit(TripAgain(self.some_alert(data).id, self.clock.now() + later, 1.0))

    @rule(data=st.data(), actor=ACTORS)
    def take(self, data, actor):
        self.do(self.desk.acknowledge, self.some_alert(data), actor)

    @rule(data=st.data(), actor=ACTORS, to=st.sampled_from(["wen", "zhou", "op"]))
    def hand_on(self, data, actor, to):
        self.do(self.desk.hand_on, self.some_alert(data), actor, to)

    @rule(data=st.data(), actor=ACTORS)
    def go_there(self, data, actor):
        self.do(self.desk.arrive, self.some_alert(data), actor)

    @rule(data=st.data(), actor=ACTORS)
    def send(self, data, actor):
        self.do(self.desk.dispatch, self.some_alert(data), actor, person="wen")

    @rule(data=st.data(), actor=ACTORS, finding=st.sampled_from([Finding.FIRE, Finding.FALSE_ALARM]))
    def verify(self, data, actor, finding):
        self.do(self.desk.verify, self.some_alert(data), actor, finding)

    @rule(data=st.data(), actor=ACTORS)
    def silence(self, data, actor):
        self.do(self.desk.silence, self.some_alert(data), actor, Ground.ON_SITE, shown_by="wen")

    @rule(data=st.data(), actor=ACTORS, finding=st.sampled_from([Finding.FIRE, Finding.TEST]))
    def close(self, data, actor, finding):
        self.do(self.desk.close, self.some_alert(data), actor, finding)

    @rule(data=st.data(), actor=ACTORS, role=st.sampled_from(["station-duty", "grid-member", ""]))
    def whistle(self, data, actor, role):
        self.do(self.desk.whistle, self.some_alert(data), actor, escalate.Target(role), "come")

    @rule(data=st.data(), actor=ACTORS, strand=st.sampled_from(["", "w1"]))
    def answer(self, data, actor, strand):
        self.do(self.desk.answer, self.some_alert(data), actor, strand)

    @rule(plan=plans())
    def another_plan(self, plan):
        self.plan = plan
        self.install()

    @rule(wait=st.sampled_from([1, 30, 120, 900, 7200, 200_000]))
    def time_passes(self, wait):
        self.clock.wind(wait)

    @rule(back=st.sampled_from([5, 3600, 400_000]))
    def the_clock_is_put_back(self, back):
        self.clock.wind(-back)
        self.put_back = True

    @rule(
        name=st.sampled_from(["robot", "mail"]),
        mood=st.sampled_from([None, ChannelDown("away"), ChannelRefused("no such number")]),
    )
    def a_channel_changes_its_mood(self, name, mood):
        self.channels[name].mood = mood

    @rule()
    def duty_starts(self):
        """It was killed with whatever it had under way."""
        self.delivery = Delivery(self.book, self.channels, lambda c, a: Message(c, a, "", ""), self.clock)
        self.duty = Duty(self.book, lambda: self.plan, self.delivery, self.clock)

    @precondition(lambda self: self.alerts)
    @rule(turns=st.integers(1, 3))
    def duty_works(self, turns):
        self.put_back = False

        async def work():
            for _ in range(turns):
                await self.duty.step(self.clock.now())
                await self.delivery.idle()

        asyncio.run(work())

    @rule()
    def duty_does_all_there_is(self):
        self.put_back = False

        async def work():
            for _ in range(200):
                if not await self.duty.step(self.clock.now()) and not self.delivery.under_way:
                    break
                await self.delivery.idle()
            else:
                raise AssertionError("duty never comes to an end")

        asyncio.run(work())
        assert self.duty.auditor.repaired == 0, "there was nothing to repair"
        for alert in self.book.alerts(most=1000):
            for climb in (self.book.climb(alert.id), *self.book.whistles(alert.id)):
                assert climb is None or climb.due_at is None or climb.due_at > self.clock.now()

    # -- what must hold -----------------------------------------------------------------------------------------------
    @invariant()
    def every_alert_has_a_next_step_or_a_reason_for_none(self):
        for alert in self.book.alerts(most=1000):
            for climb in (self.book.climb(alert.id), *self.book.whistles(alert.id)):
                assert escalate.adrift(alert, climb) == ""
                if climb.due_at is not None and climb.due_at > self.clock.now() + 2 * DAY:
                    assert not self.duty_has_looked(), "only until duty sees that the clock was put back"
        assert self.book.adrift(-DAY, 9) == [], "and the book's own look says the same"

    @invariant()
    def a_fire_is_never_given_up(self):
        for alert in self.book.alerts(most=1000):
            climb = self.book.climb(alert.id)
            if alert.alert_class is AlertClass.FIRE and climb is not None:
                assert climb.state is not ClimbState.EXHAUSTED

    @invariant()
    def whoever_acts_next_is_seen(self):
        """What the book calls due next is never later than the climb that is due first."""
        climbs = [self.book.climb(alert.id) for alert in self.book.alerts(most=1000)]
        due = [climb.due_at for climb in climbs if climb is not None and climb.due_at is not None]
        if due:
            assert self.book.next_due_at() <= min(due)

    def duty_has_looked(self):
        """Whether it has looked for dates nobody meant, as it does each minute, since the clock was put back last."""
        return not self.put_back and self.duty._seen_at is not None and self.duty._seen_at == self.duty._dated_at


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=40 if HISTORIES > 100 else 25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=PHASES,
)

assert TOLERANCE >= MINUTE, "the auditor does not take a busy minute for a climb that was missed"
