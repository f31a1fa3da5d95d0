"""The reader: whose a topic is, what is a duplicate, and that every frame ends in exactly one place."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firesense.domain.device import Device, Registry
from firesense.domain.frame import FrameBatch, Marks, Reason
from firesense.domain.instant import SECOND
from firesense.domain.profile import MetricSpec, Profile, SignalSpec, TimeFormat, TimeSpec
from firesense.domain.readings import Quality
from firesense.profiles import load_profiles
from firesense.reader import LONGEST_NAME, Reader, TopicPattern, subscriptions
from tests.frames import T0, batch_of

PROFILES = load_profiles(Path(__file__).parents[2] / "device_profiles")
DEVICES = [
    ("firesense-smoke", "SM-1", 0),
    ("firesense-smoke", "SM-2", 1),
    ("zigbee2mqtt-smoke", "hall/smoke 1", 2),
    ("yobiiq-sd1001", "a1b2c3d4e5f60719", 3),
    ("sept-tg563a", "a1b2c3d4e5f60718", 4),
    ("meokon-pressure", "SHRP25090120", 0),
    ("milesight-em300-th", "a1b2c3d4e5f6071c", 0),
]
ONE = "a55a00002953485250323530393031323034d0000000010100000009c4025d68ffb887025d843e55aa"


def _registry(*devices):
    return Registry(
        Device(f"device-{n}", PROFILES[profile].device_class, profile, external_id, "village-1", slot)
        for n, (profile, external_id, slot) in enumerate(devices or DEVICES)
    )


def _batch(*frames, first_offset=0, **rest):
    batch = batch_of(*frames, **rest)
    return FrameBatch(
        batch.source, batch.topics, batch.payloads, batch.received_at, batch.marks, batch.packet_ids, first_offset
    )


def _smoke(device, *, seconds=0, **fields):
    return f"firesense/smoke/{device}/up", json.dumps({"ts": (T0 + seconds * SECOND) // 1000, "alarm": 0} | fields)


def _uplink(device, **fields):
    return f"application/7/device/{device}/event/up", json.dumps({"time": "2026-01-01T00:00:00Z", "object": fields})


def _ends(read):
    """Count where each offset ended; rows of one frame count once."""
    recorded = [offset for table in read.tables for offset in sorted(set(table.offsets.tolist()))]
    return Counter([*recorded, *(refusal.offset for refusal in read.refusals), *read.duplicate_offsets.tolist()])


def _as_lists(read):
    return (
        [
            (
                table.profile,
                *(column.tolist() for column in (table.slots, table.event_at, table.offsets, table.quality)),
                {name: [repr(value) for value in column.tolist()] for name, column in table.metrics.items()},
                {name: column.tolist() for name, column in table.signals.items()},
            )
            for table in read.tables
        ],
        read.refusals,
        read.duplicate_offsets.tolist(),
        read.strangers,
        read.recorded,
        [(table.slots.tolist(), table.offsets.tolist(), table.quality.tolist()) for table in read.salvaged],
    )


def test_frames_of_many_profiles_become_a_table_each():
    read = Reader(PROFILES, _registry()).read(
        _batch(
            _smoke("SM-2", temp=21),
            ("zigbee2mqtt/hall/smoke 1", '{"smoke":true}'),
            _uplink("a1b2c3d4e5f60719", smokeAlarm="Alarm"),
            _uplink("a1b2c3d4e5f60718", smokeAlarm=1),
            _smoke("SM-1", temp=22),
            ("GIOT-GW/UL/SHRP25090120", ONE),
            _uplink("a1b2c3d4e5f6071c", temperature=4.4),
            first_offset=40,
        )
    )
    assert read.refusals == []
    assert read.recorded == 7
    tables = {table.profile: table for table in read.tables}
    assert tables["firesense-smoke"].slots.tolist() == [1, 0]
    assert tables["firesense-smoke"].offsets.tolist() == [40, 44]
    assert tables["firesense-smoke"].metrics["temperature"].tolist() == [21, 22]
    assert tables["zigbee2mqtt-smoke"].signals["fire"].tolist() == [1]
    assert tables["yobiiq-sd1001"].slots.tolist() == [3]
    assert tables["sept-tg563a"].slots.tolist() == [4]
    assert tables["milesight-em300-th"].metrics["water_temperature"].tolist() == [4.4]
    assert tables["meokon-pressure"].device_class == "water"


def test_two_readers_give_the_same():
    frames = [_smoke(f"SM-{n % 4}", seconds=n // 3, temp=n) for n in range(30)]
    batch = _batch(*frames, ("nowhere", b"\xff"), _uplink("a1b2c3d4e5f60719", smokeAlarm="Alarm"))
    left, right = (Reader(PROFILES, _registry()).read(batch) for _ in range(2))
    assert _as_lists(left) == _as_lists(right)
    assert left.recorded


def test_a_bad_frame_costs_itself_and_says_whose_it_is():
    read = Reader(PROFILES, _registry()).read(
        _batch(_smoke("SM-1"), ("firesense/smoke/SM-2/up", b'{"ts":'), _smoke("SM-1", seconds=1), first_offset=7)
    )
    (refusal,) = read.refusals
    assert (refusal.offset, refusal.reason, refusal.payload) == (8, Reason.MALFORMED, b'{"ts":')
    assert (refusal.profile, refusal.external_id, refusal.source) == ("firesense-smoke", "SM-2", "main")
    assert refusal.received_at == T0 + 1
    assert read.tables[0].offsets.tolist() == [7, 9]


def test_an_oversized_frame_is_refused_unread():
    read = Reader(PROFILES, _registry(), max_payload=60).read(
        _batch(_smoke("SM-1"), _smoke("SM-1", x="y" * 60), ("nowhere", "x" * 61))
    )
    assert [(refusal.offset, refusal.reason) for refusal in read.refusals] == [
        (1, Reason.OVERSIZED),
        (2, Reason.OVERSIZED),
    ]
    assert read.refusals[0].external_id == "SM-1"
    assert read.recorded == 1


def test_an_unknown_topic_is_refused():
    read = Reader(PROFILES, _registry()).read(_batch(("firesense/smoke/SM-1/down", "{}"), ("", "{}")))
    assert [refusal.reason for refusal in read.refusals] == [Reason.UNKNOWN_TOPIC] * 2


def test_service_topics_are_no_strangers():
    frames = [("zigbee2mqtt/hall/smoke 1/availability", "online"), ("zigbee2mqtt/bridge/state", '{"state":"online"}')]
    read = Reader(PROFILES, _registry()).read(_batch(*frames))
    assert [(refusal.reason, refusal.external_id) for refusal in read.refusals] == [(Reason.EMPTY, "")] * 2


# -- strangers -----------------------------------------------------------------------------------------------------
def test_an_unknown_device_is_refused_with_the_profile_that_reads_it():
    read = Reader(PROFILES, _registry()).read(
        _batch(_smoke("SM-9", temp=20), _uplink("ffff", smokeAlarm="Normal"), ("firesense/smoke/SM-8/up", "{"))
    )
    assert [(refusal.reason, refusal.profile, refusal.external_id) for refusal in read.refusals] == [
        (Reason.UNKNOWN_DEVICE, "firesense-smoke", "SM-9"),
        (Reason.UNKNOWN_DEVICE, "yobiiq-sd1001", "ffff"),
        (Reason.UNKNOWN_DEVICE, "", "SM-8"),
    ]
    assert read.strangers == []


def test_a_fire_flag_of_an_unknown_device_is_heard():
    read = Reader(PROFILES, _registry()).read(
        _batch(
            _smoke("SM-9", seconds=-5, alarm=1),
            _smoke("SM-9", alarm=1, test=1),
            _uplink("ffff", smokeAlarm="Alarm", testButtonPressed="Pushed"),
            _uplink("fffe", smokeAlarm="Alarm"),
            _uplink("fffd", smokeAlarm=1, temperature=60),
            ("zigbee2mqtt/attic", '{"smoke":true}'),
            first_offset=10,
        )
    )
    assert [
        (fire.offset, fire.external_id, fire.profile, fire.event_at, fire.received_at) for fire in read.strangers
    ] == [
        (10, "SM-9", "firesense-smoke", T0 - 5 * SECOND, T0),
        (13, "fffe", "yobiiq-sd1001", T0, T0 + 3),
        (14, "fffd", "sept-tg563a", T0, T0 + 4),
        (15, "attic", "zigbee2mqtt-smoke", T0 + 5, T0 + 5),
    ]
    assert {refusal.reason for refusal in read.refusals} == {Reason.UNKNOWN_DEVICE}
    assert len(read.refusals) == 6


def test_a_device_is_read_by_the_profile_it_is_registered_with():
    """An unknown device's fire flag is believed from any profile; a registered one is read by its own only."""
    registry = _registry(("decentlab-dl-pr21", "ffff", 0))
    read = Reader(PROFILES, registry).read(_batch(_uplink("ffff", smokeAlarm=1)))
    assert [(refusal.reason, refusal.profile) for refusal in read.refusals] == [(Reason.EMPTY, "decentlab-dl-pr21")]
    assert read.strangers == []


