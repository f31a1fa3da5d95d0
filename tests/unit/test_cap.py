from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from firesense.cap import Kind, bulletins, cap_document
from firesense.domain.alert import Alert, AlertClass, Case, Condition, Finding, Grade
from firesense.domain.device import Device, Registry
from firesense.domain.errors import NotFound
from firesense.domain.escalation import Ladder, Rung, Step, StepKind
from firesense.domain.hazard import REPORTED_RULE
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.plan import Plan
from firesense.domain.rule import Rule, RuleKind
from firesense.escalate import act, begin

# The schema of OASIS is not ours to give away: it lies beside the checkout or the tests that need it say so.
SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "cap" / "cap12.xsd"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
AT = 1_768_435_200_000_000  # 2026-01-15T08:00:00+08:00
SENDER = "99010000000000"
ORG = Org(
    [
        Place("990100", "清河区", "district"),
        Place("990100101", "青溪镇", "township", "990100"),
        Place("990100101201-01", "上河村第一网格", "grid", "990100101"),
    ],
    [
        Post("grid-member", "990100101201-01", ("lin",)),
        Post("grid-leader", "990100101", ("gao",)),
        Post("village-head", "990100101", ("he",)),
    ],
    [
        Person("lin", "林小雨", {"app": "lin-app", "mail": "lin@example.org"}, "13900001111"),
        Person("gao", "高远", {"app": "gao-app"}, "13900002222"),
        Person("he", "何青", {"app": "he-app"}),
    ],
)
RULES = (
    Rule("smoke-fire", RuleKind.SIGNAL, "smoke", AlertClass.FIRE, Grade.MAJOR, when="fire", version="v1"),
    Rule(
        "water-low",
        RuleKind.THRESHOLD,
        "water",
        AlertClass.HAZARD,
        Grade.GENERAL,
        when="pressure < 0.14 MPa",
        metric="pressure",
        version="v1",
    ),
)
DEVICES = Registry(
    [
        Device("smoke-1", "smoke", "house-smoke", "eui-1", "990100101201-01", 0, name="老供销社 <二楼>"),
        Device("gauge-1", "water", "gauge", "eui-2", "990100101", 0, name="村口消火栓"),
    ]
)
PLAN = Plan(org=ORG, rules=RULES, registry=DEVICES)
LADDER = Ladder(
    "fire",
    (
        Rung(("grid-member",), ("app",), timedelta(minutes=2)),
        Rung(("grid-leader", "village-head"), ("app",), timedelta(minutes=3)),
    ),
    None,
)
FIRE = Alert(
    id="7Q0ZK3M9XA",
    rule="smoke-fire",
    rule_version="v1",
    alert_class=AlertClass.FIRE,
    grade=Grade.MAJOR,
    device="smoke-1",
    device_class="smoke",
    place="990100101201-01",
    raised_at=AT + 123_456,
    event_at=AT - SECOND,
    offset=7,
    text={"zh": "感烟报警器报火警", "en": "The smoke detector says fire"},
)
LOW = replace(
    FIRE,
    id="0000000LOW",
    rule="water-low",
    alert_class=AlertClass.HAZARD,
    grade=Grade.GENERAL,
    device="gauge-1",
    device_class="water",
    metric="pressure",
    value=0.12,
)


def climbed(alert=FIRE, rungs=1):
    """Go up the ladder as the house does: the story of it."""
    kinds = {"app": "app", "mail": "smtp"}
    acted = begin(alert, LADDER, ORG, kinds, alert.raised_at)
    steps, calls = list(acted.steps), list(acted.calls)
    for _ in range(rungs):
        acted = act(alert, acted.climb, ORG, kinds, acted.climb.due_at, calls)
        steps += acted.steps
        calls += acted.calls
    return steps


def closed(finding, at=AT + 10 * MINUTE, alert=FIRE):
    return Step(alert.id, at, StepKind.CLOSED, "lin", {"finding": finding.value, "note": "炒菜，电话13900001111"})


def again(value, at, alert=FIRE):
    return Step(alert.id, at, StepKind.TRIPPED_AGAIN, detail={} if value is None else {"value": f"{value:g}"})


def read(document):
    """One dictionary: the values of the alert, and of its info blocks by language."""

    def plain(element):
        said = {}
        for child in element:
            name = etree.QName(child).localname
            if len(child) == 0:
                said.setdefault(name, []).append(child.text)
            elif name in {"parameter", "geocode"}:
                said.setdefault(name, {})[child[0].text] = child[1].text
            else:
                said.setdefault(name, []).append(plain(child))
        return {name: value[0] if len(value) == 1 else value for name, value in said.items()}

    said = plain(etree.fromstring(document))
    said["info"] = {info["language"]: info for info in said["info"]}
    return said


