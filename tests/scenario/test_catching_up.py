"""Alerting is far behind, and a detector says fire now: people hear of it at once, and of one fire once."""

from __future__ import annotations

import asyncio
import json

import pytest

from firesense.app.plugs import make_reader
from firesense.domain.alert import Condition, Finding
from firesense.domain.deed import Actor, Ground
from firesense.domain.errors import BookError
from firesense.domain.instant import DAY, MINUTE, SECOND
from firesense.scout import Scout
from tests.frames import batch_of
from tests.house import SmallHouse, smoke, smoke_device

MANY = 150  # frames
OFFICER = Actor("chen-jie")


class LateHouse(SmallHouse):
    """A house whose alerting has a backlog: frames get into the journal, and only the scout and duty work."""

    def start(self):
        super().start()
        self.scout = Scout(
            self.journal,
            self.book,
            self.clock,
            self.keeper.current,
            lambda plan, only: make_reader(self.settings, plan, None, only),
            kinds={"log": "log", "mqtt": "mqtt"},
        )

    def journalled(self, *frames):
        """Frames that were received now and wait."""
        written = [(topic, json.dumps(says) if isinstance(says, dict) else says) for topic, says in frames]
        self.journal.append(batch_of(*written, received_at=self.clock.at))
        self.clock.at += SECOND

    def backlog(self, *first):
        """Frames that have waited for long, these at their beginning."""
        self.journalled(*first, *(smoke(self.clock, 1 + n % 3, temp=20 + n / 100) for n in range(MANY)))
        self.clock.at += MINUTE

    def scouted(self):
        """Let the scout look at everything, and the calls be made; says how many stretches there were."""
        stretches = 0
        while self.scout.step():
            stretches += 1
        asyncio.run(self._duty())
        return stretches

    def judged_while_the_scout_raises(self, monkeypatch):
        """Alerting has begun a stretch, the scout looks at what has just come in, and then alerting writes."""
        read = self.alerting._reader.read

        def late(batch):
            monkeypatch.setattr(self.alerting._reader, "read", read)
            assert self.scouted()
            return read(batch)

        monkeypatch.setattr(self.alerting, "_most", 50)
        monkeypatch.setattr(self.alerting._reader, "read", late)
        self.alerting.step()

    def scouted_while_alerting_judges(self, monkeypatch):
        """The scout has seen what is open, alerting does the whole backlog, and then the scout writes."""
        look = self.scout._look_at_open_alerts

        def then_judged():
            monkeypatch.setattr(self.scout, "_look_at_open_alerts", look)
            look()
            self.settle()

        monkeypatch.setattr(self.scout, "_look_at_open_alerts", then_judged)
        assert self.scouted()

    def fires(self):
        return [
            (alert.device, alert.condition, alert.trips) for alert in self.open_alerts() if alert.rule == "smoke-fire"
        ]


@pytest.fixture
def house(tmp_path):
    late = LateHouse(tmp_path, [smoke_device(n) for n in range(1, 6)])
    late.alerting.step()
    yield late
    late.close()


def test_a_fresh_fire_does_not_wait_for_the_backlog(house):
    house.backlog()
    assert house.scouted() == 0
    house.journalled(smoke(house.clock, 4, alarm=1))
    assert house.scouted() == 1
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]
    assert house.people_told()
    assert house.book.position("alerting") == 0


def test_alerting_raises_nothing_twice_when_it_gets_there(house):
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.scouted()
    told = [(call.person, call.channel) for call in house.told_of("fire")]
    house.settle()
    assert house.book.position("alerting") == house.journal.head
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]
    assert [(call.person, call.channel) for call in house.told_of("fire")] == told


