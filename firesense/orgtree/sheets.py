"""An org as four sheets: places, posts, people, rosters; with English or Chinese headings.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, and read without.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firesense.domain.errors import Fault
from firesense.orgtree import words
from firesense.orgtree.draft import Draft, Row, Where
from firesense.orgtree.written import rotation_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from firesense.domain.place import Org

# sheet -> field -> its headings; the first is the one that is written in English, the second in Chinese
SHEETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "places": {
        "code": ("code", "编码", "代码", "区划代码", "网格编码"),
        "name": ("name", "名称", "地点名称"),
        "kind": ("kind", "类型", "类别"),
        "parent": ("parent", "上级", "上级编码"),
        "tags": ("tags", "标签"),
        "address": ("address", "地址", "详细地址"),
        "scheme": ("scheme", "编码规则"),
    },
    "posts": {
        "place": ("place", "地点", "地点编码"),
        "role": ("role", "岗位"),
        "holders": ("holders", "人员", "在岗人员"),
        "rosters": ("rosters", "值班表"),
    },
    "people": {
        "id": ("id", "编号", "人员编号"),
        "name": ("name", "姓名"),
        "phone": ("phone", "电话", "手机", "手机号", "联系电话"),
        "language": ("language", "语言"),
        "quiet": ("quiet", "免打扰", "免打扰时段"),
    },
    "rosters": {
        "roster": ("roster", "值班表"),
        "name": ("name", "名称"),
        "teams": ("teams", "班组"),
        "start": ("start", "开始日期", "起始日期"),
        "turn": ("turn", "每班", "轮换周期"),
        "from": ("from", "接班", "上班时间"),
        "to": ("to", "交班", "下班时间"),
        "weekdays": ("weekdays", "星期"),
        "days": ("days", "日期类型"),
        "until": ("until", "结束日期"),
    },
}
_TITLES = {
    "places": ("places", "地点", "组织机构"),
    "posts": ("posts", "岗位"),
    "people": ("people", "人员", "通讯录"),
    "rosters": ("rosters", "值班表", "排班"),
}
_REQUIRED = {
    "places": ("code", "name", "kind", "parent"),
    "posts": ("place", "role"),
    "people": ("id", "name"),
    "rosters": ("roster", "teams", "from"),
}
_LISTS = {"tags", "holders", "rosters", "weekdays"}
ADDRESS = ("address:", "渠道:")  # then the name of a channel
_FORMULA = "=+-@\t\r'"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its heading: rows of cells by number (line of a file, row of a sheet), all of them text.

    ``column`` says what people call the nth column: its heading, or its letters and its heading.
    """

    file: str
    title: str
    heading: Sequence[str]
    rows: Sequence[tuple[int, Sequence[str]]]
    at: str = "line {number}"
    column: Callable[[int, str], str] = field(default=lambda _, heading: heading)


def read_sheets(sheets: Iterable[Sheet]) -> Draft:
    """Make a draft of all sheets; what cannot be read at all is among its faults."""
    draft = Draft()
    seen: dict[str, str] = {}
    for sheet in sheets:
        kind = _kind(sheet)
        if kind is None:
            reason = f"is none of the sheets there are: {', '.join(SHEETS)}"
            draft.faults.append(Fault(sheet.file, sheet.title, reason))
        elif kind in seen:
            draft.faults.append(Fault(sheet.file, sheet.title, f"the sheet {kind} is in {seen[kind]} already"))
        else:
            seen[kind] = sheet.file
            _read_rows(sheet, kind, draft)
    for needed in ("places", "posts", "people"):
        if needed not in seen and not draft.faults:
            draft.faults.append(Fault("", needed, "there is no such sheet"))
    return draft


