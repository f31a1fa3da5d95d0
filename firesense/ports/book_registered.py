"""What people registered: devices, org, ladders, and what they change of rosters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from firesense.domain.audit import Entry
    from firesense.domain.configured import Configured
    from firesense.domain.device import Device, Registry
    from firesense.domain.escalation import Call, Ladder, Selector
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.domain.roster import Change
    from firesense.ports.kept import Feed


class Registered(Protocol):
    """What people registered: devices, org, ladders, and what they change of rosters."""

    def version(self) -> int:
        """A number that grows with every change of devices, org, rosters or ladders."""
        ...

    def registry(self) -> Registry:
        """All devices."""
        ...

    def org(self) -> Org:
        """Places, posts, people and rosters, with what people changed of the rosters; by no local clock yet."""
        ...

    def ladders(self) -> tuple[dict[str, Ladder], tuple[Selector, ...]]:
        """Ladders by id, and the selectors that choose among them, in order."""
        ...

    def register(self, devices: Iterable[Device], *, entry: Entry | None = None) -> int:
        """Add devices, or change those whose id is known; slots are given here. Counts what changed.

        An ``entry`` that names no device is written for all of them, and one more for each that is new or changed.
        """
        ...

    def unregister(self, device_ids: Collection[str], entry: Entry) -> list[Device]:
        """Take devices out of the register, each with a line of the audit; gives what they were.

        Their readings, alerts and climbs stay, and their slots are given to nobody. Registering one again gives it a
        new slot. Raises NotFound, naming those that are not registered; then nothing was done.
        """
        ...

    def removed(self) -> frozenset[str]:
        """The ids of devices that were taken out of the register and not registered again."""
        ...

    def install(
        self,
        org: Org,
        ladders: Iterable[Ladder],
        selectors: Iterable[Selector],
        *entries: Entry,
        version: int | None = None,
    ) -> bool:
        """Replace the org and the ladders. Climbs under way keep their own copies, changes of rosters stay.

        With the ``version`` of the book that the entries were made by, nothing is done, and False is given, when
        another process has changed it since: several read the same files at once, and one is to say what changed.
        """
        ...

    def note_configured(self, things: Iterable[Configured], entry: Entry) -> int:
        """Keep what the configuration says, and write down what differs from what was kept before; counts that.

        ``entry`` says when and by whom; a line is written for each thing that differs, with the names of its fields,
        and a single one the first time.
        """
        ...

    def change_rosters(self, changes: Sequence[Change], *entries: Entry) -> None:
        """Write what people change of the rosters for a while, and the audit: all of it or nothing.

        Nothing is changed when one of the ids is known. Raises Conflict when everything they come to is in force, as
        after a form that was sent twice.
        """
        ...

    def revoke_change(self, change_id: str, who: str, at: Instant, *, entry: Entry | None = None) -> list[Change]:
        """Take a change back, with the other half of a swap; gives what was taken back.

        It stays in the book, with who took it back. Raises NotFound, or Conflict when it was taken back already.
        """
        ...

    def roster_changes(self, start: Instant, end: Instant) -> list[Change]:
        """The changes that hold at any time from ``start`` until ``end``, in the order they were written."""
        ...

    def handed_over_at(self) -> Instant:
        """Up to when people who came on duty were told what is open; 0 when that was never noted."""
        ...

    def hand_over(self, before: Instant, until: Instant, calls: Sequence[Call]) -> bool:
        """Note that the hand-overs up to ``until`` are done, with their calls; False when another one did them."""
        ...

    def put_feed(self, feed: Feed, *, entry: Entry | None = None) -> None:
        """Let a telephone fetch a calendar."""
        ...

    def feed(self, token_hash: str) -> Feed | None:
        """What may be fetched with a token, by its hash."""
        ...

    def remove_feeds(self, *, person: str = "", place: str = "", role: str = "", entry: Entry | None = None) -> int:
        """Let nobody fetch these calendars any more; counts them."""
        ...
