"""What a configuration says, thing by thing, as digests that the book keeps: so the audit can say what changed.

Org, ladders and devices are not among it: the book has them whole, and compares them itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import BaseModel, SecretStr

from firesense.domain.configured import Configured
from firesense.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from firesense.app.plan import Files
    from firesense.domain.rule import Rule
    from firesense.settings import Settings

_DIGITS = 16  # of a digest, in hex
# Of a secret so few that they say that it changed (but for one change in 65,536), and not what it is.
_SECRET_DIGITS = 4
# Where it was read from, and what follows from the rest: moving a folder changes nothing.
_NOT_SAID = {"rule": {"id", "source", "version"}, "profile": {"id", "file"}}
# Each process may have its own (--watch-port): who starts next would have changed it.
_OWN = {"watch": {"port"}}


def configured(files: Files, settings: Settings) -> Iterator[Configured]:
    """Say what there is: rules, profiles, what else is in files, and every section of the settings."""
    for name, rules in groupby(sorted(files.rules, key=lambda rule: (_written_as(rule), rule.channel)), _written_as):
        several = list(rules)
        said = [field.name for field in fields(several[0]) if field.name not in _NOT_SAID["rule"]]
        yield Configured("rule", name, {field: _digest([getattr(rule, field) for rule in several]) for field in said})
    for profile in files.profiles.values():
        yield Configured("profile", profile.id, _digests(profile, _NOT_SAID["profile"]))
    yield Configured("setting", "hazards", _digests(files.hazards))
    yield Configured("setting", "desk", _digests(files.practice))
    yield Configured("setting", "whistling", _digests(files.ladders.whistling))
    if (calendars := settings.files.calendars) is not None:
        yield Configured("setting", "calendars", {name: _digest(said) for name, said in read_yaml(calendars).items()})
    for name, section in settings:
        yield from _section(name, section)


def _written_as(rule: Rule) -> str:
    """A rule over a numbered family is written once, and is one rule a circuit."""
    return rule.id.removesuffix(f".{rule.channel}")


def _section(name: str, section: Any) -> Iterator[Configured]:
    if isinstance(section, BaseModel):
        yield Configured("setting", name, _digests(section, _OWN.get(name, frozenset())))
    elif isinstance(section, tuple):  # brokers and channels have names
        for one in section:
            yield Configured("setting", f"{name}.{one.name}", _digests(one))
    else:
        yield Configured("setting", name, {"": _digest(section, _SECRET_DIGITS if name == "book" else _DIGITS)})


def _digests(thing: Any, but: Collection[str] = ()) -> dict[str, str]:
    names = [field.name for field in fields(thing)] if is_dataclass(thing) else list(type(thing).model_fields)
    return {name: _digest(getattr(thing, name)) for name in names if name not in but}


def _digest(said: Any, digits: int = _DIGITS) -> str:
    if _holds_secret(said):
        digits = _SECRET_DIGITS
    return sha256(_encode(said)).hexdigest()[:digits]


def _holds_secret(said: Any) -> bool:
    if isinstance(said, Mapping):
        return any(map(_holds_secret, said.values()))
    return isinstance(said, SecretStr)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return dict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


_encode = msgspec.json.Encoder(order="deterministic", enc_hook=_plain).encode
