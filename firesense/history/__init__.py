"""Histories: where readings are kept, behind one documented schema (docs/history-schema.md)."""

from firesense.history.influx import InfluxV1History, InfluxV2History, InfluxV3History, VictoriaMetricsHistory
from firesense.history.sqlite import SqliteHistory

__all__ = ["InfluxV1History", "InfluxV2History", "InfluxV3History", "SqliteHistory", "VictoriaMetricsHistory"]
