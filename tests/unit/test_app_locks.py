from __future__ import annotations

import os

import pytest

from firesense.app.locks import lasting_name, sole_owner
from firesense.domain.errors import FiresenseError


def test_a_street_has_one_owner_and_the_second_is_told_which(tmp_path):
    with sole_owner(tmp_path, {"duty", "web"}):
        with (
            pytest.raises(FiresenseError, match=f"duty runs already .*: process {os.getpid()}"),
            sole_owner(tmp_path, {"duty"}),
        ):
            pass
        with sole_owner(tmp_path, {"ingest"}):
            pass
    with sole_owner(tmp_path, {"duty"}):
        pass


def test_a_data_folder_keeps_its_name_and_no_other_has_it(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert lasting_name(here) == lasting_name(here)
    assert lasting_name(here) != lasting_name(there)


def test_a_name_of_which_nothing_was_written_is_given_anew(tmp_path):
    (tmp_path / "name").touch()
    assert lasting_name(tmp_path) == lasting_name(tmp_path) != ""
