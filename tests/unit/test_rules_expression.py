from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firesense.domain.catalogue import CLASSES
from firesense.rules import ExpressionError, Limit, compile_expression

SMOKE, WATER, ELECTRICAL = CLASSES["smoke"], CLASSES["water"], CLASSES["electrical"]
NAN = float("nan")


def answer(text, device_class=SMOKE, rate_of="", **said):
    """Ask of one reading: True, False, or None for unknown."""
    expression = compile_expression(text, device_class, rate_of)
    columns = {name: np.array([value], np.float64 if value != value or isinstance(value, float) else np.int8)  # noqa: PLR0124 -- NaN
               for name, value in said.items()}  # fmt: skip
    true, false = bool(np.all(expression.true(columns))), bool(np.all(expression.false(columns)))
    assert not (true and false)
    return True if true else False if false else None


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("pressure < 0.14 MPa", {"pressure": 0.139}, True),
        ("pressure < 0.14 MPa", {"pressure": 0.14}, False),
        ("pressure < 140 kPa", {"pressure": 0.139}, True),
        ("pressure < 1.4bar", {"pressure": 0.141}, False),
        ("pressure < 0.14 MPa", {"pressure": NAN}, None),
        ("pressure < 0.14 MPa", {}, None),
        ("0.10 MPa <= pressure < 0.14 MPa", {"pressure": 0.12}, True),
        ("0.10 MPa <= pressure < 0.14 MPa", {"pressure": 0.09}, False),
        ("0.14 MPa > pressure", {"pressure": 0.1}, True),
        ("flow != 0 L/s", {"flow": 2.0}, True),
        ("flow != 0 L/s", {"flow": NAN}, None),
        ("flow == 36 m3/h", {"flow": 10.0}, True),
        ("leak", {"leak": 1}, True),
        ("leak", {"leak": 0}, False),
        ("leak", {"leak": -1}, None),
        ("not leak", {"leak": -1}, None),
        ("leak and tilt", {"leak": 0}, False),
        ("leak and tilt", {"leak": 1}, None),
        ("leak or tilt", {"leak": 1}, True),
        ("leak or tilt", {"leak": 0}, None),
        ("not leak and tilt", {"leak": 0, "tilt": 1}, True),
        ("not (leak and tilt)", {"leak": 0, "tilt": 1}, True),
        ("leak or tilt and impact", {"leak": 1, "tilt": 0, "impact": 0}, True),
        ("(leak or tilt) and impact", {"leak": 1, "tilt": 0, "impact": 0}, False),
        ("leak and not asserted(test)", {"leak": 1}, True),
        ("leak and not asserted(test)", {"leak": 1, "test": -1}, True),
        ("leak and not asserted(test)", {"leak": 1, "test": 1}, False),
        ("abs(pressure - 0.3 MPa) > 50 kPa", {"pressure": 0.24}, True),
        ("min(pressure, 0.2 MPa) < 0.2 MPa", {"pressure": 0.3}, False),
        ("max(pressure, 0.2 MPa) == 0.2 MPa", {"pressure": 0.1}, True),
        ("temperature > 300 K", {"temperature": 27.0}, True),
        ("temperature >= 41 degF", {"temperature": 5.01}, True),
        ("temperature - 5 K > 20 degC", {"temperature": 24.0}, False),
        ("temperature - 20 degC > 5 K", {"temperature": 26.0}, True),
        ("20 degC - temperature > 5 K", {"temperature": 16.0}, False),
        ("-temperature > 5 degC", {"temperature": -6.0}, True),
    ],
)
def test_conditions_mean_what_they_say(text, said, expected):
    assert answer(text, WATER, **said) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("rate >= 2 K", True), ("rate >= 4 degF", False), ("-rate > 1 K", False)]
)
def test_a_rate_is_a_difference(text, expected):
    assert answer(text, rate_of="temperature", rate=2.1) is expected


def test_milliamperes_and_amperes_cross():
    assert answer("current_a > 300 mA", ELECTRICAL, current_a=0.31) is True
    assert answer("residual_current_2 >= 0.3 A", ELECTRICAL, residual_current_2=299.0) is False


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "there is no condition"),
        ("pressure <", 11, "where a metric, a signal or a number belongs"),
        ("pressure < 0.14", 12, "needs a unit, such as MPa"),
        ("pressure < 0.14 mA", 12, "does not measure what is measured in MPa"),
        ("pressure < 0.14 furlong", 17, "'furlong' is no unit"),
        ("presure < 0.14 MPa", 1, "water has no presure"),
        ("leak and lake", 10, "water has no lake"),
        ("leak and pressure", 10, "pressure is a number"),
        ("leak < 1 MPa", 1, "leak is a signal"),
        ("pressure < leak", 12, "leak is a signal"),
        ("pressure < flow", 12, "measured in L/s, not in MPa"),
        ("pressure", 1, "is a number: compare it"),
        ("pressure = 1 MPa", 10, "write == to compare"),
        ("(leak", 6, "')' is missing"),
        ("leak)", 5, "is too much"),
        ("leak and", 9, "where a metric"),
        ("leak; import os", 5, "means nothing here"),
        ("open(leak)", 1, "this is a number"),
        ("sqrt(pressure) > 1 MPa", 1, "there is no function sqrt"),
        ("abs(pressure, flow) > 1 MPa", 1, "takes one number"),
        ("asserted(pressure) and leak", 10, "is a number"),
        ("asserted(leak or tilt)", 1, "takes one signal"),
        ("temperature + temperature > 5 degC", 1, "cannot be added"),
        ("rate > 5 K", 1, "rate is for rules of kind rate"),
        ("not asserted(leak)", 1, "true of a reading that says nothing"),
        ("1 MPa < 2 MPa", 1, "compares numbers with numbers"),
        ("(" * 40 + "leak" + ")" * 40, 32, "nested too deeply"),
        ("not " * 40 + "leak", 121, "nested too deeply"),
        ("pressure > " + "1 MPa + " * 40 + "1 MPa", 258, "nested too deeply"),
        ("leak or " * 200 + "leak", 1001, "longer than 1000"),
    ],
)
def test_a_fault_points_at_its_column(text, column, reason):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, WATER)
    assert any(at == column and reason in why for at, why in caught.value.faults), caught.value.faults