def _named_by_payload(name, field):
    return Profile(
        name,
        "smoke",
        "json",
        ("push/+",),
        timedelta(minutes=5),
        (MetricSpec("temperature", "t", "degC"),),
        (SignalSpec("fire", field, (1,)),),
        device_source="imei",
    )


def test_a_payload_may_name_its_device():
    profiles = {name: _named_by_payload(name, name) for name in ("alpha", "beta")}
    registry = Registry(
        [
            Device("a", "smoke", "alpha", "861", "p", 0),
            Device("b", "smoke", "beta", "862", "p", 1),
            Device("c", "smoke", "beta", "863", "p", 2),
        ]
    )
    frames = [
        '{"imei":"862","t":20}',
        '{"imei":861,"t":21}',
        '{"imei":"863","t":true}',
        '{"imei":"900","beta":1}',
        '{"t":22}',
        "{",
        '{"imei":"863","t":23,"beta":1}',
    ]
    read = Reader(profiles, registry).read(_batch(*(("push/x", frame) for frame in frames)))
    assert [(table.profile, table.slots.tolist(), table.offsets.tolist()) for table in read.tables] == [
        ("alpha", [0], [1]),
        ("beta", [1, 2], [0, 6]),
    ]
    assert [(refusal.offset, refusal.reason, refusal.external_id) for refusal in read.refusals] == [
        (2, Reason.WRONG_TYPE, "863"),
        (3, Reason.UNKNOWN_DEVICE, "900"),
        (4, Reason.UNKNOWN_DEVICE, ""),
        (5, Reason.MALFORMED, ""),
    ]
    assert [(fire.external_id, fire.profile) for fire in read.strangers] == [("900", "beta")]


