"""One rule of kind signal, threshold or rate: a condition with two limits and two holds, asked of whole tables.

A device is idle, pending (the condition is true, but not for long enough yet), firing, clearing (it could clear, but
not for long enough yet), or left: its alert was closed while it was firing, so it is idle but for saying that it
clears. Holds run in event time, so a batch, a backtest and a live stream give the same answers; when a device falls
silent, the clock ends its hold in their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firesense.domain.alert import AlertClass
from firesense.domain.catalogue import CLASSES
from firesense.domain.instant import micros
from firesense.domain.readings import Quality, rounds
from firesense.domain.rule import Change, RuleKind, Transition
from firesense.rules.chatter import Chatter
from firesense.rules.expression import RATE, compile_expression
from firesense.rules.looks import Look
from firesense.rules.table import STALE
from firesense.rules.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Collection

    from firesense.domain.columns import Floats, Instants, Mask, Rows, Slots
    from firesense.domain.instant import Instant
    from firesense.domain.rule import Rule
    from firesense.rules.table import Table

IDLE, PENDING, FIRING, CLEARING, LEFT = range(5)
_COLUMNS = 5  # of a snapshot: slot, state, over_at, due, the bits of the value


@dataclass(slots=True, eq=False)
class _Answers:
    """What ``when`` and ``clears`` say of some rows; where neither mask of a pair is set, the answer is unknown."""

    true: Mask
    false: Mask
    clear: Mask
    keep: Mask

    def take(self, rows: Rows) -> _Answers:
        return _Answers(self.true[rows], self.false[rows], self.clear[rows], self.keep[rows])


class Condition:
    """The state of one rule for every device of its class, as columns indexed by slot."""

    def __init__(self, rule: Rule, size: int, scope: Mask | None) -> None:
        """Compile the rule for ``size`` devices. Raises ExpressionError when it cannot be."""
        device_class = CLASSES[rule.device_class]
        rate_of = rule.metric if rule.kind is RuleKind.RATE else ""
        self._rate = Look("rate", rate_of, micros(rule.window), micros(rule.per)) if rate_of else None
        self.rule = rule
        self._scope = scope
        self._when = compile_expression(rule.when, device_class, rate_of)
        self._clears = compile_expression(rule.clears, device_class, rate_of) if rule.clears else None
        self.names = self._when.names | (self._clears.names if self._clears else frozenset())
        self.looks = self._when.looks | (self._clears.looks if self._clears else frozenset())
        if self._rate is not None:
            self.looks |= {self._rate}
        self._hold, self._clear_hold = micros(rule.hold), micros(rule.clear_hold)
        # A device's own fire flag is never out of date: it pages even when it comes late or out of order.
        self._urgent = rule.kind is RuleKind.SIGNAL and rule.alert_class is AlertClass.FIRE
        self._state = np.zeros(size, np.uint8)
        self._left = np.zeros(size, np.bool_)  # whose end has not been told since their alert was closed
        self._waiting = Waiting(size)  # for the end of the present pending or clearing
        self._chatter = Chatter(rule.chatters)
        self._waits = bool(self._hold or self._clear_hold or rule.chatters)
        self._active = 0

    # -- readings ---------------------------------------------------------------------------------------------------
    def apply(self, table: Table, changed: list[Transition]) -> None:
        """Ask the rule of a table. Costs little unless a row trips or its device is not idle."""
        columns = table.columns
        if self._rate is not None and self._rate.name in columns:
            columns = {**columns, RATE: columns[self._rate.name]}
        true = self._when.true(columns)
        if self._active or true.any():
            self._move(table, columns, np.broadcast_to(true, table.slots.shape), changed)

    def _move(
        self, table: Table, columns: dict[str, np.ndarray[Any, Any]], true: Mask, changed: list[Transition]
    ) -> None:
        rows = np.flatnonzero(self._concerned(table, true))
        if len(rows) == 0:
            return
        said = {name: columns[name][rows] for name in self.names if name in columns}
        masks = [true[rows], self._when.false(said)]
        masks += [self._clears.true(said), self._clears.false(said)] if self._clears else [masks[1], masks[0]]
        answers = _Answers(*(np.broadcast_to(mask, rows.shape) for mask in masks))
        if table.distinct:
            self._step(table, rows, answers, changed)
            return
        for turn in rounds(table.slots[rows], rows):
            self._step(table, rows[turn], answers.take(turn), changed)

    def _concerned(self, table: Table, true: Mask) -> Mask:
        """Mark the rows that can matter: of devices that are not idle, or trip somewhere in this table."""
        slots = table.slots
        concerned: Mask = (self._state[slots] != IDLE) | true
        if not table.distinct:
            concerned |= table.of_the_devices_of(true)
        concerned &= (table.current | true) if self._urgent else table.current
        if self._scope is not None:
            concerned &= self._scope[slots]
        return concerned

    def _step(self, table: Table, rows: Rows, said: _Answers, changed: list[Transition]) -> None:
        """Move the state of devices by one row each."""
        slots, at, current = table.slots[rows], table.event_at[rows], table.current[rows]
        state = self._state[slots]
        before = np.count_nonzero(state)
        self._run_out(table, rows, said, state, changed)

        idle, pending, firing, clearing, left = (state == kind for kind in (IDLE, PENDING, FIRING, CLEARING, LEFT))
        fails = pending & said.false & current
        state[fails] = np.where(self._left[slots[fails]], LEFT, IDLE)  # before it was pending, too
        left |= state == LEFT
        idle |= left
        begins = said.true & idle
        trips = said.true & ~current & (idle | pending)
        ends = (firing | left) & said.clear & ~said.true & current
        waits = np.zeros(len(rows), np.bool_)
        if self._hold:
            waits |= begins & current
            state[waits] = PENDING
        else:
            trips |= begins
        state[trips] = FIRING
        state[clearing & (said.true | said.keep) & current] = FIRING
        self._chatter.count(slots[trips], at[trips])
        trips |= self._trips_again(slots, at, clearing & said.true & current)
        hold = self._chatter.holds(slots, at, self._clear_hold)
        lasts = ends & (hold > 0) & ~left
        state[ends] = np.where(lasts[ends], CLEARING, IDLE)
        hold[state == PENDING] = self._hold
        waits |= lasts

        self._state[slots] = state
        self._active += int(np.count_nonzero(state) - before)
        if self._waits:
            self._remember(table, rows, waits, waits | (pending & said.true), hold)
            self._waiting.end(slots[(state == IDLE) | (state == FIRING)])
        self._tell(table, rows[trips], Change.TRIPPED, at[trips], changed)
        over = ends & ~lasts
        self._tell(table, rows[over], Change.CLEARED, at[over], changed)

    def _trips_again(self, slots: Slots, at: Instants, asserted: Mask) -> Mask:
        """Find those that trip while their clearing is drawn out because they chatter; told, so that it is counted."""
        again = np.zeros(len(slots), np.bool_)
        if self._chatter.trips and asserted.any():
            again = asserted & (self._chatter.holds(slots, at, self._clear_hold) > self._clear_hold)
            self._chatter.count(slots[again], at[again])
        return again

    def _run_out(
        self, table: Table, rows: Rows, said: _Answers, state: np.ndarray[Any, Any], changed: list[Transition]
    ) -> None:
        """End the holds that were over when a reading that says something was made."""
        if not self._waits:
            return
        speaks = (said.true | said.false | said.clear | said.keep) & table.current[rows]
        over_at = self._waiting.over_at(table.slots[rows])
        for waiting, after, change in ((PENDING, FIRING, Change.TRIPPED), (CLEARING, IDLE, Change.CLEARED)):
            over = speaks & (state == waiting) & (table.event_at[rows] >= over_at)
            if over.any():
                state[over] = after
                if change is Change.TRIPPED:
                    self._chatter.count(table.slots[rows[over]], over_at[over])
                kept = self._waiting.value(table.slots[rows[over]])
                self._tell(table, rows[over], change, over_at[over], changed, kept)

    def _remember(self, table: Table, rows: Rows, waits: Mask, valued: Mask, hold: Instants) -> None:
        """Note what began to wait, and the value of what goes on waiting."""
        if not valued.any():
            return
        began, hold = rows[waits], hold[waits]
        self._waiting.begin(table.slots[began], table.event_at[began] + hold, table.received_at[began] + hold)
        values = table.values(self.rule.metric)
        rows = rows[valued]
        self._waiting.note(table.slots[rows], np.full(len(rows), np.nan) if values is None else values[rows])

    def _tell(
        self,
        table: Table,
        rows: Rows,
        change: Change,
        at: Instants,
        changed: list[Transition],
        values: Floats | None = None,
    ) -> None:
        if len(rows) == 0:
            return
        if values is None:
            column = table.values(self.rule.metric)
            values = np.full(len(rows), np.nan) if column is None else column[rows]
        for row, event_at, value in zip(rows.tolist(), at.tolist(), values.tolist(), strict=True):
            quality = Quality(int(table.quality[row]))
            if quality & STALE:
                quality |= Quality.LATE
            slot, offset = int(table.slots[row]), int(table.offsets[row])
            changed.append(self._transition(slot, change, event_at, offset, value, quality))

    def _transition(
        self, slot: int, change: Change, event_at: Instant, offset: int, value: float, quality: Quality
    ) -> Transition:
        rule = self.rule
        if change is Change.CLEARED:
            self._left[slot] = False
        return Transition(rule.id, rule.device_class, slot, change, event_at, offset, value, quality)

    # -- time -------------------------------------------------------------------------------------------------------
    def tick(self, now: Instant, position: int, changed: list[Transition]) -> None:
        """End the holds of devices that have said nothing to the contrary. Costs by what waits, not by devices."""
        if now < self._waiting.next_due:
            return
        slots = self._waiting.slots
        over = slots[self._waiting.due(slots) <= now]
        trips = self._state[over] == PENDING
        self._state[over] = np.where(trips, FIRING, IDLE)
        self._active -= int(np.count_nonzero(~trips))
        at = self._waiting.over_at(over)
        self._chatter.count(over[trips], at[trips])
        for slot, trip, event_at, value in zip(
            over.tolist(), trips.tolist(), at.tolist(), self._waiting.value(over).tolist(), strict=True
        ):
            change = Change.TRIPPED if trip else Change.CLEARED
            changed.append(self._transition(slot, change, event_at, position, value, Quality(0)))
        self._sweep()

    def _sweep(self) -> None:
        """Let nobody wait that is not pending or clearing."""
        slots = self._waiting.slots
        state = self._state[slots]
        self._waiting.end(slots[(state != PENDING) & (state != CLEARING)])
        self._waiting.look_ahead()

    @property
    def pending(self) -> int:
        """How many devices may trip soon."""
        return int(np.count_nonzero(self._state[self._waiting.slots] == PENDING))

    # -- what is kept -----------------------------------------------------------------------------------------------
    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        """The state of every device that is not idle, and when devices tripped lately."""
        slots = np.flatnonzero(self._state).astype(np.int32)
        waiting = self._waiting
        bits = waiting.value(slots).view(np.int64)
        kept = np.column_stack([slots, self._state[slots], waiting.over_at(slots), waiting.due(slots), bits])
        return {"state": kept.astype(np.int64), "trips": self._chatter.snapshot()}

    def restore(self, columns: dict[str, np.ndarray[Any, Any]], registered: Mask) -> None:
        """Take a snapshot over; what does not fit is left as it is, and slots without a device are idle."""
        self._chatter.restore(columns.get("trips"), len(self._state))
        kept = columns.get("state")
        if kept is not None and kept.ndim == 2 and kept.shape[1] == _COLUMNS and kept.dtype == np.int64:  # noqa: PLR2004
            kept = kept[
                (kept[:, 0] >= 0) & (kept[:, 0] < len(self._state)) & (kept[:, 1] > IDLE) & (kept[:, 1] <= LEFT)
            ]
            kept = kept[registered[kept[:, 0]]]
            slots = kept[:, 0]
            self._state[:] = IDLE
            self._state[slots] = kept[:, 1]
            self._left = self._state == LEFT
            self._active = len(slots)
            waits = (kept[:, 1] == PENDING) | (kept[:, 1] == CLEARING)
            slots, kept = slots[waits].astype(np.int32), kept[waits]
            self._waiting = Waiting(len(self._state))
            self._waiting.begin(slots, kept[:, 2], kept[:, 3])
            self._waiting.note(slots, np.ascontiguousarray(kept[:, 4]).view(np.float64))

    def settle(self, firing: Collection[int]) -> None:
        """Make exactly these slots firing; what is pending goes on."""
        wanted = np.zeros(len(self._state), np.bool_)
        wanted[list(firing)] = True
        fires = (self._state == FIRING) | (self._state == CLEARING)
        self._state[wanted & ~fires] = FIRING
        self._state[fires & ~wanted] = IDLE
        self._active = int(np.count_nonzero(self._state))
        self._sweep()

    def release(self, slot: int) -> None:
        """Leave a firing device, so that its next assertion trips, and else the end of this one is told."""
        if self._state[slot] in {FIRING, CLEARING}:
            self._state[slot] = LEFT
            self._left[slot] = True
            self._waiting.end(np.array([slot], np.int32))

    def leave(self, slots: Collection[int]) -> None:
        """Know that alerts of these were closed while they were firing, and that nobody has told yet that it is over.

        What is idle is left from now on; what is pending or firing is when that is over.
        """
        left = np.array(sorted(slots), np.int32)
        self._left[left] = True
        self._state[left[self._state[left] == IDLE]] = LEFT
        self._active = int(np.count_nonzero(self._state))