def test_all_faults_of_meaning_are_reported():
    with pytest.raises(ExpressionError) as caught:
        compile_expression("lake and pressure < 3 mA or temperature > 5", WATER)
    assert [column for column, _ in caught.value.faults] == [1, 21, 43]


def test_the_simplest_condition_knows_its_limit():
    assert compile_expression("140 kPa > pressure", WATER).limit == Limit(
        "pressure", "<", pytest.approx(0.14), "140 kPa"
    )
    assert compile_expression("pressure < 1 MPa and leak", WATER).limit is None


@given(st.text(alphabet="leak<>=!()andornotpressure 0.1MPa,+-*/_'\"%\n", max_size=60) | st.text(max_size=30))
def test_any_text_is_compiled_or_refused(text):
    try:
        expression = compile_expression(text, WATER)
    except ExpressionError as error:
        assert error.faults  # noqa: PT017 -- most texts are refused, some are not
    else:
        assert expression.names


# -- against a plain evaluator --------------------------------------------------------------------------------------
METRICS = ("temperature", "humidity", "smoke_density")
FLAGS = ("fire", "heat", "test")
UNITS = {"temperature": "degC", "humidity": "%RH", "smoke_density": "dB/m"}

numbers = st.integers(-3, 3).map(float)
comparisons = st.tuples(
    st.just("compare"), st.sampled_from(METRICS), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers
)
chains = st.tuples(st.just("between"), st.sampled_from(METRICS), numbers, numbers)
flags = st.tuples(st.sampled_from(["flag", "asserted"]), st.sampled_from(FLAGS))
trees = st.recursive(
    comparisons | chains | flags,
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=8,
)
rows = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(METRICS, numbers) | {name: st.sampled_from([0, 1]) for name in FLAGS},
)


def render(tree):
    match tree:
        case "compare", name, sign, number:
            return f"{name} {sign} {number:g} {UNITS[name]}"
        case "between", name, low, high:
            return f"{low:g} {UNITS[name]} <= {name} < {high:g} {UNITS[name]}"
        case "flag", name:
            return name
        case "asserted", name:
            return f"asserted({name})"
        case "not", inner:
            return f"not ({render(inner)})"
        case word, left, right:
            return f"({render(left)}) {word} ({render(right)})"


def plain(tree, row):
    """Work out one reading: True, False or None."""
    match tree:
        case "compare", name, sign, number:
            value = row.get(name)
            return None if value is None else eval(f"{value} {sign} {number}")  # noqa: S307 -- numbers of our own
        case "between", name, low, high:
            value = row.get(name)
            return None if value is None else low <= value < high
        case "flag", name:
            value = row.get(name)
            return None if value is None else bool(value)
        case "asserted", name:
            return row.get(name) == 1
        case "not", inner:
            inside = plain(inner, row)
            return None if inside is None else not inside
        case word, *sides:
            answers = [plain(side, row) for side in sides]
            decides = word == "or"
            return decides if decides in answers else None if None in answers else not decides


@given(trees, st.lists(rows, min_size=1, max_size=12))
def test_columns_and_single_readings_agree(tree, said):
    text = render(tree)
    try:
        expression = compile_expression(text, SMOKE)
    except ExpressionError as error:
        assert "says nothing" in str(error)  # noqa: PT017 -- the one reason a well-formed tree is refused for
        assert plain(tree, {}) is True
        return
    columns = {
        name: np.array(
            [row.get(name, NAN if name in METRICS else -1) for row in said], float if name in METRICS else np.int8
        )
        for name in (*METRICS, *FLAGS)
        if any(name in row for row in said)
    }
    true = np.broadcast_to(expression.true(columns), len(said)).tolist()
    false = np.broadcast_to(expression.false(columns), len(said)).tolist()
    found = [True if yes else False if no else None for yes, no in zip(true, false, strict=True)]
    assert found == [plain(tree, row) for row in said]
