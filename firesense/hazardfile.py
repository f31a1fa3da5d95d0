"""Reads ``config/hazards.yaml``: terms, posts and weights of hazards, checked against the org.

Without a file the terms and weights that firesense ships hold, in ``standard_hazards``.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PlainValidator

from firesense.domain.alert import Grade
from firesense.domain.errors import ConfigError, Fault
from firesense.domain.hazard import (
    GradeRules,
    HazardAct,
    HazardRules,
    IndexWeights,
    Level,
    ReportLimits,
    Workdays,
)
from firesense.yamlfile import Duration, Size, Written, duration, read_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.domain.place import Org

STANDARD = Path(__file__).parent / "standard" / "hazards.yaml"  # the same as config/hazards.yaml
_NOTHING = timedelta()
_WORKDAYS = re.compile(r"(\d{1,3}) workdays?")
_PHOTOS_MOST = 9
_Roles = Annotated[tuple[str, ...], Field(min_length=1)]
_Points = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
_Factor = Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)]


def _term(value: object) -> object:
    if isinstance(value, str) and (found := _WORKDAYS.fullmatch(value)):
        return Workdays(int(found[1]))
    try:
        return duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or 3 workdays") from None


_Term = Annotated[timedelta | Workdays, PlainValidator(_term)]


class _Level(Written):
    roles: _Roles
    wait: Duration


class _May(Written):
    accept: _Roles
    reject: _Roles
    assign: _Roles
    regrade: _Roles
    start: _Roles
    rectify: _Roles
    reinspect: _Roles
    write_off: _Roles
    extend: _Roles
    list: _Roles
    move: tuple[str, ...] = ()  # whoever may accept it, when nobody is named


class _Grade(Written):
    accept: _Term
    rectify: Duration
    again: Duration
    remind: Duration
    reinspect: _Term
    write_off: Duration
    extension: Duration = _NOTHING
    on_the_spot: bool = False
    listed: bool = False
    responsible: _Roles
    may: _May
    levels: tuple[_Level, ...] = Field(min_length=1)


class _Grades(Written):
    minor: _Grade
    general: _Grade
    major: _Grade


class _Weights(Written):
    minor: _Points
    general: _Points
    major: _Points


class _Index(Written):
    grades: _Weights
    full_age: Duration
    overdue: _Factor
    vulnerable: _Factor
    tags: tuple[str, ...] = ()
    middle: float = Field(gt=0, le=1e6, allow_inf_nan=False)


class _Reports(Written):
    open: bool = True
    anonymous: bool = True
    per_address: int = Field(default=10, ge=1, le=10_000)
    per_place: int = Field(default=30, ge=1, le=10_000)
    within: Duration = timedelta(hours=1)
    photos: int = Field(default=3, ge=0, le=_PHOTOS_MOST)
    photo: Size = 10 * 2**20
    highest: Grade = Grade.GENERAL


class _HazardFile(Written):
    grades: _Grades
    index: _Index
    reports: _Reports = _Reports()


def load_hazards(path: Path, org: Org | None) -> HazardRules:
    """Read the rules of hazards. Raises ConfigError with every fault: a post no place has, a term of nothing.

    Without an org (it has faults of its own) posts are not looked up.
    """
    written = read_shape(path, _HazardFile)
    faults = [Fault(str(path), where, reason) for where, reason in _faults(written)]
    if org is not None:
        known = {role for _, role in org.posts}
        faults += [
            Fault(str(path), where, f"no place has a post {role!r}")
            for where, role in _roles(written)
            if role not in known
        ]
    if faults:
        raise ConfigError(faults)
    return _rules(written)


def standard_hazards() -> HazardRules:
    """The rules for people who have written none. Posts their org does not have are skipped like vacant ones."""
    return load_hazards(STANDARD, None)


def _by_grade(written: _Grades) -> Iterator[tuple[Grade, _Grade]]:
    for grade in Grade:
        yield grade, getattr(written, grade.value)


def _faults(written: _HazardFile) -> Iterator[tuple[str, str]]:
    terms = ("accept", "rectify", "again", "reinspect", "write_off")
    for grade, rules in _by_grade(written.grades):
        at = f"grades.{grade}"
        for term in terms:
            if getattr(rules, term) in {_NOTHING, Workdays(0)}:
                yield f"{at}.{term}", "must be longer than nothing"
        for i, level in enumerate(rules.levels):
            if level.wait <= _NOTHING:
                yield f"{at}.levels[{i}].wait", "must be longer than nothing"
        if rules.remind >= rules.rectify:
            yield f"{at}.remind", "must be shorter than rectify, or the reminder comes with the order"
    weights = written.index.grades
    if not weights.minor <= weights.general <= weights.major:
        yield "index.grades", "a graver hazard must not weigh less"
    if written.index.full_age <= _NOTHING:
        yield "index.full_age", "must be longer than nothing"
    if written.reports.within <= _NOTHING:
        yield "reports.within", "must be longer than nothing"


def _roles(written: _HazardFile) -> Iterator[tuple[str, str]]:
    for grade, rules in _by_grade(written.grades):
        at = f"grades.{grade}"
        for role in rules.responsible:
            yield f"{at}.responsible", role
        for act, roles in rules.may:
            for role in roles:
                yield f"{at}.may.{act}", role
        for i, level in enumerate(rules.levels):
            for role in level.roles:
                yield f"{at}.levels[{i}].roles", role


def _rules(written: _HazardFile) -> HazardRules:
    index, reports = written.index, written.reports
    return HazardRules(
        {
            grade: GradeRules(
                accept_within=rules.accept,
                rectify_within=rules.rectify,
                again_within=rules.again,
                remind_before=rules.remind,
                reinspect_within=rules.reinspect,
                write_off_within=rules.write_off,
                longest_extension=rules.extension,
                on_the_spot=rules.on_the_spot,
                listed=rules.listed,
                responsible=rules.responsible,
                may={act: frozenset(getattr(rules.may, act.name.lower()) or rules.may.accept) for act in HazardAct},
                levels=tuple(Level(level.roles, level.wait) for level in rules.levels),
            )
            for grade, rules in _by_grade(written.grades)
        },
        IndexWeights(
            {grade: getattr(index.grades, grade.value) for grade in Grade},
            index.full_age,
            index.overdue,
            index.vulnerable,
            frozenset(index.tags),
            index.middle,
        ),
        ReportLimits(
            reports.open,
            reports.anonymous,
            reports.per_address,
            reports.per_place,
            reports.within,
            reports.photos,
            reports.photo,
            reports.highest,
        ),
    )
