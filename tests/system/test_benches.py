"""The benchmarks still run: each with next to nothing to do. What they measure is not looked at here."""

import sys

import pytest

from tests.servers import run_to_end
from tests.torture.house import ROOT

SMALL = {
    "figures": ["-m", "tests.bench.figures", "300"],
    "desk": ["-m", "tests.bench.desk", "20", "1"],
    "storm": ["tests/bench/storm.py"],
    "catchup": ["tests/bench/catchup.py"],
    "stages": ["tests/bench/stages.py", "1000", "1000"],
}
SIZES = {"FIRES": "20", "SECONDS": "1", "CLIMBS": "200", "FRAMES": "2000"}


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_runs_to_its_end(name, tmp_path, monkeypatch):
    for variable, value in (SIZES | {"PYTHONPATH": str(ROOT), "RESULTS": str(tmp_path)}).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(ROOT)
    done = run_to_end([sys.executable, *SMALL[name]], timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
