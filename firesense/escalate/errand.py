"""One act of a climb under way: whom it finds on a rung, the calls to them, and the lines of the story."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from firesense.domain.alert import AlertClass
from firesense.domain.escalation import CALLED_ALREADY, Call, Climb, Purpose, Step, StepKind
from firesense.domain.place import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from firesense.domain.alert import Alert
    from firesense.domain.escalation import Rung
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org, Person, Post

_KINDS_FOR_FIRE = 2  # GB/T 45839-2025 5.10.4: fire is pushed over at least two kinds of channel


@dataclass(slots=True)
class Errand:
    """Where an act looks, and what came of it so far."""

    alert: Alert
    org: Org
    kinds: Mapping[str, str]
    now: Instant
    purpose: Purpose
    climb: Climb  # as it was before the act
    detail: Mapping[str, str]  # what its calls say besides
    earlier: tuple[Call, ...]
    calls: list[Call] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def call_rung(self, rung: Rung, climb: Climb) -> bool:
        """Call everyone a rung reaches; says whether there was anyone not called in this round already.

        ``climb`` says which rung of which round it is, and how often it was called before: those of its own earlier
        tries are called again.
        """
        at: dict[str, object] = {"rung": climb.rung, "round": climb.round}
        if climb.strand:
            at["strand"] = climb.strand
        told = {
            (call.person, call.channel)
            for call in (*self.earlier, *self.calls)
            if (call.round, call.strand, call.purpose) == (climb.round, climb.strand, self.purpose)
            and call.rung != climb.rung
        }
        called: list[Step] = []
        stale: list[tuple[str, str]] = []
        for role in rung.roles:
            post = self.org.nearest_post(rung.place or self._place, role)
            reachable = self._reachable(role, post, rung, at)
            if post is None or not reachable:
                continue
            stale.append((role, post.place))
            for person, channels in reachable:
                fresh = [name for name in channels if (person.id, name) not in told]
                if fresh:
                    told.update((person.id, name) for name in fresh)
                    self.calls += (self._call(self.purpose, person, role, post.place, name, climb) for name in fresh)
                    called.append(self._called(person, role, post.place, channels, at))
        if not called:
            for role, place in stale:
                self.say(StepKind.EMPTY, role=role, place=place, reason=CALLED_ALREADY, **at)
            return False
        if (climb.rung, climb.round) != (0, 0):
            self.say(StepKind.CLIMBED, **at)
        self.steps += called
        return True

    def tell_operator(self, lap: int) -> None:
        """Tell the operators nearest the root that a round is over and nobody took the alert; once a round."""
        self._tell_operator(Climb(self.alert.id, self.climb.ladder, round=lap, strand=self.climb.strand), self.detail)

    def _tell_operator(self, at: Climb, said: Mapping[str, str]) -> None:
        for place in reversed(list(self.org.path(self._place))):
            post = self.org.posts.get((place.code, OPERATOR))
            holders = self.org.on_duty(post, self.now) if post else ()
            told = [self._notify(person, OPERATOR, place.code, at, said) for person in holders]
            if any(told):
                return
        self.say(StepKind.EMPTY, role=OPERATOR, place=self._place, reason="no-post", round=at.round)

    def tell_of_whistle(self) -> None:
        """Tell whoever blew this whistle what the act came to, unless it was the first and called somebody.

        Nobody has come so far, and others are called now; or nobody is left to call, or there never was anybody: the
        operator is told of that, too.
        """
        called = dict.fromkeys(call.person for call in self.calls if call.purpose is Purpose.WHISTLE)
        first = (self.climb.round, self.climb.rung, self.climb.tries) == (0, 0, 0)
        if first and called:
            return
        said = whistle_detail(self.climb, "on" if called else "nobody" if first else "ended", to=",".join(called))
        self.tell_whistler(said)
        if not called:
            self._tell_operator(self.climb, said)

    def tell_whistler(self, said: Mapping[str, str]) -> None:
        """Send whoever blew this whistle a notice, if that is a person the org knows and can be reached."""
        person = self.org.people.get(self.climb.by)
        if person is None or not self._notify(person, "", self._place, self.climb, said):
            self.say(StepKind.EMPTY, self.climb.by, reason="no-channel", strand=self.climb.strand)

    def _notify(self, person: Person, role: str, place: str, at: Climb, said: Mapping[str, str]) -> bool:
        """Send a notice over everything that reaches a person, unless it was; says whether anything does."""
        written = {call.key for call in (*self.earlier, *self.calls)}
        notices = [
            replace(self._call(Purpose.NOTICE, person, role, place, name, at), detail=said)
            for name in self._known(person)
        ]
        self.calls += (call for call in notices if call.key not in written)
        return bool(notices)

    def say(self, kind: StepKind, who: str = "", /, **detail: object) -> None:
        """Add a line to the story."""
        self.steps.append(self._step(kind, who, detail))

    @property
    def _place(self) -> str:
        # A place nobody knows (any more) is answered for by the root.
        root = self.org.root
        return self.alert.place if self.alert.place in self.org.places or root is None else root.code

    def _reachable(
        self, role: str, post: Post | None, rung: Rung, at: Mapping[str, object]
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

    def _called(self, person: Person, role: str, place: str, channels: Sequence[str], at: Mapping[str, object]) -> Step:
        detail: dict[str, object] = {"role": role, "place": place, "channels": ",".join(channels), **at}
        if self.alert.alert_class is AlertClass.FIRE and self._kinds_of(channels) < _KINDS_FOR_FIRE:
            detail["only_kind"] = self.kinds[channels[0]]
        return self._step(StepKind.CALLED, person.id, detail)

    def _step(self, kind: StepKind, who: str, detail: Mapping[str, object]) -> Step:
        return Step(self.alert.id, self.now, kind, who, {key: str(value) for key, value in detail.items()})

    def _call(self, purpose: Purpose, person: Person, role: str, place: str, channel: str, at: Climb) -> Call:
        strand = f"+{at.strand}" if at.strand else ""
        again = f".{at.tries}" if at.tries else ""
        return Call(
            key=f"{self.alert.id}{strand}:{purpose}:{at.round}:{at.rung}{again}:{person.id}:{channel}",
            alert=self.alert.id,
            purpose=purpose,
            person=person.id,
            role=role,
            place=place,
            channel=channel,
            address=person.addresses[channel],
            language=person.language,
            rung=at.rung,
            round=at.round,
            created_at=self.now,
            due_at=self.now,
            urgent=self.alert.alert_class is AlertClass.FIRE,
            strand=at.strand,
            detail=self.detail,
        )


def whistle_detail(climb: Climb, whistle: str, **more: str) -> dict[str, str]:
    """What a notice about a whistle says: who blew it for whom and why, and what became of it.

    ``whistle`` is ``on`` (nobody has come, others are called now), ``ended`` (nobody is left to call), ``nobody``
    (there was nobody to call), or ``came``.
    """
    whom = ",".join(climb.ladder.rungs[0].roles) if climb.ladder.rungs else climb.ladder.id
    return {"whistle": whistle, "by": climb.by, "reason": climb.reason, "whom": whom} | more
