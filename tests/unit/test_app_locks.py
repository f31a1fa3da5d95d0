from __future__ import annotations

import os

import pytest

from firesense.app.locks import sole_owner
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