def test_what_the_backlog_says_of_the_same_device_does_not_end_the_alarm(house):
    house.backlog(smoke(house.clock, 4, alarm=1), smoke(house.clock, 4, ts=house.clock.now() // 1000 + 1, alarm=0))
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.scouted()
    house.settle()
    [(device, condition, _)] = house.fires()
    assert (device, condition) == ("smoke-4", Condition.FIRING)


def test_a_fire_in_the_backlog_that_goes_on_is_the_same_alert(house):
    house.backlog(smoke(house.clock, 4, alarm=1))
    house.alerting.step()
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.scouted()
    house.settle()
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]


def test_a_stranger_that_says_fire_does_not_wait_either(house):
    house.backlog()
    house.journalled(smoke(house.clock, 99, alarm=1))
    house.scouted()
    house.settle()
    assert [alert.device for alert in house.open_alerts() if alert.alert_class == "fire"] == ["?S99"]


def test_of_a_stranger_that_speaks_up_again_a_day_later_one_flag_is_one_more_alert(house):
    house.hear(smoke(house.clock, 99, alarm=1))
    [yesterday] = house.open_alerts()
    house.desk.acknowledge(yesterday.id, Actor("operator"))
    house.clock.at += DAY
    house.backlog()
    house.journalled(smoke(house.clock, 99, alarm=1))
    flagged_at = house.clock.at - SECOND
    house.scouted()
    told = len(house.told_of("fire"))
    today = next(alert for alert in house.open_alerts() if alert.id != yesterday.id)
    assert today.event_at == flagged_at
    house.desk.acknowledge(today.id, Actor("operator"))
    house.settle()
    house.journalled(smoke(house.clock, 99, alarm=1))
    house.settle()
    strange = [(alert.id, alert.trips) for alert in house.open_alerts() if alert.of_stranger]
    assert strange == [(today.id, 1), (yesterday.id, 1)]
    assert len(house.told_of("fire")) == told


def test_of_a_strangers_flags_in_the_backlog_and_at_the_head_one_alert_comes(house):
    house.hear(smoke(house.clock, 99, alarm=1))
    [yesterday] = house.open_alerts()
    house.desk.acknowledge(yesterday.id, Actor("operator"))
    house.clock.at += DAY
    house.backlog(smoke(house.clock, 99, alarm=1))
    house.journalled(smoke(house.clock, 99, alarm=1))
    house.scouted()
    told = len(house.told_of("fire"))
    house.settle()
    assert len([alert for alert in house.open_alerts() if alert.of_stranger]) == 2
    assert len(house.told_of("fire")) == told


def test_nor_does_a_fire_flag_in_a_frame_that_cannot_be_used(house):
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1, temp="hot"))
    house.scouted()
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]
    told = len(house.told_of("fire"))
    house.settle()
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]
    assert len(house.told_of("fire")) == told
    assert house.balanced


def test_only_fire_is_looked_for(house):
    house.backlog()
    house.journalled(smoke(house.clock, 4, fault=1, test=1))
    house.scouted()
    assert house.open_alerts() == []


def test_the_scout_rests_while_alerting_is_near(house):
    house.journalled(smoke(house.clock, 4, alarm=1))
    assert house.scouted() == 0
    assert house.scout.resting
    assert house.open_alerts() == []


def test_it_rests_again_when_the_backlog_is_done(house):
    house.backlog()
    house.journalled(smoke(house.clock, 4))
    house.scouted()
    assert not house.scout.resting
    house.settle()
    assert house.scouted() == 0
    assert house.scout.resting


def test_killed_it_goes_on_and_tells_nobody_twice(house):
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.scouted()
    house.start()
    house.journalled(smoke(house.clock, 5, alarm=1))
    house.scouted()
    assert [device for device, _, _ in sorted(house.fires())] == ["smoke-4", "smoke-5"]
    house.start()
    house.settle()
    assert [device for device, _, _ in sorted(house.fires())] == ["smoke-4", "smoke-5"]
    told = [(call.person, call.channel, call.title) for call in house.told]
    assert len(told) == len(set(told))
    assert {title for _, _, title in told} == {call.title for call in house.told_of("fire")}


