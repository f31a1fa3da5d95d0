"""A climb, one act at a time: who is called by the rung that is due, and when the next one is.

Pure: the same alert, climb, org and instant always give the same calls with the same keys, so an act that is written
twice is written once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import Call, Climb, ClimbState, Purpose, Step, StepKind
from firesense.domain.instant import micros
from firesense.domain.place import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Ladder, Rung
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person, Post

_KINDS_FOR_FIRE = 2  # GB/T 45839-2025 5.10.4: fire is pushed over at least two kinds of channel
_SHORTEST_WAIT = timedelta(seconds=1)  # a wait of nothing would call a whole ladder in one breath, for ever
_EMPTY_ROUND_WAIT = timedelta(minutes=1)  # at least; a ladder that reaches nobody is tried again, not spun


@dataclass(frozen=True, slots=True)
class Acted:
    """What an act came to: the climb after it, the calls to make, and the lines of the story."""

    climb: Climb
    calls: tuple[Call, ...]
    steps: tuple[Step, ...]


def begin(alert: Alert, ladder: Ladder, org: Org, kinds: Mapping[str, str], now: Instant) -> Acted:
    """Start a climb: the story's first line, and at once the first rung that reaches someone."""
    acted = act(alert, Climb(alert.id, ladder, due_at=now), org, kinds, now)
    detail = {"rule": alert.rule, "ladder": ladder.id}
    if alert.value is not None:
        detail["value"] = f"{alert.value:g}"  # the alert itself goes on to show the newest value
    raised = Step(alert.id, now, StepKind.RAISED, alert.device, detail)
    return replace(acted, steps=(raised, *acted.steps))


def act(
    alert: Alert, climb: Climb, org: Org, kinds: Mapping[str, str], now: Instant, earlier: Iterable[Call] = ()
) -> Acted:
    """Do the rung that is due, and say when the next one is.

    Each role is looked up from the alert's place upwards; each holder is called over every channel of the rung they
    have an address for, fire class over a second kind of channel besides. A rung that reaches nobody new is skipped
    at once, and the story says why. After the last rung the ladder starts again or, when it has been climbed often
    enough, the climb is EXHAUSTED; either way the operator is told. When a whole round reaches nobody, the operator
    is told and the next round waits.

    ``kinds`` maps the name of each channel there is to its technology. ``earlier`` are the calls already written for
    this alert: in one round nobody is called twice over the same channel. A climb that is over stays as it is.
    """
    if climb.state is not ClimbState.CLIMBING:
        return Acted(climb, (), ())
    ladder, index, lap = climb.ladder, climb.rung, climb.round
    errand = _Errand(alert, org, kinds, now, tuple(earlier))
    if index == 0 and lap > 0:
        errand.tell_operator(lap - 1)
    for _ in ladder.rungs:
        if _spent(ladder, lap):
            break
        rung = ladder.rungs[index]
        reached = errand.call_rung(rung, index, lap)
        index, lap = (index + 1, lap) if index + 1 < len(ladder.rungs) else (0, lap + 1)
        if reached:
            return errand.done(replace(climb, rung=index, round=lap), max(rung.wait, _SHORTEST_WAIT))
        if index == 0:
            errand.tell_operator(lap - 1)
    if not ladder.rungs:
        errand.tell_operator(lap)
    if not ladder.rungs or _spent(ladder, lap):
        errand.say(StepKind.EXHAUSTED)
        return errand.done(replace(climb, rung=index, round=lap, state=ClimbState.EXHAUSTED), None)
    longest = max(rung.wait for rung in ladder.rungs)
    return errand.done(replace(climb, rung=index, round=lap), max(longest, _EMPTY_ROUND_WAIT))


def redated(climb: Climb, now: Instant) -> Climb | None:
    """The climb with a due time that can be; None when it has one.

    A climb waits no longer than its rungs say. One that is due later was dated by a clock that has been put back
    since: it waits anew for what the rung before it grants, since nobody knows how much of that has passed.
    """
    if climb.due_at is None or not climb.ladder.rungs:
        return None
    longest = max(_EMPTY_ROUND_WAIT, *(rung.wait for rung in climb.ladder.rungs))
    if climb.due_at <= now + micros(longest):
        return None
    wait = max(climb.ladder.rungs[climb.rung - 1].wait, _SHORTEST_WAIT)
    return replace(climb, due_at=now + micros(wait), version=climb.version + 1)


def _spent(ladder: Ladder, lap: int) -> bool:
    return ladder.repeat is not None and lap > ladder.repeat


