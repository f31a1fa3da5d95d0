"""A thousand fires at once: everybody is called at once, once, and each fire climbs by itself, over a restart."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from firesense.domain.escalation import Ladder, Rung, Selector
from tests.house import SmallHouse, smoke, smoke_device

FIRES = 1000
RUNGS = tuple(Rung((role,), ("log", "mqtt"), timedelta(minutes=2)) for role in ("grid-member", "grid-leader"))


def test_a_thousand_fires_in_one_breath(tmp_path):
    house = SmallHouse(tmp_path, [smoke_device(number) for number in range(FIRES)])
    house.book.install(house.book.org(), [Ladder("fire", RUNGS, repeat=None)], [Selector("fire")])
    house.hear(*(smoke(house.clock, number, alarm=1) for number in range(FIRES)))
    alerts = house.book.alerts(most=2 * FIRES)
    assert len({alert.device for alert in alerts}) >= FIRES, "each detector has an alert, and the coincidence besides"
    assert Counter((told.person, told.channel) for told in house.told) == {
        ("zhang-wei", "log"): len(alerts),
        ("zhang-wei", "mqtt"): len(alerts),
    }
    assert {told.after for told in house.told} == {0}
    taken = alerts[0]
    house.book.acknowledge(taken.id, "zhang-wei", house.clock.now())
    house.clock.at += 2 * 60 * 1_000_000
    house.start()  # the daemon was started again meanwhile
    house.settle()
    assert Counter(told.person for told in house.told if told.after) == {"wang-fang": 2 * (len(alerts) - 1)}
    assert house.balanced
    house.close()