def test_scout_and_alerting_that_see_one_fire_in_the_same_moment_make_one_alert(house, monkeypatch):
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.judged_while_the_scout_raises(monkeypatch)
    [(device, condition, trips)] = house.fires()
    assert (device, condition, trips) == ("smoke-4", Condition.FIRING, 2)
    told = len(house.told_of("fire"))
    house.settle()
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]
    assert len(house.told_of("fire")) == told

    house.journalled(smoke(house.clock, 4, alarm=0))
    house.settle()
    assert [condition for _, condition, _ in house.fires()] == [Condition.LATCHED]


def test_what_ended_before_the_scouts_fire_began_does_not_end_it(house, monkeypatch):
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.clock.at += SECOND
    house.journalled(smoke(house.clock, 4, alarm=0))
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.judged_while_the_scout_raises(monkeypatch)
    assert [(device, condition) for device, condition, _ in house.fires()] == [("smoke-4", Condition.FIRING)]
    house.settle()
    assert [(device, condition) for device, condition, _ in house.fires()] == [("smoke-4", Condition.FIRING)]


def test_a_fire_that_alerting_has_raised_and_seen_out_while_the_scout_looked_is_not_raised_by_it(house, monkeypatch):
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))  # the scout begins in the midst of it: another id than alerting's
    house.journalled(smoke(house.clock, 4, alarm=0))
    house.scouted_while_alerting_judges(monkeypatch)
    assert [(device, condition) for device, condition, _ in house.fires()] == [("smoke-4", Condition.LATCHED)]
    told = [(call.person, call.channel, call.title) for call in house.told_of("fire")]
    assert told
    assert len(told) == len(set(told))
    house.settle()
    assert len(house.fires()) == 1


SPOKEN_ON = {
    "verified": lambda desk, alert: desk.verify(alert, OFFICER, Finding.FALSE_ALARM),
    "silenced": lambda desk, alert: desk.silence(alert, OFFICER, Ground.BELOW_LIMIT),
    "reset": lambda desk, alert: desk.reset(alert, OFFICER),
}


@pytest.mark.parametrize("spoken_on", SPOKEN_ON)
def test_a_fire_anew_at_a_device_whose_case_somebody_has_spoken_on_does_not_wait_either(house, spoken_on):
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.journalled(smoke(house.clock, 4, alarm=0))
    house.settle()
    [fire] = house.open_alerts()
    SPOKEN_ON[spoken_on](house.desk, fire.id)
    house.settle()
    told = len(house.told_of("fire"))
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.scouted()
    told_at_once = len(house.told_of("fire"))
    assert told_at_once > told
    assert house.fires() == [("smoke-4", Condition.FIRING, 2)]

    house.settle()
    assert len(house.told_of("fire")) == told_at_once, "of one fire once"
    assert [(device, condition) for device, condition, _ in house.fires()] == [("smoke-4", Condition.FIRING)]


def test_a_fire_anew_that_alerting_has_seen_out_meanwhile_does_not_fire_for_ever(house, monkeypatch):
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.journalled(smoke(house.clock, 4, alarm=0))
    house.settle()
    house.backlog()
    house.journalled(smoke(house.clock, 4, alarm=1))
    house.journalled(smoke(house.clock, 4, alarm=0))
    house.scouted_while_alerting_judges(monkeypatch)
    assert house.fires() == [("smoke-4", Condition.LATCHED, 2)]


def test_a_fire_found_while_the_book_was_away_does_not_wait_for_the_backlog(house, monkeypatch):
    house.backlog()
    house.journalled(smoke(house.clock, 5))
    house.scouted()
    house.journalled(smoke(house.clock, 4, alarm=1))

    def away(_outcome):
        raise BookError("away")

    with monkeypatch.context() as outage:
        outage.setattr(house.book, "commit", away)
        with pytest.raises(BookError):
            house.scout.step()
    house.clock.at += MINUTE
    house.journalled(smoke(house.clock, 5))
    house.scouted()
    assert [device for device, _, _ in house.fires()] == ["smoke-4"]
    assert house.people_told()