def told(alert=FIRE, story=(), **options):
    return read(cap_document(alert, story, PLAN, **options))


# -- which messages there are -----------------------------------------------------------------------------------------
def test_a_raised_alert_is_an_alert():
    said = told(story=climbed(rungs=0))
    assert said["identifier"] == f"{SENDER}_20260115080000_0-7Q0ZK3M9XA"
    assert re.fullmatch(r"\d{6}\d{3}\d{3}\d{2}_\d{14}_\d", said["identifier"][:31])
    assert said["sender"] == SENDER
    assert said["sent"] == "2026-01-15T08:00:00+08:00"
    assert (said["status"], said["msgType"], said["scope"]) == ("Actual", "Alert", "Restricted")
    assert "不得对公众发布" in said["restriction"]
    assert "references" not in said
    assert "note" not in said
    assert list(said["info"]) == ["zh-CN", "en"]
    chinese = said["info"]["zh-CN"]
    assert chinese["headline"] == "【火警】上河村第一网格 · smoke-1"
    assert chinese["event"] == "火警"
    assert (chinese["urgency"], chinese["severity"], chinese["certainty"]) == ("Immediate", "Severe", "Likely")
    assert (chinese["category"], chinese["responseType"]) == ("Fire", "Assess")
    assert chinese["onset"] == "2026-01-15T07:59:59+08:00"
    assert chinese["senderName"] == "清河区"
    assert chinese["area"] == {
        "areaDesc": "清河区 / 青溪镇 / 上河村第一网格",
        "geocode": {"行政区划代码": "990100", "网格编码": "990100101201-01"},
    }
    assert chinese["description"].splitlines() == [
        "情况：感烟报警器报火警",
        "位置：清河区 / 青溪镇 / 上河村第一网格",
        "设备：smoke-1 老供销社 <二楼>",
        "时间：2026-01-15T07:59:59+08:00",
    ]
    assert said["info"]["en"]["headline"] == "[Fire] 上河村第一网格 · smoke-1"
    assert said["info"]["en"]["description"].startswith("What: The smoke detector says fire\n")
    assert chinese["parameter"] == said["info"]["en"]["parameter"]


def test_a_climb_is_an_update_that_refers_to_what_was_said():
    story = climbed(rungs=3)
    said = told(story=story, number=1)
    assert said["msgType"] == "Update"
    assert said["references"] == f"{SENDER},{SENDER}_20260115080000_0-7Q0ZK3M9XA,2026-01-15T08:00:00+08:00"
    assert said["sent"] == "2026-01-15T08:02:00+08:00"
    assert said["info"]["zh-CN"]["headline"] == "【火警·上报第1轮第2级】上河村第一网格 · smoke-1"
    assert said["info"]["zh-CN"]["parameter"]["firesense:rung"] == "2"
    assert said["info"]["en"]["description"].endswith(
        "Nobody took it; round 1, rung 2 was called: grid leader, village head"
    )
    newest = told(story=story)
    assert (newest["info"]["en"]["parameter"]["firesense:rung"], newest["identifier"][15:29]) == ("2", "20260115080700")
    assert newest["info"]["en"]["parameter"]["firesense:round"] == "2"
    first, before = newest["references"].split()
    assert first == said["references"]
    assert before == f"{SENDER},{told(story=story, number=2)['identifier']},2026-01-15T08:05:00+08:00"


def test_a_false_alarm_is_cancelled():
    said = told(story=[*climbed(), closed(Finding.FALSE_ALARM)])
    assert said["msgType"] == "Cancel"
    assert len(said["references"].split()) == 2
    info = said["info"]["en"]
    assert (info["responseType"], info["urgency"], info["certainty"]) == ("None", "Past", "Unlikely")
    assert info["parameter"]["firesense:finding"] == "false-alarm"
    assert info["headline"] == "[Fire, withdrawn] 上河村第一网格 · smoke-1"


def test_a_fire_that_was_dealt_with_is_all_clear_and_was_seen():
    said = told(story=[*climbed(), closed(Finding.FIRE)])
    assert said["msgType"] == "Update"
    info = said["info"]["zh-CN"]
    assert (info["responseType"], info["urgency"], info["certainty"]) == ("AllClear", "Past", "Observed")
    assert info["description"].endswith("已办结，现场核实：火情属实")