# -- fires in frames that cannot be used ---------------------------------------------------------------------------
def _salvaged(read):
    return [
        (table.profile, slot, offset, event_at, Quality(quality))
        for table in read.salvaged
        for slot, offset, event_at, quality in zip(
            *(column.tolist() for column in (table.slots, table.offsets, table.event_at, table.quality)), strict=True
        )
    ]


def test_a_fire_flag_in_a_frame_that_cannot_be_used_is_handed_on():
    read = Reader(PROFILES, _registry()).read(
        _batch(
            _smoke("SM-1", alarm=1, temp="hot"),
            _smoke("SM-2", alarm=0, temp="hot"),
            _smoke("SM-2", alarm=1, test=1, temp="hot"),
            _smoke("SM-2", alarm=2, bat="90%"),
            _smoke("SM-1"),
            ("firesense/smoke/SM-1/up", '{"alarm":1,"temp":2'),
            ("application/7/device/a1b2c3d4e5f60719/event/up", '{"time":"2026-01-01","object":{"smokeAlarm":"Alarm"}}'),
            ("zigbee2mqtt/hall/smoke 1", '{"smoke":true,"battery":"90"}'),
            first_offset=20,
        )
    )
    assert _salvaged(read) == [
        ("firesense-smoke", 0, 20, T0, Quality.SALVAGED),
        ("firesense-smoke", 1, 23, T0 + 3, Quality.SALVAGED | Quality.UNKNOWN_VALUE),
        ("yobiiq-sd1001", 3, 26, T0 + 6, Quality.SALVAGED),
        ("zigbee2mqtt-smoke", 2, 27, T0 + 7, Quality.SALVAGED),
    ]
    assert [table.offsets.tolist() for table in read.tables] == [[24]]
    assert read.judged == [*read.salvaged, *read.tables]
    assert [refusal.offset for refusal in read.refusals] == [20, 21, 22, 23, 25, 26, 27]
    assert read.recorded == 1


