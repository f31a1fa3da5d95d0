"""The org tree with its posts, people and rosters: read, checked, compared and written, as YAML, CSV and XLSX.

The same checks hold for all of them, and every fault is told at once with where it stands. docs/org.md says how it
is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firesense.domain.errors import ConfigError, Fault
from firesense.orgtree.checking import org_of
from firesense.orgtree.csvfiles import csv_files, read_csv
from firesense.orgtree.difference import Difference, compared, differences
from firesense.orgtree.sheets import Sheet, read_sheets
from firesense.orgtree.workbook import read_workbook, workbook
from firesense.orgtree.written import read_yaml_org, yaml_org

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from firesense.domain.place import Org

__all__ = ["Difference", "compared", "csv_files", "differences", "load_org", "read_org", "workbook", "yaml_org"]


def load_org(path: Path, channels: Collection[str] | None = None) -> Org:
    """Read an org from where the settings say it is: a YAML file, a workbook, or a folder of CSV files.

    ``channels`` are those that people's addresses may be for, if that is known. Raises ConfigError with every
    fault.
    """
    return read_org([path], channels)


def read_org(paths: Sequence[Path], channels: Collection[str] | None = None) -> Org:
    """Read an org from one YAML file, one workbook, or CSV files and folders of them. Raises ConfigError."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob("*.csv"))
            if not found:
                raise ConfigError([Fault(str(path), "", "holds no CSV files")])
            files += found
        else:
            files.append(path)
    suffixes = {path.suffix.lower() for path in files}
    if suffixes <= {".yaml", ".yml"} and len(files) == 1:
        return org_of(read_yaml_org(files[0]), channels)
    if suffixes == {".xlsx"} and len(files) == 1:
        return org_of(read_sheets(read_workbook(files[0])), channels)
    if suffixes == {".csv"}:
        return org_of(read_sheets(_read_all(files)), channels)
    names = ", ".join(map(str, files))
    raise ConfigError([Fault(names, "", "an org is one YAML file, one workbook (.xlsx), or CSV files")])


def _read_all(files: Sequence[Path]) -> list[Sheet]:
    faults: list[Fault] = []
    sheets: list[Sheet] = []
    for path in files:
        try:
            sheets.append(read_csv(path))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return sheets