def verified(finding, at=AT + 5 * MINUTE, alert=FIRE):
    return Step(alert.id, at, StepKind.VERIFIED, "lin", {"finding": finding.value, "note": "三楼冒烟，张三丰"})


def test_a_fire_that_somebody_has_seen_is_told_at_once():
    story = [*climbed(rungs=0), verified(Finding.FIRE)]
    said = told(story=story)
    assert (said["msgType"], said["sent"]) == ("Update", "2026-01-15T08:05:00+08:00")
    info = said["info"]["zh-CN"]
    assert (info["certainty"], info["urgency"], info["responseType"]) == ("Observed", "Immediate", "Assess")
    assert info["headline"] == "【火警·已核实】上河村第一网格 · smoke-1"
    assert info["description"].endswith("现场核实：火情属实")
    assert info["parameter"]["firesense:finding"] == "fire"
    higher = Step(FIRE.id, AT + 6 * MINUTE, StepKind.CLIMBED, detail={"rung": "1", "round": "0"})
    assert told(story=[*story, higher])["info"]["en"]["certainty"] == "Observed", "what was seen is seen"


def test_a_false_alarm_found_on_site_is_unlikely_until_it_is_withdrawn():
    story = [*climbed(rungs=0), verified(Finding.FALSE_ALARM)]
    said = told(story=story)
    assert (said["msgType"], said["info"]["en"]["certainty"]) == ("Update", "Unlikely")
    story.append(closed(Finding.FALSE_ALARM))
    assert [one.kind for one in bulletins(FIRE, story, SENDER)] == [Kind.ALERT, Kind.VERIFIED, Kind.CANCEL]


@pytest.mark.parametrize(
    ("alert_class", "finding", "kind"),
    [
        (AlertClass.FIRE, Finding.FAULT, Kind.CANCEL),
        (AlertClass.FIRE, Finding.TEST, Kind.CANCEL),
        (AlertClass.FIRE, Finding.CLEARED_ITSELF, Kind.ALL_CLEAR),
        (AlertClass.HAZARD, Finding.FALSE_ALARM, Kind.CANCEL),
        (AlertClass.HAZARD, Finding.FAULT, Kind.ALL_CLEAR),
        (AlertClass.FAULT, Finding.FAULT, Kind.ALL_CLEAR),
        (AlertClass.TEST, Finding.TEST, Kind.ALL_CLEAR),
    ],
)
def test_what_was_found_ends_it(alert_class, finding, kind):
    alert = replace(FIRE, alert_class=alert_class)
    assert [one.kind for one in bulletins(alert, [closed(finding)], SENDER)] == [Kind.ALERT, kind]


def test_a_closed_alert_that_climbs_again_burns_again():
    rounds = Step(FIRE.id, AT + 11 * MINUTE, StepKind.CLIMBED, detail={"rung": "0", "round": "1"})
    story = [*climbed(rungs=0), closed(Finding.FIRE), again(None, AT + 11 * MINUTE), rounds]
    said = told(story=story)
    assert said["msgType"] == "Update"
    assert said["info"]["en"]["certainty"] == "Likely"
    assert said["info"]["en"]["responseType"] == "Assess"
    assert "firesense:finding" not in said["info"]["en"]["parameter"]


def test_messages_of_one_second_are_called_differently():
    climbs = [Step(FIRE.id, FIRE.raised_at + n, StepKind.CLIMBED, detail={"rung": str(n)}) for n in range(12)]
    names = [one.identifier for one in bulletins(FIRE, climbs, SENDER)]
    assert len(set(names)) == 13
    assert names[12] == f"{SENDER}_20260115080000_12-7Q0ZK3M9XA"


def test_there_is_no_message_beyond_the_last():
    for number in (-1, 1):
        with pytest.raises(NotFound, match="messages 0 to 0"):
            cap_document(FIRE, climbed(rungs=0), PLAN, number=number)


# -- what was said stays said -----------------------------------------------------------------------------------------
def test_a_message_stays_as_it_was_whatever_comes_after():
    low = climbed(LOW, rungs=1)
    before = [cap_document(LOW, low, PLAN, number=number) for number in (0, 1)]
    later = [*low, again(0.05, AT + 9 * MINUTE, LOW), closed(Finding.FAULT, alert=LOW)]
    changed = replace(
        LOW,
        value=0.05,
        trips=2,
        condition=Condition.RESOLVED,
        case=Case.CLOSED,
        finding=Finding.FAULT,
        closed_by="lin",
        note="x",
    )
    assert [cap_document(changed, later, PLAN, number=number) for number in (0, 1)] == before
    assert told(changed, later, number=0)["info"]["en"]["parameter"]["firesense:value"] == "0.12"
    assert told(changed, later)["info"]["en"]["parameter"]["firesense:value"] == "0.05"