def test_a_fire_flag_that_is_put_back_was_heard_when_it_came_first():
    frame = _smoke("SM-1", alarm=1, temp="hot")
    for marks, heard in ((Marks(0), 1), (Marks.RETAINED, 1), (Marks.REPLAYED, 0), (Marks.REPEATED, 0)):
        read = Reader(PROFILES, _registry()).read(_batch(frame, marks=marks))
        assert len(read.salvaged) == heard


def test_a_frame_that_is_too_large_is_not_looked_into():
    read = Reader(PROFILES, _registry(), max_payload=60).read(_batch(_smoke("SM-1", alarm=1, x="y" * 60)))
    assert read.salvaged == []


def test_a_fire_flag_is_handed_on_where_the_payload_names_the_device():
    profiles = {name: _named_by_payload(name, name) for name in ("alpha", "beta")}
    registry = Registry([Device("c", "smoke", "beta", "863", "p", 2)])
    frames = ['{"imei":"863","t":"hot","beta":1}', '{"imei":"900","t":"hot","beta":1}']
    read = Reader(profiles, registry).read(_batch(*(("push/x", frame) for frame in frames)))
    assert _salvaged(read) == [("beta", 2, 0, T0, Quality.SALVAGED)]
    assert [(fire.external_id, fire.profile, fire.offset) for fire in read.strangers] == [("900", "beta", 1)]
    assert [(refusal.reason, refusal.profile, refusal.external_id) for refusal in read.refusals] == [
        (Reason.WRONG_TYPE, "beta", "863"),
        (Reason.UNKNOWN_DEVICE, "beta", "900"),
    ]


def test_a_fire_flag_of_an_unknown_device_is_heard_in_a_frame_that_cannot_be_read():
    read = Reader(PROFILES, _registry()).read(
        _batch(
            _smoke("SM-9", alarm=1, temp="hot"),
            _smoke("SM-8", alarm=1, test=1, temp="hot"),
            _uplink("ffff", smokeAlarm="Alarm", batteryLevelInPercentage="90%", temperature=20),
            _uplink("fffe", smokeAlarm="Normal", batteryLevelInPercentage="90%"),
        )
    )
    assert [(fire.external_id, fire.profile, fire.event_at) for fire in read.strangers] == [
        ("SM-9", "firesense-smoke", T0),
        ("ffff", "yobiiq-sd1001", T0 + 2),
    ]
    assert [(refusal.reason, refusal.profile, refusal.external_id) for refusal in read.refusals] == [
        (Reason.UNKNOWN_DEVICE, "firesense-smoke", "SM-9"),
        (Reason.UNKNOWN_DEVICE, "", "SM-8"),
        (Reason.UNKNOWN_DEVICE, "yobiiq-sd1001", "ffff"),
        (Reason.UNKNOWN_DEVICE, "", "fffe"),
    ]
    assert "cannot read" not in read.refusals[0].detail
    assert "no profile can read all of it: Expected `float | null`, got `str`" in read.refusals[0].detail


