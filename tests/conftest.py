"""Fixtures every suite may use: the real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers import InfluxDB, Mosquitto, PostgreSQL, VictoriaMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One for all: it takes seconds to make, and each test has a database of its own."""
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def database_url(postgresql: PostgreSQL) -> Iterator[str]:
    """An empty database of this test's own, as SQLAlchemy calls it."""
    name = postgresql.new_database()
    yield postgresql.url(name)
    postgresql.ask(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def influxdb(tmp_path: Path) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path / "influxdb") as server:
        yield server


@pytest.fixture
def victoria_metrics(tmp_path: Path) -> Iterator[VictoriaMetrics]:
    with VictoriaMetrics(tmp_path / "victoria-metrics") as server:
        yield server
