"""Photos people send: looked at, made small, and kept in files named after what is in them.

Nothing of the file as it came is kept: it is decoded and written anew as a JPEG, which takes where and when it was
taken, by which telephone, and whatever else was hidden in it, away. What is no photo, or too large, is refused before
it costs much.
"""

from __future__ import annotations

import io
import os
import re
import threading
import warnings
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageOps

from firesense.domain.errors import NotFound, PhotoRefused
from firesense.domain.instant import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from firesense.domain.instant import Instant

MOST_BYTES = 10 * 2**20  # as it comes; telephones send 2 to 8 MB
MEDIA_TYPE = "image/jpeg"

_LONGEST_SIDE = 1920  # pixels kept: enough to read a label on a fuse box
_QUALITY = 82
_FORMATS = ("JPEG", "PNG", "WEBP")
# How many pixels are looked at, so that no picture takes more than 150 MB (see docs/photos.md). A JPEG of one scan is
# decoded at a fraction of it: as large as telephones take them. MPO is a JPEG with more pictures behind it.
_MOST_PIXELS = {"JPEG": 120_000_000, "MPO": 120_000_000, "WEBP": 7_500_000}
_MOST_PIXELS_WHOLE = 12_500_000  # of what is decoded whole, up to 12 bytes a pixel: the 4032 x 3024 of many telephones
_MOST_SCANS = 64  # of a JPEG; cameras write 1, programs up to 14, and each costs a walk through all of it
_MOST_SEGMENTS = 1000  # of a JPEG; 10 MB of what cameras write are 170 at most, and Pillow remembers each
_CHUNK = 64 * 1024
_JPEGS = ("JPEG", "MPO")
# A segment, which a length follows, or what ends all looking. Anything else is filling, coded colours, or a marker with
# nothing behind it (0x01, RST0 to RST7), wherever it stands. Of frames only what cameras write (SOF0 to SOF2): one
# without loss comes whole from a decoder that was asked for a fraction, and is written past the end of its memory.
_MARKER = re.compile(
    rb"\xff(?:([\xc0-\xc2\xc4\xcc\xda-\xdd\xe0-\xef\xfe])|[\xc3\xc5-\xcb\xcd-\xcf\xd8\xd9\xde\xdf\xf0-\xfd])"
)
_BEGIN, _SCAN = b"\xff\xd8", b"\xff\xda"
_NAME = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo in the store: ``id`` is the SHA-256 of the file kept, in hex; ``size`` in bytes, the rest in pixels."""

    id: str
    size: int
    width: int
    height: int


class Photos:
    """A folder of photos; safe to use from several threads and processes. The same picture is kept once."""

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        """Photos of more than ``most`` bytes are refused; the folder is made when the first one comes."""
        self._folder = folder
        self._most = most
        self._turn = threading.Lock()  # one at a time: a picture takes tens of megabytes while it is looked at

    def keep(self, source: BinaryIO | bytes, most: int | None = None) -> Kept:
        """Read a photo and keep it. Raises PhotoRefused for what is none or too large, OSError when the disk is full.

        Reading stops as soon as there is more than ``most`` bytes, if that is given, or than the store takes.
        """
        data = _read(io.BytesIO(source) if isinstance(source, bytes) else source, min(most or self._most, self._most))
        with self._turn:
            picture, (width, height) = _made_anew(data)
        name = sha256(picture).hexdigest()
        self._write(name, picture)
        return Kept(name, len(picture), width, height)

    def read(self, photo: str) -> bytes:
        """Give a photo as a JPEG. Raises NotFound."""
        if _NAME.fullmatch(photo):
            try:
                return self._path(photo).read_bytes()
            except FileNotFoundError:
                pass  # said below, like a name that is none
        raise NotFound(f"there is no photo {photo[:80]!r}")

    def forget(self, photo: str) -> None:
        """Delete a photo, if it is there."""
        if _NAME.fullmatch(photo):
            self._path(photo).unlink(missing_ok=True)

    def older(self, before: Instant) -> Iterator[str]:
        """Name the photos that were last sent before an instant."""
        for file in self._folder.glob("??/*.jpg"):
            try:
                sent_at = int(file.stat().st_mtime * SECOND)
            except FileNotFoundError:
                continue  # forgotten meanwhile
            if sent_at < before:
                yield file.stem

    def _path(self, photo: str) -> Path:
        return self._folder / photo[:2] / f"{photo}.jpg"

    def _write(self, name: str, picture: bytes) -> None:
        """Write it whole or not at all, readable by its owner only: it shows people's homes."""
        path = self._path(name)
        try:
            os.utime(path)  # it is as good as new to whoever looks for what nobody shows
        except FileNotFoundError:
            self._write_new(path, picture)

    def _write_new(self, path: Path, picture: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_name(f"{path.stem}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
                file.write(picture)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)


def _read(source: BinaryIO, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise PhotoRefused(f"the photo has more than {most} bytes", "photo.large", most=most // 2**20)
        parts.append(chunk)
    return b"".join(parts)


def _made_anew(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """Decode a picture and encode it again, upright and no larger than is looked at; with its width and height."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limits below are ours
            scans = _scans(data) if data.startswith(_BEGIN) else ()
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                _look_at_size(opened)
                _look_at_scans(opened, scans)
                opened.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
                _look_at_cost(opened)
                opened.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))  # before anything copies it whole
                ImageOps.exif_transpose(opened, in_place=True)
                clean = _on_white(opened)
    except PhotoRefused:
        raise
    except Exception as error:
        # Whatever a decoder says of bytes a stranger sent (a dozen kinds of errors), they are no photo we can keep.
        raise PhotoRefused(f"not a photo, or damaged ({type(error).__name__})", "photo.none") from error
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue(), clean.size


def _look_at_size(picture: Image.Image) -> None:
    if picture.width * picture.height > _MOST_PIXELS.get(picture.format or "", _MOST_PIXELS_WHOLE):
        raise PhotoRefused(f"the photo has {picture.width} x {picture.height} pixels", "photo.pixels")


def _look_at_scans(picture: Image.Image, scans: Sequence[int]) -> None:
    """Refuse a large JPEG whose decoder holds all of it, as it does unless one scan has all there is.

    That is what progressive ones are for; one that is not may have a scan for each colour all the same.
    """
    if picture.format not in _JPEGS:
        return
    if len(scans) > _MOST_SCANS:
        raise PhotoRefused(f"the photo has more than {_MOST_SCANS} scans", "photo.pixels")
    in_scans = "progressive" in picture.info or scans[0] < len(picture.getbands())
    if in_scans and picture.width * picture.height > _MOST_PIXELS_WHOLE:
        raise PhotoRefused("the photo is in several scans: its decoder holds all of it", "photo.pixels")


def _scans(data: bytes) -> list[int]:
    """How many colours each scan of a JPEG has (ITU-T T.81 B.1.1 and B.2.3), found as its decoder finds them.

    Between segments that decoder goes on to the next marker, whatever lies before it. Looks no further than the end of
    the picture: telephones put films behind it. Raises PhotoRefused.
    """
    scans: list[int] = []
    at = len(_BEGIN)
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None or found[1] is None:
            if not scans:
                raise PhotoRefused("not a photo: no scan, or of a kind no camera writes", "photo.none")
            return scans
        at = found.end()
        if found[0] == _SCAN:
            scans.append(int.from_bytes(data[at + 2 : at + 3], "big"))
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    raise PhotoRefused(f"the photo has more than {_MOST_SEGMENTS} segments", "photo.none")


def _look_at_cost(picture: Image.Image) -> None:
    """Refuse what stays large though it is decoded at a fraction: a long strip is not made smaller by its width."""
    if picture.width * picture.height > _MOST_PIXELS_WHOLE:
        raise PhotoRefused(f"{picture.width} x {picture.height} pixels would be decoded", "photo.pixels")


def _on_white(picture: Image.Image) -> Image.Image:
    """Copy the pixels and nothing else: what is transparent becomes white, what was written beside them is gone."""
    seen = picture.convert("RGBA")
    paper = Image.new("RGB", seen.size, "white")
    paper.paste(seen, mask=seen.getchannel("A"))
    return paper
