"""No page asks its template for a name it does not pass: the next one to see that branch would be told of a fault."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader, Environment

from firesense.web.parts import TEMPLATES
from tests.console import OF_ONE_VIEW  # which also has every page in all tests looked at like this
from tests.templates import free_names, given_all

PAGES = {
    "page.html": '{% extends "frame.html" %}{% from "pieces.html" import row %}'
    "{% block main %}{% for call in calls %}{{ row(call) }}{% include 'cell.html' %}{% endfor %}{% endblock %}",
    "frame.html": "{% if session is defined %}{{ session }}{% endif %}{% block main %}{% endblock %}{{ t }}",
    "pieces.html": "{% macro row(one) %}{{ label(one) }}{% endmacro %}",
    "cell.html": "{% if call %}{{ clock(call) }}{% endif %}",
}


@pytest.fixture
def environment():
    return Environment(loader=DictLoader(PAGES), autoescape=True)


def test_the_names_of_a_page_are_those_of_all_it_is_made_of(environment):
    assert free_names(environment, "page.html") == {"calls", "label", "clock", "t"}


def test_a_page_that_does_not_pass_a_name_is_caught_whatever_branch_it_takes(environment):
    given_all(environment, {"frame.html": frozenset({"t"})})
    page = environment.get_template("page.html")
    given = {"label": str, "t": "", "calls": []}
    with pytest.raises(AssertionError, match=r"page\.html asks for clock, which its page does not pass"):
        page.render(given)
    assert page.render(given, clock=str) == ""
    assert environment.get_template("frame.html").render() == ""


def test_nothing_is_let_off_that_no_template_asks_for():
    for name, may_lack in OF_ONE_VIEW.items():
        assert may_lack <= free_names(TEMPLATES.env, name)
    assert type(TEMPLATES.get_template("rollcalls.html")).__name__ == "Exact"