def _same(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().lower()


def _kind(sheet: Sheet) -> str | None:
    """Which sheet this is: by its title, else by its heading."""
    title = _same(sheet.title)
    for kind, titles in _TITLES.items():
        if title in titles:
            return kind
    heading = {_same(name) for name in sheet.heading}
    for kind, needed in _REQUIRED.items():
        if all(heading & set(SHEETS[kind][name]) for name in needed):
            return kind
    return None


def _read_rows(sheet: Sheet, kind: str, draft: Draft) -> None:
    fields: dict[int, str] = {}
    columns: dict[str, str] = {}
    for number, heading in enumerate(sheet.heading):
        name = _field(kind, heading)
        shown = sheet.column(number, heading)
        if name is None and (heading or any(number < len(cells) and cells[number] for _, cells in sheet.rows)):
            draft.faults.append(Fault(sheet.file, f"{sheet.title}, column {shown}", "is not known"))
        elif name in columns:
            draft.faults.append(Fault(sheet.file, f"{sheet.title}, column {shown}", f"is {columns[name]} again"))
        elif name is not None:
            fields[number], columns[name] = name, shown
    for needed in _REQUIRED[kind]:
        if needed not in columns:
            reason = f"column {needed!r} ({SHEETS[kind][needed][1]}) is missing"
            draft.faults.append(Fault(sheet.file, sheet.title, reason))
    rows = draft.rows(kind)
    for line, cells in sheet.rows:
        if not any(cells):
            continue
        where = Where(sheet.file, sheet.at.format(number=line), columns)
        if extra := [cell for cell in cells[len(sheet.heading) :] if cell]:
            draft.faults.append(where.fault("", f"{extra[0]!r} stands beyond the last heading"))
        rows.append(Row(where, _values(fields, cells)))


def _field(kind: str, heading: str) -> str | None:
    plain = _same(heading)
    for name, headings in SHEETS[kind].items():
        if plain in headings:
            return name
    for before in ADDRESS:
        if kind == "people" and plain.startswith(before) and plain != before:
            return ADDRESS[0] + unicodedata.normalize("NFKC", heading).strip()[len(before) :].strip()
    return None


def _values(fields: Mapping[int, str], cells: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for number, name in fields.items():
        cell = unguarded(cells[number].strip()) if number < len(cells) else ""
        if name in _LISTS:
            values[name] = words.several(cell)
        elif name == "teams":
            teams = (part.split("+") for part in words.several(cell))
            values[name] = tuple(tuple(person.strip() for person in team) for team in teams)
        elif name.startswith(ADDRESS[0]):
            if cell:
                values.setdefault("addresses", {})[name.removeprefix(ADDRESS[0])] = cell
        else:
            values[name] = cell
    return values


def guarded(cell: str) -> str:
    """The cell as a spreadsheet may open it."""
    return "'" + cell if cell and cell[0] in _FORMULA else cell


def unguarded(cell: str) -> str:
    """The cell as it was meant."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in _FORMULA else cell


def sheets_of(org: Org, language: str = "en") -> dict[str, list[list[str]]]:
    """The sheets of an org, each with its heading first; cells are guarded."""
    channels = list(dict.fromkeys(name for person in org.people.values() for name in person.addresses))
    nth = 1 if language == "zh" else 0
    written: dict[str, list[Mapping[str, str]]] = {
        "places": [
            {
                "code": place.code,
                "name": place.name,
                "kind": place.kind,
                "parent": place.parent,
                "tags": ";".join(place.tags),
                "address": place.address,
                "scheme": place.scheme,
            }
            for place in org.places.values()
        ],
        "posts": [
            {
                "place": post.place,
                "role": post.role,
                "holders": ";".join(post.holders),
                "rosters": ";".join(post.rosters),
            }
            for post in org.posts.values()
        ],
        "people": [
            {"id": person.id, "name": person.name, "phone": person.phone, "language": person.language}
            | {"quiet": person.quiet}
            | {ADDRESS[0] + name: address for name, address in person.addresses.items()}
            for person in org.people.values()
        ],
        "rosters": [
            {"roster": roster.id, "name": roster.name, "teams": ";".join("+".join(team) for team in rotation.teams)}
            | {
                name: ";".join(value) if isinstance(value, list) else value
                for name, value in rotation_words(rotation).items()
            }
            for roster in org.rosters.by_id.values()
            for rotation in roster.rotations
        ],
    }
    sheets: dict[str, list[list[str]]] = {}
    for kind, rows in written.items():
        fields = {name: headings[nth] for name, headings in SHEETS[kind].items()}
        if kind == "people":
            fields |= {ADDRESS[0] + name: ADDRESS[nth] + name for name in channels}
        lines = [[guarded(str(row.get(name, ""))) for name in fields] for row in rows]
        sheets[kind] = [list(fields.values()), *lines]
    return sheets
