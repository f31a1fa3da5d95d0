"""The shapes of what the API says and takes about rosters. Instants are RFC 3339 in UTC."""

from datetime import date
from typing import Self

from pydantic import AwareDatetime, ConfigDict, Field

from firesense.domain.instant import moment
from firesense.domain.plan import Plan
from firesense.domain.roster import Change, Span
from firesense.rosters import Coverage, Emptied, Hole, Lonely
from firesense.web.documents import Document

NOTE_MOST = 500


class SpanDocument(Document):
    """Who is on duty, by id, from when until when; nobody is a hole."""

    begins_at: AwareDatetime
    ends_at: AwareDatetime
    people: list[str]

    @classmethod
    def of(cls, span: Span) -> Self:
        """Write a span."""
        return cls(begins_at=moment(span.begins_at), ends_at=moment(span.ends_at), people=list(span.people))


class DutyDocument(Document):
    """A post, and who is on duty there in the coming days."""

    place: str
    role: str
    rosters: list[str]
    spans: list[SpanDocument]


class HoleDocument(Document):
    """When alerts of these classes would reach nobody at a place; ``below``: nor at any place below it."""

    begins_at: AwareDatetime
    ends_at: AwareDatetime
    place: str
    alert_classes: list[str]
    below: bool

    @classmethod
    def of(cls, hole: Hole) -> Self:
        """Write a hole."""
        return cls(
            begins_at=moment(hole.begins_at),
            ends_at=moment(hole.ends_at),
            place=hole.place,
            alert_classes=list(hole.alert_classes),
            below=hole.below,
        )


class PostDocument(Document):
    """A post."""

    place: str
    role: str


class LonelyDocument(PostDocument):
    """When one person is all there is at a station's post, or, when ``person`` is empty, nobody is on duty."""

    begins_at: AwareDatetime
    ends_at: AwareDatetime
    person: str

    @classmethod
    def of(cls, one: Lonely) -> Self:
        """Write it."""
        begins_at, ends_at = moment(one.begins_at), moment(one.ends_at)
        return cls(place=one.post.place, role=one.post.role, begins_at=begins_at, ends_at=ends_at, person=one.person)


class ChangeDocument(Document):
    """Something other than the roster says for a while; two overrides with one ``swap`` belong together."""

    id: str
    kind: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    person: str
    stand_in: str
    roster: str
    swap: str
    who: str
    note: str

    @classmethod
    def of(cls, change: Change) -> Self:
        """Write a change."""
        return cls(
            id=change.id,
            kind=change.kind,
            begins_at=moment(change.begins_at),
            ends_at=moment(change.ends_at),
            person=change.person,
            stand_in=change.stand_in,
            roster=change.roster,
            swap=change.swap,
            who=change.who,
            note=change.note,
        )


class RostersDocument(Document):
    """All posts, what is missing in the coming week, and the changes that are not over.

    ``vacant`` posts have nobody all the time, ``unreachable`` people duties and no channel, ``idle`` ones no post;
    ``alone``: when a station's post has one person; ``empty``: when nobody is on duty at one.
    """

    posts: list[DutyDocument]
    holes: list[HoleDocument]
    vacant: list[PostDocument]
    unreachable: list[str]
    idle: list[str]
    alone: list[LonelyDocument]
    empty: list[LonelyDocument]
    changes: list[ChangeDocument]

    @classmethod
    def of(cls, plan: Plan, found: Coverage, now: int, until: int) -> Self:
        """Write what holds from now on."""
        org = plan.org
        return cls(
            posts=[
                DutyDocument(
                    place=post.place,
                    role=post.role,
                    rosters=list(post.rosters),
                    spans=[SpanDocument.of(span) for span in org.changes(post, now, until)],
                )
                for post in org.posts.values()
            ],
            holes=[HoleDocument.of(hole) for hole in found.holes],
            vacant=[PostDocument(place=post.place, role=post.role) for post in found.vacant],
            unreachable=[person.id for person in found.unreachable],
            idle=[person.id for person in found.idle],
            alone=[LonelyDocument.of(one) for one in found.alone],
            empty=[LonelyDocument.of(one) for one in found.empty],
            changes=[ChangeDocument.of(change) for change in org.rosters.changes if change.ends_at > now],
        )


class EmptiedDocument(Document):
    """A post that nobody is on duty at because of a change."""

    place: str
    role: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime


class ChangedDocument(Document):
    """What was changed, and the posts it leaves empty in the sixty days from now."""

    changes: list[ChangeDocument]
    empties: list[EmptiedDocument]

    @classmethod
    def of(cls, changes: list[Change], empties: list[Emptied]) -> Self:
        """Write it."""
        return cls(
            changes=[ChangeDocument.of(change) for change in changes],
            empties=[
                EmptiedDocument(
                    place=one.post.place,
                    role=one.post.role,
                    begins_at=moment(one.begins_at),
                    ends_at=moment(one.ends_at),
                )
                for one in empties
            ],
        )


class _Asked(Document):
    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str = Field("", max_length=NOTE_MOST)


class _During(_Asked):
    begins_at: AwareDatetime
    ends_at: AwareDatetime


class Override(_During):
    """Let ``stand_in`` be on duty instead of a person (in one roster, or everywhere), or besides the others."""

    stand_in: str = Field(max_length=100)
    instead_of: str = Field("", max_length=100)
    roster: str = Field("", max_length=100)


class Leave(_During):
    """Let a person be away from every post."""

    person: str = Field(max_length=100)


class SwapTurn(Document):
    """A person's turn, by the local day on which it begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: str = Field(max_length=100)
    day: date


class Swap(_Asked):
    """Let two people take each other's turns."""

    roster: str = Field(max_length=100)
    one: SwapTurn
    other: SwapTurn


class FeedAsked(Document):
    """Whose duties a telephone may fetch: a person's, or those of a post."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: str = Field("", max_length=100)
    place: str = Field("", max_length=100)
    role: str = Field("", max_length=100)


class FeedDocument(Document):
    """The address of a calendar, told this once: whoever has it can read these duties."""

    path: str
