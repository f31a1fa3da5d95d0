"""Metrics for Prometheus; docs/operations.md lists them and says what to watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from firesense.domain.quiet import QuietKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from firesense.app.watch import Look, Running
    from firesense.pace import Pace

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics(Collector):
    """Everything the house knows of itself, each time it is asked: nothing is counted twice for the sake of metrics."""

    def __init__(
        self, look: Callable[[], Look | None], running: Running, still: Callable[[], Mapping[str, float]]
    ) -> None:
        """``still`` gives the seconds since each street of this process moved."""
        self._look = look
        self._running = running
        self._still = still
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Give all families; see prometheus_client."""
        if (look := self._look()) is not None:
            yield from _of_the_house(look)
        yield _gauge("street_still_seconds", "Since a street of this process last moved", "street", self._still())
        yield from self._of_ingest()
        yield from self._of_record()
        yield from self._of_calls()
        yield from self._of_callbacks()
        yield from self._of_stages()

    def _of_ingest(self) -> Iterator[Metric]:
        ingests = {one.transport.name: one.status for one in self._running.ingests}
        for name, text, values in (
            ("ingest_received", "Frames received", {k: s.received for k, s in ingests.items()}),
            ("ingest_appended", "Frames made durable and acknowledged", {k: s.appended for k, s in ingests.items()}),
            ("ingest_repeated", "Frames the journal already held", {k: s.repeated for k, s in ingests.items()}),
        ):
            yield _counter(name, text, "transport", values)
        stalled = {name: int(status.stalled) for name, status in ingests.items()}
        yield _gauge("ingest_stalled", "1 while the journal takes no frames", "transport", stalled)
        transports = self._running.transports
        connected = {transport.name: int(transport.connected) for transport in transports}
        yield _gauge("transport_connected", "1 while the broker is connected", "transport", connected)
        health = {transport.name: getattr(transport, "health", None) for transport in transports}
        for name, text in (
            ("connections", "Connections the broker accepted"),
            ("sessions_lost", "Times the broker had forgotten the session: frames may be missing"),
            ("stale", "Frames whose acknowledgement came after their connection was gone"),
            ("cut", "Frames longer than max_packet"),
            ("mended", "Frames with a malformed property, taken without it"),
        ):
            counted = {key: getattr(one, name) for key, one in health.items() if one is not None}
            yield _counter(f"transport_{name}", text, "transport", counted)

    def _of_record(self) -> Iterator[Metric]:
        if self._running.record is None:
            return
        status = self._running.record.status
        yield _gauge("sink_down", "1 while the history store takes nothing", "", {"": int(status.sink_down)})
        yield _counter("record_errors", "Writes to history, and reads, that failed", "", {"": status.errors})
        yield _counter("record_written_again", "Frames written again after outages", "", {"": status.gone_back})

    def _of_calls(self) -> Iterator[Metric]:
        if self._running.delivery is None:
            return
        status = self._running.delivery.status
        outcomes = {
            "sent": status.sent,
            "put-off": status.put_off,
            "given-up": status.given_up,
            "held": status.held,
            "bundled": status.bundled,
            "late": status.late,
            "silent": status.silent,
            "unwritten": status.unwritten,
        }
        yield _counter("calls", "Calls by what came of an attempt", "outcome", outcomes)
        yield _gauge("calls_under_way", "Calls being made now", "", {"": self._running.delivery.under_way})
        down = {name: int(since is not None) for name, since in self._running.delivery.down_since.items()}
        yield _gauge("channel_down", "1 while a channel puts off its calls", "channel", down)
        if self._running.auditor is not None:
            repaired = self._running.auditor.repaired
            yield _counter("climbs_repaired", "Climbs nobody would have moved again, put right", "", {"": repaired})

    def _of_callbacks(self) -> Iterator[Metric]:
        if self._running.answering is None:
            return
        status = self._running.answering.status
        outcomes = {
            "taken": status.taken,
            "repeated": status.repeated,
            "forged": status.forged,
            "unreadable": status.unreadable,
            "early": status.early,
        }
        yield _counter("callbacks", "Callbacks of providers by what came of them", "outcome", outcomes)

    def _of_stages(self) -> Iterator[Metric]:
        seconds = CounterMetricFamily("firesense_stage_seconds", "Time spent in a stage", labels=["street", "stage"])
        frames = CounterMetricFamily("firesense_stage_frames", "Frames through a stage", labels=["street", "stage"])
        paces: list[tuple[str, Pace]] = [("ingest", one.status.pace) for one in self._running.ingests]
        for street, running in (("alerting", self._running.alerting), ("record", self._running.record)):
            if running is not None:
                paces.append((street, running.status.pace))
        for street, pace in paces:
            for stage, spent in dict(pace.seconds).items():
                seconds.add_metric([street, stage], spent)
                frames.add_metric([street, stage], pace.frames.get(stage, 0))
        yield seconds
        yield frames


def _of_the_house(look: Look) -> Iterator[Metric]:
    tally, counts = look.tally, look.counts
    yield _counter("frames_received", "Frames in the journal since it was begun", "", {"": look.head})
    ended = {"recorded": tally.recorded, "duplicate": tally.duplicate, "quarantined": tally.quarantined}
    yield _counter("frames", "Frames by how they ended", "ended", ended)
    yield _gauge("ledger_balanced", "1 when every frame ended as exactly one", "", {"": int(look.balanced)})
    yield _gauge("street_position", "The next journal offset of a street", "street", look.positions)
    yield _gauge("street_lag_frames", "Frames a street has still to do", "street", look.lags)
    yield _gauge("street_lag_seconds", "Age of the oldest thing a street has to do", "street", look.lag_seconds)
    yield _gauge("journal_frames", "Frames kept in the journal", "", {"": look.head - look.tail})
    yield _gauge("journal_bytes", "Bytes of the journal in use", "", {"": look.used_bytes})
    yield _gauge("journal_disk_free_bytes", "Bytes left of the journal's disk", "", {"": look.free_bytes})
    yield _gauge("alerts_open", "Open alerts", "class", counts.alerts)
    yield _gauge("climbs_open", "Alerts on their way up a ladder", "", {"": counts.climbs})
    yield _gauge("outbox_calls", "Calls not sent yet", "channel", counts.calls)
    yield _gauge("flood_calls", "Calls told in bundles to a person who is flooded", "person", counts.floods)
    yield _gauge("quarantine_frames", "Frames in quarantine", "reason", counts.quarantine)
    yield _gauge("quarantine_bytes", "Their payloads and topics", "", {"": counts.quarantine_bytes})
    quiet = {kind.value: counts.quiet.get(kind.value, 0) for kind in QuietKind}
    yield _gauge("quiet_windows", "Maintenance, shelving and walk tests that are not over", "kind", quiet)
    yield _gauge("strangers", "Unregistered devices that were heard", "", {"": counts.strangers})
    yield _gauge("trouble", "1 for what the operator was told is wrong", "trouble", dict.fromkeys(look.troubles, 1))


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _filled(GaugeMetricFamily(f"firesense_{name}", text, labels=[label] if label else None), label, values)


def _counter(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _filled(CounterMetricFamily(f"firesense_{name}", text, labels=[label] if label else None), label, values)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, label: str, values: Mapping[str, float]
) -> GaugeMetricFamily | CounterMetricFamily:
    for value_of, value in values.items():
        family.add_metric([value_of] if label else [], value)
    return family
