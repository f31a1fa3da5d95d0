"""The shape of a profile file: pydantic stops here. What a shape cannot know (the catalogue) is in ``meaning``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from firesense.domain.frame import Reason  # noqa: TC001 - pydantic reads the annotation when it runs
from firesense.domain.profile import TimeFormat
from firesense.domain.readings import Quality

MAX_PERIOD = timedelta(days=7)
MAX_BIT = 52  # a float64 holds whole numbers of 53 bits

_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration(value: object) -> timedelta:
    written = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError("write a duration as 30s, 5m, 24h or 1d")
    return timedelta(seconds=int(written[1]) * _SECONDS[written[2]])


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(), le=MAX_PERIOD)]
Name = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z0-9]+([_.-][a-z0-9]+)*$", max_length=80)]
Source = Annotated[StrictStr, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]
Number = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False)]
Value = StrictBool | StrictInt | StrictFloat | StrictStr
Values = Annotated[tuple[Value, ...], BeforeValidator(_as_list), Field(min_length=1)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeDocument(_Shape):
    """Where the device's own time is."""

    source: Source = Field(alias="from")
    format: TimeFormat
    pattern: StrictStr = ""
    zone: StrictStr = ""

    @model_validator(mode="after")
    def _pattern_where_needed(self) -> TimeDocument:
        if (self.format is TimeFormat.PATTERN) != bool(self.pattern):
            raise ValueError("`format: pattern` and `pattern:` go together")
        return self


class MetricDocument(_Shape):
    """A number of the device."""

    source: Source = Field(alias="from")
    unit: StrictStr
    scale: Number = 1.0
    offset: Number = 0.0
    sentinels: tuple[Number, ...] = ()

    @field_validator("scale")
    @classmethod
    def _scale_is_not_zero(cls, value: float) -> float:
        if value == 0:
            raise ValueError("a scale of 0 makes every value the same")
        return value


class SignalDocument(_Shape):
    """A condition of the device."""

    source: Source = Field(alias="from")
    asserted: Values | None = None
    cleared: Values | None = None
    bit: Annotated[StrictInt, Field(ge=0, le=MAX_BIT)] | None = None
    above: Number | None = None
    invert: StrictBool = False

    @model_validator(mode="after")
    def _one_question(self) -> SignalDocument:
        if sum(part is not None for part in (self.asserted, self.bit, self.above)) > 1:
            raise ValueError("give one of asserted, bit and above")
        if self.cleared is None:
            self.both_sides()
        elif self.bit is not None or self.above is not None:
            raise ValueError("`cleared` goes with `asserted`: with bit and above, what is not asserted is clear")
        elif both := set(self.cleared).intersection(self.both_sides()[0]):
            raise ValueError(f"{', '.join(map(repr, both))} cannot be both asserted and cleared")
        return self

    def both_sides(self) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
        """Give the values that are asserted and those that are clear: unless said, 1 and 0, or the other of the two.

        Raises ValueError when it is not said what is clear and nobody can know.
        """
        asserted: tuple[Value, ...] = self.asserted or (True,)
        if self.cleared is not None:
            return asserted, self.cleared
        cleared = next((value for value in (False, True) if value not in asserted), None)
        if cleared is None or any(isinstance(value, str) for value in asserted):
            raise ValueError("say which values are `cleared` too")
        return asserted, (cleared,)


class ExpectedDocument(_Shape):
    """What one row of an example says."""

    metrics: dict[StrictStr, Number | None] = {}
    signals: dict[StrictStr, StrictBool | None] = {}
    time: AwareDatetime | None = None
    quality: tuple[StrictStr, ...] | None = None

    @field_validator("quality")
    @classmethod
    def _quality_is_known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        known = {str(mark.name).lower() for mark in Quality}
        if value is not None and not known.issuperset(value):
            raise ValueError(f"quality is of {', '.join(sorted(known))}")
        return value


class ExampleDocument(_Shape):
    """A payload, and the rows or the refusal that come of it."""

    name: StrictStr
    device: StrictStr
    topic: StrictStr = ""
    received_at: AwareDatetime | None = None
    payload: StrictStr | None = None
    payload_hex: StrictStr | None = None
    payload_json: Any = None
    expect: Annotated[tuple[ExpectedDocument, ...], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    refuse: Reason | None = None

    @field_validator("payload_hex")
    @classmethod
    def _hex(cls, value: str | None) -> str | None:
        bytes.fromhex(value or "")
        return value

    @model_validator(mode="after")
    def _one_payload_one_outcome(self) -> ExampleDocument:
        if len({"payload", "payload_hex", "payload_json"} & self.model_fields_set) != 1:
            raise ValueError("give one of payload, payload_hex and payload_json")
        if (self.expect is None) == (self.refuse is None):
            raise ValueError("give either expect or refuse")
        return self


class ProfileDocument(_Shape):
    """A profile file."""

    id: Name
    device_class: StrictStr = Field(alias="class")
    dialect: StrictStr
    topics: Annotated[tuple[StrictStr, ...], BeforeValidator(_as_list), Field(min_length=1)]
    period: Duration
    vendor: StrictStr = ""
    model: StrictStr = ""
    device_from: Source | Literal[""] = ""
    time: TimeDocument | None = None
    options: dict[StrictStr, Value] = {}
    metrics: dict[StrictStr, MetricDocument] = {}
    signals: dict[StrictStr, SignalDocument] = {}
    examples: tuple[ExampleDocument, ...] = ()
