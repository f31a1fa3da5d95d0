"""Fixtures of the stories: what somebody types beside the house."""

import pytest

from firesense.cli import main


@pytest.fixture
def firesense(house, capsys):
    """Run a command on the house's settings; gives what it printed or, where it ends with another code, its errors."""

    def run(*words, code=0):
        assert main([*words, "--config", str(house.folder / "firesense.yaml")]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return run
