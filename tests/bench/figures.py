"""How much processor time the figures of a year take: ``python -m tests.bench.figures [ALERTS]``, a made-up county.

Every alert has four calls and eight lines of its story, a third of them about taking it and the like.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from firesense.book import SqlBook, rows, tables
from firesense.book.summing import SUMS
from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding, Grade
from firesense.domain.device import Device, Registry
from firesense.domain.escalation import Call, CallState, Purpose, Step, StepKind
from firesense.domain.instant import HOUR, MINUTE, SECOND
from firesense.domain.place import Org, Place
from firesense.domain.plan import Plan
from firesense.figures import period_of
from firesense.report import as_csv, as_html, as_pdf, contents, gather

YEAR = period_of("2026", ZoneInfo("Asia/Shanghai"))
GRIDS = [f"t{t}-v{v}-g{g}" for t in range(12) for v in range(10) for g in range(5)]
CALLS, LINES = 4, 8
DEVICES = 20_000


def county() -> Plan:
    places = [Place("c", "县", "county")]
    for grid in GRIDS:
        town, village, _ = grid.split("-")
        places += [Place(town, town, "township", "c"), Place(f"{town}-{village}", village, "village", town)]
        places.append(Place(grid, grid, "grid", f"{town}-{village}"))
    devices = [Device(f"d{n}", "smoke", f"model-{n % 6}", str(n), GRIDS[n % len(GRIDS)], n) for n in range(DEVICES)]
    return Plan(registry=Registry(devices), org=Org({place.code: place for place in places}.values()))


def fill(book: SqlBook, count: int) -> None:
    chance = random.Random(1)
    written: dict[sa.Table, list[object]] = {tables.alert: [], tables.call: [], tables.step: []}
    with book._database.writing() as connection:
        for number in range(count):
            at = YEAR.start_at + (YEAR.end_at - YEAR.start_at) * number // count
            device = chance.randrange(DEVICES)
            alert = Alert(
                f"A{number:09}", "smoke-fire", "v1", chance.choice(list(AlertClass)[:3]), Grade.GENERAL, f"d{device}",
                "smoke", GRIDS[device % len(GRIDS)], at, at, number, Condition.RESOLVED, Case.CLOSED,
                cleared_at=at + MINUTE, acknowledged_at=at + MINUTE, acknowledged_by="x", closed_at=at + HOUR,
                closed_by="x", finding=Finding.FALSE_ALARM, arrived_at=at + 9 * MINUTE, cause="cooking",
                text={"zh": "烟感火警信号", "en": "Smoke detector fire flag"},
            )  # fmt: skip
            calls = [
                Call(
                    f"{alert.id}:{n}", alert.id, Purpose.ALERT, f"p{n}", "grid-member", alert.place, "log", "x", "zh",
                    0, 0, at, at, state=CallState.SENT, sent_at=at + n * SECOND,
                )
                for n in range(CALLS)
            ]  # fmt: skip
            kinds = (StepKind.RAISED, *(StepKind.CALLED, StepKind.SENT) * 2, StepKind.ACKNOWLEDGED)
            steps = [Step(alert.id, at, kind) for kind in (*kinds, StepKind.ARRIVED, StepKind.CLOSED)]
            written[tables.alert].append(rows.alert_values(alert))
            written[tables.call] += [dict(zip(rows.CALL_NAMES, rows.call_line(call), strict=True)) for call in calls]
            written[tables.step] += [rows.values(step) for step in steps]
            if number % 1000 == 999 or number == count - 1:
                for table, lines in written.items():
                    connection.execute(sa.insert(table), lines)
                    lines.clear()
        connection.execute(sa.update(tables.alert).values(SUMS))  # as closing each of them does


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    plan = county()
    with TemporaryDirectory() as folder:
        book = SqlBook(f"sqlite:///{Path(folder) / 'book.db'}")
        fill(book, count)
        for _ in range(3):
            begun = process_time()
            columns = book.alert_columns(YEAR.start_at, YEAR.end_at)
            asked = process_time() - begun
            begun = process_time()
            found = gather(book, plan, YEAR, "c", YEAR.end_at)
            whole = process_time() - begun
            begun = process_time()
            deep = gather(book, plan, YEAR, "c", YEAR.end_at, deep=True)
            every = process_time() - begun
            print(f"{len(columns)} alerts: columns {asked:.2f} s, report {whole:.2f} s, every place {every:.2f} s")
        for name, write in (("html", as_html), ("pdf", as_pdf)):
            begun = process_time()
            size = len(write(contents(found, plan, "zh")))
            print(f"{name} {process_time() - begun:.2f} s, {size} bytes")
        begun = process_time()
        print(f"csv {len(as_csv(deep, plan, 'zh'))} bytes, {process_time() - begun:.2f} s")
        book.close()


if __name__ == "__main__":
    main()
