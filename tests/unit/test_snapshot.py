"""Rule state on disk: what was saved is loaded, and what is damaged is set aside."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from firesense.snapshot import SnapshotFile

STATE = {
    "newest/smoke": np.arange(1000, dtype=np.int64),
    "gateways/x@1": np.array(["gw-1", "网关"], np.str_),
    "empty": np.empty((0, 3), np.int64),
}


@pytest.fixture
def file(tmp_path):
    return SnapshotFile(tmp_path / "rules.state")


def test_what_was_saved_is_loaded(file):
    file.save(77, STATE)
    file.save(78, STATE)
    offset, state = file.load()
    assert offset == 78
    assert state.keys() == STATE.keys()
    assert all((state[name] == column).all() and state[name].dtype == column.dtype for name, column in STATE.items())
    assert not file.damaged


def test_without_one_there_is_none(file):
    assert file.load() is None
    assert not file.damaged


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.9, 0.9999])
def test_a_changed_byte_or_a_missing_end_sets_it_aside(file, tmp_path, share):
    path, aside = tmp_path / "rules.state", tmp_path / "rules.state.damaged"
    for damage in ("flipped", "short"):
        file.save(77, STATE)
        body = bytearray(path.read_bytes())
        at = int(share * len(body))
        if damage == "flipped":
            body[at] ^= 0x10
        else:
            del body[at:]
        path.write_bytes(body)
        assert file.load() is None
        assert file.damaged
        assert aside.read_bytes() == body
        assert not path.exists()


def test_something_else_with_a_right_checksum_is_set_aside(file, tmp_path):
    (tmp_path / "rules.state").write_bytes(b"\x00" * 4)  # nothing, and the checksum of nothing
    assert file.load() is None
    assert file.damaged


def test_saving_much_takes_little_memory(file):
    state = {"cells": np.ones(4_000_000)}
    tracemalloc.start()
    file.save(1, state)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < state["cells"].nbytes
