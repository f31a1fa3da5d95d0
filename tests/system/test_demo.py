"""The demo acts the main job by itself, on either broker, and says whether all went right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import free_port

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
def test_the_fire_climbs_to_the_station_and_the_acknowledgement_stops_it(tmp_path, broker):
    data = tmp_path / "demo"
    words = ["demo", "--scenario", "--devices", "60", "--broker", broker, "--data", str(data)]
    acted = subprocess.run(
        [sys.executable, "-m", "firesense.cli", *words, "--port", str(free_port())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert acted.returncode == 0, acted.stdout[-3000:] + acted.stderr[-3000:]
    told = acted.stdout
    assert "smoke density, dB/m" in told
    assert told.index("zhang-wei role=grid-member") < told.index("role=station-duty") < told.index("acknowledged")
    assert "the acknowledgement stopped the climb" in told
    balanced = subprocess.run(
        [sys.executable, "-m", "firesense.cli", "ledger", "--config", str(data / "firesense.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert balanced.returncode == 0, balanced.stdout


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    refused = subprocess.run(
        [sys.executable, "-m", "firesense.cli", "demo", "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "not a demo's data" in refused.stderr
    assert (tmp_path / "photos").exists()