def test_a_value_nobody_listed_is_a_strangers_fire_unless_another_profile_lists_it():
    def profile(name, asserted, cleared):
        signals = SignalSpec("fire", "state", asserted, cleared=cleared), SignalSpec("heat", "hot")
        return Profile(name, "smoke", "json", ("x/{device}",), timedelta(minutes=5), (), signals)

    profiles = {"alpha": profile("alpha", (1,), (0,)), "beta": profile("beta", (2,), (0, 1, 3))}
    frames = [("x/d", json.dumps({"state": state, "hot": False})) for state in (0, 1, 2, 3, 4, -1)]
    read = Reader(profiles, Registry()).read(_batch(*frames))
    assert [(fire.offset, fire.profile) for fire in read.strangers] == [
        (1, "alpha"),
        (2, "beta"),
        (4, "alpha"),
        (5, "alpha"),
    ]


def test_a_name_of_any_length_is_cut_where_people_read_it():
    long = "x" * 60_000
    read = Reader(PROFILES, _registry()).read(
        _batch(_smoke(long, alarm=1), _smoke(long + "y", alarm=1), _smoke(long, alarm=1, temp="hot"))
    )
    names = [fire.external_id for fire in read.strangers]
    assert names[0] == names[2] != names[1]
    assert {len(name) for name in names} == {len(fire.topic) for fire in read.strangers} == {LONGEST_NAME}
    assert [refusal.external_id for refusal in read.refusals] == names
    assert read.refusals[0].topic == f"firesense/smoke/{long}/up"
    named = {"alpha": _named_by_payload("alpha", "alpha")}
    read = Reader(named, Registry()).read(_batch(("push/x", json.dumps({"imei": long, "alpha": 1}))))
    assert read.strangers[0].external_id == names[0]
    known = Registry([Device("a", "smoke", "alpha", long, "p", 0)])
    read = Reader(named, known).read(_batch(("push/x", json.dumps({"imei": long, "alpha": 1, "t": "hot"}))))
    assert len(read.salvaged) == 1
    assert read.refusals[0].external_id == names[0]


def test_long_topics_are_not_remembered():
    reader = Reader(PROFILES, _registry())
    reader.read(_batch(_smoke("x" * 60_000), _smoke("SM-1")))
    assert list(reader._routes) == ["firesense/smoke/SM-1/up"]


# -- duplicates and marks ------------------------------------------------------------------------------------------
def test_a_frame_said_again_is_a_duplicate():
    reader = Reader(PROFILES, _registry())
    first, second = _smoke("SM-1"), _smoke("SM-1", seconds=1)
    read = reader.read(_batch(first, _smoke("SM-2"), first, second, second))
    assert read.duplicate_offsets.tolist() == [2, 4]
    assert read.recorded == 3
    read = reader.read(_batch(second, first, _smoke("SM-2"), first_offset=5))
    assert read.duplicate_offsets.tolist() == [5, 7]
    assert read.tables[0].offsets.tolist() == [6]  # not the last one any more: recorded again, which changes nothing


def test_a_stretch_of_the_journal_that_is_read_again_is_recorded_again():
    """The history goes back after an outage: what was a reading is one again, what was a duplicate is one again."""
    reader = Reader(PROFILES, _registry())
    frames = [_smoke("SM-1"), _smoke("SM-2"), _smoke("SM-1"), _smoke("SM-1", seconds=1), _smoke("SM-1")]
    batch = _batch(*frames, first_offset=100)
    first = reader.read(batch)
    assert first.duplicate_offsets.tolist() == [102]
    assert _as_lists(reader.read(batch)) == _as_lists(first)
    later = reader.read(_batch(*frames[3:], first_offset=103))
    assert later.tables[0].offsets.tolist() == [103, 104]
    assert _as_lists(reader.read(batch)) == _as_lists(first)


