"""What is done to a run: each fault of a plan by its name."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.torture.plan import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults import FaultProxy
    from tests.torture.plan import Fault
    from tests.torture.run import Run

_SAVED_BEFORE = 1.0  # seconds: what was acknowledged that long before the broker's state was written is in it


class Tortures:
    """``do`` does one and says what came of it. A fault that lasts is over when it returns, but for a stepped clock."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def do(self, fault: Fault) -> str:
        act: Callable[[Fault], str | None] = getattr(self, f"_{fault.kind}")
        return act(fault) or ""

    # -- kills and signals ------------------------------------------------------------------------------------------
    def _kill_daemon(self, fault: Fault) -> str:
        name = fault.choice(tuple(self._run.house.names))
        self._run.house.signal(name, signal.SIGKILL)
        self._run.result.kills += 1
        return name

    def _kill_all(self, _: Fault) -> str:
        """The machine loses its power, as far as a test can do that."""
        for name in self._run.house.names:
            self._run.house.signal(name, signal.SIGKILL)
            self._run.result.kills += 1
        self._kill_store_now()
        if self._run.database is not None:
            self._run.house.may_die = True
            self._kill_book_now()
            self._run.database.start()
        self._kill_broker_now()
        self._start_store()
        if self._run.database is not None:
            self._well_again()
        return "daemon, store and broker"

    def _term_daemon(self, fault: Fault) -> str:
        name = fault.choice(tuple(self._run.house.names))
        self._run.house.signal(name, signal.SIGTERM)
        return name

    def _stop_daemon(self, fault: Fault) -> str:
        name = fault.choice(tuple(self._run.house.names))
        self._run.house.signal(name, signal.SIGSTOP)
        time.sleep(fault.seconds)  # how long it is stopped
        self._run.house.signal(name, signal.SIGCONT)
        return f"{name} for {fault.seconds:.1f} s"

    def _kill_broker(self, fault: Fault) -> str:
        self._kill_broker_now(fault.seconds)
        return ""

    def _kill_broker_now(self, away: float = 0.0) -> None:
        self._run.broker.kill9()
        self._run.result.kills += 1
        state = self._run.broker.folder / "mosquitto.db"
        kept = state.stat().st_mtime if state.exists() else 0.0
        time.sleep(away)  # how long it is away
        self._run.broker.start()
        self._run.publisher.unconfirm(kept - _SAVED_BEFORE)

    def _lose_session(self, fault: Fault) -> str:
        """The broker comes back without its state: what it had not delivered is gone, and the devices say it again."""
        self._run.broker.kill9()
        self._run.result.kills += 1
        (self._run.broker.folder / "mosquitto.db").unlink(missing_ok=True)
        time.sleep(fault.seconds)  # how long it is away
        with self._run.house.held_down():  # what is on its way into the journal would be told twice for no reason
            held = {payload for _, _, payload, _ in self._run.journal_frames()}
            self._run.broker.start()
            self._run.publisher.repeat([frame for frame in self._run.fleet.said if frame.payload not in held])
        return ""

    def _kill_store(self, fault: Fault) -> str:
        self._kill_store_now()
        time.sleep(fault.seconds)  # how long it is away
        self._start_store()
        return f"({self._run.front.forgotten} writes forgotten so far)" if self._run.plan.store == "forgetful" else ""

    def _kill_book(self, fault: Fault) -> str:
        """The database server dies; a daemon that starts meanwhile ends, and is started again."""
        self._run.house.may_die = True
        self._kill_book_now()
        self._last(fault, fault.seconds)
        self._run.database.start()
        self._well_again()
        return ""

    def _kill_book_now(self) -> None:
        self._run.database.kill9()
        self._run.result.kills += 1

    def _kill_store_now(self) -> None:
        self._run.result.kills += 1
        if self._run.front.forgetful:
            self._run.front.crash()
        else:
            self._run.store.kill9()
        self._run.to_store.reset()  # its connections die with it; the front would keep them, and hide that it was gone

    def _start_store(self) -> None:
        if self._run.front.forgetful:
            self._run.front.behave = ""
        else:
            self._run.store.start()

    def _last(self, fault: Fault, seconds: float) -> None:
        """Let something last. Every other time the daemon is killed in the middle of it, with all it has in hand."""
        time.sleep(seconds / 2)  # how long
        if int(fault.pick * 1000) % 2:
            self._kill_daemon(fault)
            self._run.result.did.append("         ... and the daemon killed meanwhile")
        time.sleep(seconds / 2)

    # -- disk and clock ---------------------------------------------------------------------------------------------
    def _full_disk(self, fault: Fault) -> str:
        self._run.house.may_die = True
        self._run.disk.fill(self._run.house.pids)
        self._last(fault, 1 + fault.seconds)
        self._run.disk.empty(self._run.house.pids)
        self._well_again()
        return "tmpfs" if self._run.disk.mounted else "limit"

    def _read_only_disk(self, fault: Fault) -> str:
        self._run.house.may_die = True
        with self._run.house.held_down():
            self._run.disk.read_only(wanted=True)
        time.sleep(2 + fault.seconds)  # how long it stays so, while the daemon is started again and again
        with self._run.house.held_down():
            self._run.disk.read_only(wanted=False)
        self._well_again()
        return ""

    def _well_again(self) -> None:
        """A daemon that could not start dies within its own start: wait for one that stands before none may die."""
        steady = time.monotonic()
        pids = self._run.house.pids
        while time.monotonic() - steady < 3:
            time.sleep(0.1)
            if self._run.house.pids != pids or len(pids) < len(self._run.house.names):
                steady, pids = time.monotonic(), self._run.house.pids
        self._run.house.may_die = False

    def _step_clock(self, fault: Fault) -> str:
        step = 3600.0 if fault.pick < 0.5 else -3600.0
        self._run.house.step_clock(step)
        return f"{step:+.0f} s"

    # -- network ----------------------------------------------------------------------------------------------------
    def _line(self, fault: Fault) -> FaultProxy:
        return self._run.to_broker if fault.pick < 0.5 else self._run.to_store

    def _cut(self, fault: Fault) -> str:
        self._line(fault).cut()
        self._last(fault, 1 + fault.seconds)
        self._line(fault).heal()
        return self._which(fault)

    def _half_open(self, fault: Fault) -> str:
        self._line(fault).half_open()
        return self._which(fault)

    def _reset(self, fault: Fault) -> str:
        self._line(fault).reset()
        return self._which(fault)

    def _drop(self, fault: Fault) -> str:
        self._line(fault).drop()
        return self._which(fault)

    def _throttle(self, fault: Fault) -> str:
        self._line(fault).rate = 4000
        self._last(fault, 1 + fault.seconds)
        self._line(fault).heal()
        return self._which(fault)

    def _delay(self, fault: Fault) -> str:
        self._line(fault).delay = 0.3
        self._last(fault, 1 + fault.seconds)
        self._line(fault).heal()
        return self._which(fault)

    def _truncate(self, fault: Fault) -> str:
        left = int(fault.seconds * 1000)
        self._line(fault).truncate(left)
        return f"{self._which(fault)} after {left} bytes"

    def _which(self, fault: Fault) -> str:
        return "broker" if self._line(fault) is self._run.to_broker else "store"

    # -- the store's answers, and people ----------------------------------------------------------------------------
    def _slow_store(self, fault: Fault) -> str:
        self._run.front.seconds = 1 + 2 * fault.seconds  # some longer than the daemon waits
        return self._behave(fault, "slow", 2)

    def _store_status(self, fault: Fault) -> str:
        status = fault.choice(STATUSES)
        said = self._behave(fault, status, fault.seconds)
        if status in {"400", "401"}:  # for a person to put right, who then starts it anew
            self._run.house.signal("record" if self._run.plan.apart else "all", signal.SIGTERM)
        return said

    def _half_answer(self, fault: Fault) -> str:
        return self._behave(fault, "half", fault.seconds)

    def _behave(self, fault: Fault, how: str, seconds: float) -> str:
        before = self._run.front.misbehaved
        self._run.front.behave = how
        self._last(fault, seconds)
        self._run.front.behave = ""
        return f"{how}, {self._run.front.misbehaved - before} times"

    def _calls_fail(self, fault: Fault) -> str:
        before = self._run.people.refused
        self._run.people.failing = 0.7
        self._last(fault, 1 + fault.seconds)
        self._run.people.failing = 0.0
        return f"{self._run.people.refused - before} refused"