def test_a_value_that_was_written_over_is_left_out_rather_than_invented():
    raised = Step(LOW.id, LOW.raised_at, StepKind.RAISED)
    changed = replace(LOW, value=0.05)
    assert told(changed, [raised])["info"]["en"]["parameter"]["firesense:value"] == "0.05"
    said = told(changed, [raised, again(0.05, AT + MINUTE, LOW)], number=0)
    assert "firesense:value" not in said["info"]["en"]["parameter"]
    assert "firesense:unit" not in said["info"]["en"]["parameter"]


# -- what else it says ------------------------------------------------------------------------------------------------
def test_a_hazard_carries_its_value_and_its_limit():
    said = told(LOW, climbed(LOW, rungs=0))["info"]["zh-CN"]
    assert (said["urgency"], said["severity"], said["certainty"]) == ("Expected", "Moderate", "Observed")
    assert said["event"] == "一般隐患"
    assert said["category"] == ["Fire", "Infra"]
    assert said["parameter"] == {
        "firesense:alert": "0000000LOW",
        "firesense:message": "0",
        "firesense:device": "gauge-1",
        "firesense:deviceClass": "water",
        "firesense:metric": "pressure",
        "firesense:value": "0.12",
        "firesense:unit": "MPa",
        "firesense:rule": "water-low",
        "firesense:threshold": "pressure < 0.14 MPa",
        "firesense:grade": "general",
        "firesense:rung": "1",
        "firesense:round": "1",
    }


def test_a_fire_that_several_say_is_extreme():
    both = Rule("second", RuleKind.COINCIDENCE, "smoke", AlertClass.FIRE, Grade.MAJOR, version="v1")
    said = read(cap_document(replace(FIRE, rule="second"), [], replace(PLAN, rules=(*RULES, both))))
    assert said["info"]["en"]["severity"] == "Extreme"
    assert said["info"]["en"]["certainty"] == "Likely"


def test_the_limit_of_another_version_of_the_rule_is_not_the_one_it_broke():
    said = told(replace(LOW, rule_version="v0"), [])["info"]["en"]["parameter"]
    assert "firesense:threshold" not in said
    assert said["firesense:rule"] == "water-low"


def test_tests_and_exercises_are_no_alarms():
    test = told(replace(FIRE, alert_class=AlertClass.TEST))
    assert test["status"] == "Test"
    assert "Not a real alarm".lower() in test["note"].lower()
    exercise = told(exercise=True)
    assert exercise["status"] == "Exercise"
    assert exercise["info"]["en"]["headline"].startswith("[EXERCISE, Fire]")
    assert exercise["info"]["zh-CN"]["headline"].startswith("【演练·火警】")
    assert "演练" in exercise["note"]


def test_nobody_is_named_and_no_number_is_given_away():
    story = [*climbed(rungs=2), closed(Finding.FALSE_ALARM)]
    taken = replace(FIRE, acknowledged_by="lin", closed_by="gao", note="炒菜，电话13900001111")
    for number in range(4):
        document = cap_document(taken, story, PLAN, number=number).decode()
        for private in ("13900001111", "林小雨", "高远", "lin-app", "example.org", "炒菜"):
            assert private not in document


def test_of_what_people_report_only_grade_and_place_are_told():
    words = "我是张三丰 13812345678，楼道堆了电动车"
    report = replace(
        LOW, rule=REPORTED_RULE, rule_version="", device="", device_class="", metric="", value=None, offset=-1
    )
    report = replace(report, text={"zh": words, "en": words})
    document = cap_document(report, [], PLAN).decode()
    for private in ("张三丰", "13812345678", "电动车"):
        assert private not in document
    chinese = read(document.encode())["info"]["zh-CN"]
    assert chinese["headline"] == "【一般隐患】上河村第一网格"
    assert chinese["description"].splitlines()[:2] == [
        "情况：群众上报的一般隐患",
        "位置：清河区 / 青溪镇 / 上河村第一网格",
    ]
    assert "设备" not in chinese["description"], "there is none"