@pytest.mark.parametrize("ts", [None, 0, 4_000_000_000_000])
def test_frames_without_a_time_of_their_own_are_never_duplicates(ts):
    frame = ("firesense/smoke/SM-1/up", json.dumps({"ts": ts, "temp": 20}))
    read = Reader(PROFILES, _registry()).read(_batch(frame, frame))
    assert read.duplicates == 0
    assert read.recorded == 2
    assert len(set(read.tables[0].event_at.tolist())) == 2


def test_zigbee_frames_are_never_duplicates():
    frame = ("zigbee2mqtt/hall/smoke 1", '{"smoke":false}')
    assert Reader(PROFILES, _registry()).read(_batch(frame, frame)).duplicates == 0


def test_what_the_transport_knows_to_be_repeated_is_a_duplicate():
    frames = [_smoke("SM-1"), ("nowhere", "{"), _smoke("SM-9")]
    read = Reader(PROFILES, _registry()).read(_batch(*frames, marks=Marks.REPEATED | Marks.REDELIVERED))
    assert read.duplicate_offsets.tolist() == [0, 1, 2]
    assert read.refusals == []
    read = Reader(PROFILES, _registry()).read(_batch(_smoke("SM-1"), marks=Marks.REDELIVERED))
    assert read.recorded == 1


@pytest.mark.parametrize(
    ("marks", "quality"),
    [
        (Marks.RETAINED, Quality.RETAINED),
        (Marks.REPLAYED, Quality.REPLAYED),
        (Marks.RETAINED | Marks.REPLAYED, Quality.RETAINED | Quality.REPLAYED),
    ],
)
def test_marks_are_kept_as_quality(marks, quality):
    read = Reader(PROFILES, _registry()).read(_batch(_smoke("SM-1"), marks=marks))
    assert read.tables[0].quality.tolist() == [quality]


# -- topics --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("pattern", "topic", "device"),
    [
        ("a/{device}/up", "a/x/up", "x"),
        ("a/{device}/up", "a/x/y/up", None),
        ("a/{device}/up", "a//up", None),
        ("a/{device}/up", "b/a/x/up", None),
        ("a/+/{device}", "a/b/x", "x"),
        ("z/{device*}", "z/x/y/z", "x/y/z"),
        ("z/{device*}", "z", None),
        ("z/{device*}/up", "z/x/y/up", "x/y"),
        ("a.b/{device}", "axb/x", None),
        ("a/{device}", "a/x\n", "x\n"),
        ("a/{device}", "a/厨房", "厨房"),
    ],
)
def test_patterns(pattern, topic, device):
    assert TopicPattern(pattern).match(topic) == device


def test_patterns_can_be_subscribed_to():
    assert TopicPattern("z/{device*}/up").subscription() == "z/#"
    assert TopicPattern("a/+/{device}/up").subscription() == "a/+/+/up"
    assert TopicPattern("a/+", names_device=False).subscription() == "a/+"
    assert "application/+/device/+/event/up" in subscriptions(PROFILES.values())


def test_the_memory_of_topics_is_bounded():
    reader = Reader(PROFILES, _registry())
    for start in range(0, 140_000, 20_000):
        reader.read(_batch(*((f"nowhere/{n}", b"") for n in range(start, start + 20_000))))
        assert len(reader._routes) <= 65_536


# -- every frame ends once -----------------------------------------------------------------------------------------
_TOPICS = st.sampled_from(
    [
        "firesense/smoke/SM-1/up",
        "firesense/smoke/SM-9/up",
        "firesense/water/WG-1/up",
        "firesense/electrical/EL-1/up",
        "zigbee2mqtt/hall/smoke 1",
        "zigbee2mqtt/hall/smoke 1/availability",
        "application/7/device/a1b2c3d4e5f60719/event/up",
        "application/7/device/ffff/event/up",
        "GIOT-GW/UL/SHRP25090120",
        "GIOT-GW/UL/NOBODY",
        "tele/intake-7/SENSOR",
        "nowhere",
    ]
)
_GOOD = [example.payload for profile in PROFILES.values() for example in profile.examples]
_PAYLOADS = (
    st.binary(max_size=60)
    | st.sampled_from(_GOOD)
    | st.tuples(st.sampled_from(_GOOD), st.integers(0, 400)).map(lambda cut: cut[0][: cut[1]])
    | st.tuples(st.sampled_from(_GOOD), st.integers(0, 400), st.binary(max_size=3)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
    )
)
_EVERYONE = [
    *DEVICES,
    ("firesense-water", "WG-1", 1),
    ("firesense-electrical", "EL-1", 0),
    ("tasmota-ds18b20-heater", "intake-7", 1),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_TOPICS | st.text(max_size=8), _PAYLOADS), max_size=12), st.lists(st.integers(0, 15)))