@dataclass(slots=True)
class _Errand:
    """One act under way: where it looks, and what came of it so far."""

    alert: Alert
    org: Org
    kinds: Mapping[str, str]
    now: Instant
    earlier: tuple[Call, ...]
    calls: list[Call] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def call_rung(self, rung: Rung, index: int, lap: int) -> bool:
        """Call everyone a rung reaches; says whether there was anyone not called in this round already."""
        at = {"rung": index, "round": lap}
        told = {
            (call.person, call.channel) for call in self.earlier if call.round == lap and call.purpose is Purpose.ALERT
        }
        called: list[Step] = []
        stale: list[tuple[str, str]] = []
        for role in rung.roles:
            post = self.org.nearest_post(self._place, role)
            reachable = self._reachable(role, post, rung, at)
            if post is None or not reachable:
                continue
            stale.append((role, post.place))
            for person, channels in reachable:
                fresh = [name for name in channels if (person.id, name) not in told]
                if fresh:
                    told.update((person.id, name) for name in fresh)
                    self.calls += (
                        self._call(Purpose.ALERT, person, role, post.place, name, index, lap) for name in fresh
                    )
                    called.append(self._called(person, role, post.place, channels, at))
        if not called:
            for role, place in stale:
                self.say(StepKind.EMPTY, role=role, place=place, reason="called-already", **at)
            return False
        if (index, lap) != (0, 0):
            self.say(StepKind.CLIMBED, **at)
        self.steps += called
        return True

    def tell_operator(self, lap: int) -> None:
        """Tell the operators nearest the root that a round is over and nobody took the alert; once a round."""
        written = {call.key for call in (*self.earlier, *self.calls)}
        for place in reversed(list(self.org.path(self._place))):
            post = self.org.posts.get((place.code, OPERATOR))
            notices = [
                self._call(Purpose.NOTICE, person, OPERATOR, place.code, name, 0, lap)
                for person in (self.org.on_duty(post, self.now) if post else ())
                for name in self._known(person)
            ]
            if notices:
                self.calls += (call for call in notices if call.key not in written)
                return
        self.say(StepKind.EMPTY, role=OPERATOR, place=self._place, reason="no-post", round=lap)

    def say(self, kind: StepKind, who: str = "", /, **detail: object) -> None:
        """Add a line to the story."""
        self.steps.append(self._step(kind, who, detail))

    def done(self, climb: Climb, wait: timedelta | None) -> Acted:
        """Close the act: what comes next is due after ``wait``, or never."""
        due_at = None if wait is None else self.now + micros(wait)
        return Acted(replace(climb, due_at=due_at, version=climb.version + 1), tuple(self.calls), tuple(self.steps))

    @property
    def _place(self) -> str:
        # A place nobody knows (any more) is answered for by the root.
        root = self.org.root
        return self.alert.place if self.alert.place in self.org.places or root is None else root.code

    def _reachable(
        self, role: str, post: Post | None, rung: Rung, at: Mapping[str, int]
    ) -> list[tuple[Person, list[str]]]:
        """Who holds the post and by which channels; when that is nobody, the story says which post where."""
        holders = self.org.on_duty(post, self.now) if post else ()
        reachable = [(person, channels) for person in holders if (channels := self._channels(person, rung))]
        if not reachable:
            reason = "no-post" if post is None else "no-channel" if holders else "nobody"
            place = self._place if post is None else post.place
            self.say(StepKind.EMPTY, role=role, place=place, reason=reason, **at)
        return reachable

    def _known(self, person: Person) -> list[str]:
        return [name for name, address in person.addresses.items() if address and name in self.kinds]

    def _channels(self, person: Person, rung: Rung) -> list[str]:
        """Channels of the rung that reach a person; for fire, one of another kind is added when they have one."""
        known = self._known(person)
        channels = [name for name in dict.fromkeys(rung.channels) if name in known]
        if channels and self.alert.alert_class is AlertClass.FIRE and self._kinds_of(channels) < _KINDS_FOR_FIRE:
            kind = self.kinds[channels[0]]
            channels += [name for name in known if self.kinds[name] != kind][:1]
        return channels

    def _kinds_of(self, channels: Sequence[str]) -> int:
        return len({self.kinds[name] for name in channels})

    def _called(self, person: Person, role: str, place: str, channels: Sequence[str], at: Mapping[str, int]) -> Step:
        detail: dict[str, object] = {"role": role, "place": place, "channels": ",".join(channels), **at}
        if self.alert.alert_class is AlertClass.FIRE and self._kinds_of(channels) < _KINDS_FOR_FIRE:
            detail["only_kind"] = self.kinds[channels[0]]
        return self._step(StepKind.CALLED, person.id, detail)

    def _step(self, kind: StepKind, who: str, detail: Mapping[str, object]) -> Step:
        return Step(self.alert.id, self.now, kind, who, {key: str(value) for key, value in detail.items()})

    def _call(self, purpose: Purpose, person: Person, role: str, place: str, channel: str, rung: int, lap: int) -> Call:
        return Call(
            key=f"{self.alert.id}:{purpose}:{lap}:{rung}:{person.id}:{channel}",
            alert=self.alert.id,
            purpose=purpose,
            person=person.id,
            role=role,
            place=place,
            channel=channel,
            address=person.addresses[channel],
            language=person.language,
            rung=rung,
            round=lap,
            created_at=self.now,
            due_at=self.now,
            urgent=self.alert.alert_class is AlertClass.FIRE,
        )
