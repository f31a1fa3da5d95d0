"""Sheets as one workbook (XLSX)."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from firesense.domain.errors import ConfigError, Fault
from firesense.orgtree.sheets import Sheet, sheets_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from firesense.domain.place import Org

_MOST_UNPACKED = 400 * 2**20
_MOST_ROWS = 500_000
_MOST_COLUMNS = 200  # a sheet of ours has a dozen; one cell far to the right makes every row as long
_EXACT = 2**53  # numbers above are rounded by every spreadsheet
_NO_VALUE = {"f": "is a formula: put its value there", "e": "holds an error"}


def read_workbook(path: Path) -> list[Sheet]:
    """Read all sheets that are not empty. Raises ConfigError with every cell that is not what it seems."""
    import openpyxl  # noqa: PLC0415 -- a tenth of a second, for those who use it

    faults: list[Fault] = []
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
        if unpacked > _MOST_UNPACKED:
            faults.append(Fault(str(path), "", f"unpacks to more than {_MOST_UNPACKED // 2**20} MiB"))
            raise ConfigError(faults)  # noqa: TRY301 -- before anything of it is unpacked
        book = openpyxl.load_workbook(path, read_only=True)
        try:
            found = [_sheet(one, str(path), faults) for one in book.worksheets]
        finally:
            book.close()
    except ConfigError:
        raise
    except OSError as error:
        raise ConfigError([Fault(str(path), "", error.strerror or str(error))]) from error
    except Exception as error:  # a reader of other people's files raises whatever it stumbles over
        raise ConfigError([Fault(str(path), "", "is no workbook (XLSX), or a damaged one")]) from error
    if faults:
        raise ConfigError(faults)
    return [sheet for sheet in found if sheet is not None]


def _sheet(one: Any, file: str, faults: list[Fault]) -> Sheet | None:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 -- as above

    one.reset_dimensions()  # programs that write workbooks get them wrong
    heading: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, row in enumerate(one.iter_rows(), 1):
        if any(cell.value is not None for cell in row[_MOST_COLUMNS:]):
            faults.append(Fault(file, f"sheet {one.title}, row {number}", f"has more than {_MOST_COLUMNS} columns"))
            break
        cells = _cells(row, f"sheet {one.title}, row {number}", file, faults)
        if not heading:
            heading = cells
        elif cells:
            rows.append((number, cells))
        if number > _MOST_ROWS:
            faults.append(Fault(file, f"sheet {one.title}", f"has more than {_MOST_ROWS} rows"))
            break
    if not heading:
        return None

    def column_of(number: int, name: str) -> str:
        letter: str = get_column_letter(number + 1)
        return f"{letter} ({name})" if name else letter

    return Sheet(file, one.title, heading, rows, f"sheet {one.title}, row {{number}}", column_of)


def _cells(row: Sequence[Any], where: str, file: str, faults: list[Fault]) -> list[str]:
    """The cells of a row up to the last that is not empty."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 -- as above

    cells: list[str] = []
    for column, cell in enumerate(row, 1):
        try:
            cells.append(_text(cell.value, getattr(cell, "data_type", "")))
        except ValueError as error:
            faults.append(Fault(file, f"{where}, column {get_column_letter(column)}", str(error)))
            cells.append("")
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(value: object, kind: str) -> str:
    """A cell as people see it. Raises ValueError for one that a spreadsheet made something else of."""
    if isinstance(value, str):
        if kind in _NO_VALUE:
            raise ValueError(_NO_VALUE[kind])
        return value.strip()
    if isinstance(value, (int, float)):
        if abs(value) >= _EXACT:
            raise ValueError("is a number too long for a spreadsheet: make the column text, and write it anew")
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    return "" if value is None else value.strftime("%H:%M") if isinstance(value, time) else str(value)


def workbook(org: Org, language: str = "en") -> bytes:
    """Write an org as a workbook; every cell is text, so that no code or number is taken for something else."""
    import openpyxl  # noqa: PLC0415 -- as above
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 -- as above

    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets_of(org, language).items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for row in rows:
            cells = []
            for text in row:
                cell = WriteOnlyCell(sheet, value=text)
                cell.number_format = "@"
                cells.append(cell)
            sheet.append(cells)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()