def test_no_frame_is_lost_and_none_is_raised(frames, marks):
    reader = Reader(PROFILES, _registry(*_EVERYONE))
    batch = _batch(*frames, first_offset=1000)
    batch.marks[: len(marks)] = marks[: len(frames)]
    for _ in range(2):
        read = reader.read(batch)
        assert _ends(read) == Counter(range(1000, 1000 + len(frames)))
        assert read.recorded + len(read.refusals) + read.duplicates == len(frames)
        refused = {refusal.offset for refusal in read.refusals}
        assert {offset for table in read.salvaged for offset in table.offsets.tolist()} <= refused
        for table in read.tables:
            assert (table.event_at <= table.received_at + 300 * SECOND).all()
            columns = [table.slots, table.event_at, table.received_at, table.quality, *table.metrics.values()]
            assert {len(column) for column in (*columns, *table.signals.values())} == {len(table.offsets)}


def test_a_profile_without_time_needs_no_memory_of_frames():
    profile = Profile("p", "smoke", "json", ("p/{device}",), timedelta(1), (), (SignalSpec("fire", "f"),))
    timed = Profile(
        "t",
        "smoke",
        "json",
        ("t/{device}",),
        timedelta(1),
        (),
        (SignalSpec("fire", "f"),),
        time=TimeSpec("ts", TimeFormat.UNIX_S),
    )
    registry = Registry([Device("a", "smoke", "p", "a", "x", 0), Device("b", "smoke", "t", "b", "x", 1)])
    frames = ("p/a", '{"f":true,"ts":1767225600}'), ("t/b", '{"f":true,"ts":1767225600}')
    reader = Reader({"p": profile, "t": timed}, registry)
    assert reader.read(_batch(*frames)).duplicates == 0
    assert reader.read(_batch(*frames, first_offset=2)).duplicate_offsets.tolist() == [3]


def test_a_reader_of_some_columns_reads_them_and_leaves_the_rest():
    frames = [
        _smoke("SM-1", alarm=1, temp=25),
        _smoke("SM-2", alarm=0, temp="hot"),
        ("firesense/smoke/SM-2/up", json.dumps({"bat": 90})),
        ("firesense/smoke/SM-1/up", '{"alarm":1,'),
        _smoke("SM-9", alarm=1, temp="hot"),
        ("firesense/smoke/SM-9/up", json.dumps({"bat": 90})),
        ("GIOT-GW/UL/SHRP25090120", ONE),
    ]
    read = Reader(PROFILES, _registry(), only={"smoke": {"fire"}}).read(_batch(*frames))
    [table] = read.tables
    assert (table.offsets.tolist(), table.signals["fire"].tolist()) == ([0, 1, 2], [1, 0, -1])
    assert set(table.signals) == {"fire"}
    assert not table.metrics
    assert [fire.external_id for fire in read.strangers] == ["SM-9"]
    assert {refusal.offset for refusal in read.refusals} == {3, 4, 5}


def test_a_reader_of_some_columns_reads_a_repeated_frame_again():
    reader = Reader(PROFILES, _registry(), only={"smoke": {"fire"}})
    batch = _batch(_smoke("SM-1", alarm=1), _smoke("SM-1", alarm=1))
    assert [table.offsets.tolist() for table in reader.read(batch).tables] == [[0, 1]]
