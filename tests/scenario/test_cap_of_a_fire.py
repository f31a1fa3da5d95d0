"""A fire from the detector to the closed case, as other authorities read it."""

from __future__ import annotations

import pytest
from lxml import etree

from firesense.cli import main
from firesense.domain.alert import Finding
from firesense.domain.deed import Actor
from tests.house import SmallHouse, smoke, smoke_device


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path, [smoke_device(1, name="供销社 二楼")])
    yield built
    built.close()


@pytest.fixture
def cap(house, capsysbinary):
    def told(alert, *options):
        """Ask the command line for a message of an alert: its fields, and its English parameters."""
        assert main(["cap", alert, "--config", str(house.folder / "firesense.yaml"), *options]) == 0
        root = etree.fromstring(capsysbinary.readouterr().out)
        said = {etree.QName(child).localname: child.text for child in root if len(child) == 0}
        english = root.findall("{*}info")[1]
        parameters = {pair[0].text: pair[1].text for pair in english.iterfind("{*}parameter")}
        return said, parameters, english.findtext("{*}description")

    return told


def test_raised_climbed_and_closed(house, cap):
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    said, parameters, description = cap(alert.id)
    assert (said["msgType"], said["sender"]) == ("Alert", "99010000000000")
    assert parameters["firesense:threshold"] == "fire and not asserted(test)"
    assert parameters["firesense:device"] == "smoke-1"
    assert "供销社 二楼" in description

    house.wind(seconds=125)
    said, parameters, description = cap(alert.id)
    assert (said["msgType"], said["sent"]) == ("Update", "2026-01-01T08:02:00+08:00")
    assert parameters["firesense:rung"] == "2"
    assert "grid leader, village head" in description

    house.desk.acknowledge(alert.id, Actor("wang-fang"))
    assert cap(alert.id)[0] == said, "who took it is the ladder's own affair"
    house.desk.close(alert.id, Actor("wang-fang"), Finding.FALSE_ALARM, "", though_firing=True)
    assert cap(alert.id)[0]["msgType"] == "Cancel"
    assert cap(alert.id, "--message", "1")[0] == said


def test_what_cannot_be_written_is_said(house, capsys):
    config = ["--config", str(house.folder / "firesense.yaml")]
    assert main(["cap", "NOBODY", *config]) == 1
    assert "there is no alert NOBODY" in capsys.readouterr().err
    house.hear(smoke(house.clock, alarm=1))
    [alert] = house.open_alerts()
    assert main(["cap", alert.id, "--message", "3", *config]) == 1
    assert "CAP messages 0 to 0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["cap", alert.id, "--sender", "me", *config])
    assert "'me' is not 14 digits" in capsys.readouterr().err