def test_a_sender_of_its_own():
    said = told(sender="99010042500101")
    assert said["sender"] == "99010042500101"
    assert said["identifier"].startswith("99010042500101_20260115")


def test_a_place_and_a_device_nobody_knows():
    stranger = replace(FIRE, place="", device="?S77", rule="stranger-fire", text={})
    said = read(cap_document(stranger, [], Plan()))
    assert said["sender"] == "0" * 14
    area = said["info"]["en"]["area"]
    assert area == {"areaDesc": "Place unknown"}
    assert "What: stranger-fire" in said["info"]["en"]["description"]


def test_what_xml_cannot_say_is_replaced_and_the_rest_is_escaped():
    odd = replace(FIRE, device="<&>\"'\x00\x1b\ud800]]>", text={"zh": "一\x0b二\r\n三\ufffe", "en": "a&amp;b"})
    document = cap_document(odd, [], PLAN)
    said = read(document)
    assert said["info"]["en"]["parameter"]["firesense:device"] == "<&>\"'\ufffd\ufffd\ufffd]]>"
    assert said["info"]["zh-CN"]["description"].startswith("情况：一\ufffd二 三\ufffd\n")
    assert said["info"]["en"]["description"].startswith("What: a&amp;b\n")


def test_very_long_texts_are_cut():
    long = replace(FIRE, text={"zh": "烟" * 100_000}, device="d" * 5000)
    said = told(long)
    assert len(said["info"]["zh-CN"]["headline"]) == 160
    assert len(cap_document(long, [], PLAN)) < 30_000


# -- the schema -------------------------------------------------------------------------------------------------------
@cache
def schema():
    if not SCHEMA.exists():
        pytest.skip(f"{SCHEMA} is not there")
    return etree.XMLSchema(etree.parse(SCHEMA))


words = st.text(alphabet=st.characters(), max_size=12) | st.sampled_from(
    ["", "990100", "990100101201-01", "smoke-1", "gauge-1", "smoke", "water", "pressure", "\ud800<&\x00", "x" * 3000]
)
instants = st.integers(0, 7_000_000_000_000_000)  # 1970 to 2191
details = st.dictionaries(
    st.sampled_from(["rung", "round", "role", "value", "finding"]),
    st.sampled_from(["0", "1", "-1", "٣", "1e999", "fire", "false-alarm", "fault", "test", "grid-member"]) | words,
    max_size=4,
)
alerts = st.builds(
    Alert,
    id=words,
    rule=words,
    rule_version=words,
    alert_class=st.sampled_from(AlertClass),
    grade=st.sampled_from(Grade),
    device=words,
    device_class=words,
    place=words,
    raised_at=instants,
    event_at=instants,
    offset=st.integers(0, 1000),
    metric=words,
    value=st.none() | st.floats(),
    late=st.booleans(),
    text=st.dictionaries(st.sampled_from(["zh", "en", "fr"]), words),
)
stories = st.lists(
    st.builds(Step, alert=words, at=instants, kind=st.sampled_from(StepKind), who=words, detail=details), max_size=8
)


@given(alert=alerts, story=stories, exercise=st.booleans(), known=st.booleans())
@example(alert=FIRE, story=climbed(rungs=2), exercise=False, known=True)
@example(alert=FIRE, story=[verified(Finding.FIRE)], exercise=False, known=True)
@example(alert=LOW, story=[closed(Finding.FALSE_ALARM, alert=LOW)], exercise=True, known=True)
def test_every_message_of_any_alert_is_valid(alert, story, exercise, known):
    plan = PLAN if known else Plan()
    names = set()
    for bulletin in bulletins(alert, story, SENDER):
        document = cap_document(alert, story, plan, number=bulletin.number, exercise=exercise)
        tree = etree.fromstring(document)
        schema().assertValid(tree)
        assert tree.findtext(f"{CAP}scope") == "Restricted"
        assert tree.findtext(f"{CAP}sent").endswith("+08:00")
        name = tree.findtext(f"{CAP}identifier")
        assert re.fullmatch(r"\d{14}_\d{14}_\d+-[0-9A-Za-z.-]*", name, re.ASCII)
        names.add(name)
        assert document == cap_document(alert, story, plan, number=bulletin.number, exercise=exercise)
    assert len(names) == len(bulletins(alert, story, SENDER))


def test_the_schema_refuses_what_is_wrong():
    tree = etree.fromstring(cap_document(FIRE, [], PLAN))
    tree.find(f"{CAP}sent").text = "2026-01-15T00:00:00Z"
    assert not schema().validate(tree)
