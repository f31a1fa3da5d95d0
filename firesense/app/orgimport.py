"""Takes an org from other files into the configuration's own, and into the book: all of it, or nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firesense.app.plan import import_files, read_files
from firesense.domain.errors import ConfigError, Fault
from firesense.orgtree import Difference, csv_files, differences, read_org, workbook, yaml_org

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from firesense.app.plan import Files
    from firesense.domain.deed import Actor
    from firesense.domain.instant import Instant
    from firesense.domain.place import Org
    from firesense.ports import Book
    from firesense.settings import Settings


@dataclass(frozen=True, slots=True)
class OrgImport:
    """What an import would do: every difference to what is in the book, and the devices that would stand nowhere."""

    files: Files
    differences: tuple[Difference, ...]
    stranded: tuple[str, ...]


def plan_import(settings: Settings, paths: Sequence[Path], book: Book) -> OrgImport:
    """Read an org, with all that refers to it, and compare it with the book. Raises ConfigError with every fault."""
    files = read_files(settings, org=read_org(paths, {channel.name for channel in settings.channels}))
    stranded = tuple(device.id for device in book.registry() if device.place not in files.org.places)
    return OrgImport(files, tuple(differences(book.org(), files.org)), stranded)


def do_import(settings: Settings, wanted: OrgImport, book: Book, actor: Actor, now: Instant) -> Path:
    """Put the org in the place of the one in the configuration, and into the book; gives where the old one is now.

    Raises ConfigError when the file cannot be written, BookError; then everything is as it was before.
    """
    target = settings.files.org
    before, new = (target.with_name(target.name + end) for end in (".before", ".new"))
    try:
        _remove(new)
        write_org(wanted.files.org, new, like=target)
        _remove(before)
        if target.exists():
            target.rename(before)
        new.rename(target)
    except OSError as error:
        raise ConfigError([Fault(str(target), "", error.strerror or str(error))]) from error
    try:
        import_files(wanted.files, book, actor, now)
    except BaseException:
        _remove(target)
        if before.exists():
            before.rename(target)
        raise
    return before


def write_org(org: Org, path: Path, *, like: Path, language: str = "en") -> None:
    """Write an org in the format that ``like`` names: YAML, a workbook (.xlsx), or else a folder of CSV files."""
    match like.suffix.lower():
        case ".yaml" | ".yml":
            path.write_text(yaml_org(org), encoding="utf-8")
        case ".xlsx":
            path.write_bytes(workbook(org, language))
        case _:
            path.mkdir(parents=True)
            for name, content in csv_files(org, language).items():
                (path / name).write_bytes(content)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
