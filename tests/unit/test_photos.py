"""Photos from strangers: what is kept is a picture and nothing else, what is none costs little."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image, ImageFile, ImageOps

from firesense.domain.errors import NotFound, PhotoRefused
from firesense.domain.instant import SECOND
from firesense.photos import Photos

SECRET = "taken at 30.2741 N by Mrs Li"


def picture(size=(640, 480), kind="JPEG", mode="RGB", **how):
    image = Image.new(mode, size)
    for x in range(0, size[0], 8):
        image.putpixel((x, size[1] // 2), 255 if mode in "LP" else (200, 40, 10, 255)[: len(mode)])
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def in_scans(width, height, scans=((1,), (2,), (3,)), filled=0):
    """A grey baseline JPEG; each scan has some of its colours (ITU-T T.81 annex B)."""

    def segment(marker, content):
        return b"\xff" * (filled + 1) + bytes((marker,)) + struct.pack(">H", len(content) + 2) + content

    colours = sorted({colour for scan in scans for colour in scan})
    blocks = -(-width // 8) * -(-height // 8)  # two bits each: no difference, nothing more
    parts = [b"\xff\xd8", segment(0xDB, b"\0" + b"\1" * 64)]
    frame = b"".join(bytes((colour, 0x11, 0)) for colour in colours)
    parts.append(segment(0xC0, struct.pack(">BHHB", 8, height, width, len(colours)) + frame))
    parts += [segment(0xC4, b"\x00\1" + bytes(16)), segment(0xC4, b"\x10\1" + bytes(16))]
    for scan in scans:
        named = b"".join(bytes((colour, 0)) for colour in scan)
        parts += [segment(0xDA, bytes((len(scan),)) + named + bytes((0, 63, 0))), bytes(-(-blocks * len(scan) // 4))]
    return b"".join([*parts, b"\xff\xd9"])


def of_frame(jpeg, kind):
    """The same with another kind of frame: 3 is without loss, 9 and 10 are arithmetic."""
    return jpeg.replace(b"\xff\xc0", bytes((0xFF, 0xC0 + kind)), 1)


def after_a_marker_without_length(jpeg):
    """Whoever takes what follows RST0 for a length goes on within a comment, where a scan of all colours is written."""
    first, second = b"\xff\xfe" + struct.pack(">H", 100) + bytes(98), b"\xff\xfe\xff\xff" + bytes(65_533)
    comments = bytearray(first + second)
    comments[0xFFFE : 0xFFFE + 5] = b"\xff\xda\x00\x0c\x03"
    return b"\xff\xd8\xff\xd0" + bytes(comments) + jpeg[2:]


def commented(jpeg, comment):
    """A comment before each scan."""
    segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return jpeg.replace(b"\xff\xda", segment + b"\xff\xda")


def with_secrets(turned=1):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif[0x0112] = turned
    return picture(exif=exif, comment=SECRET.encode())


@pytest.fixture
def photos(tmp_path):
    return Photos(tmp_path / "photos")


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("WEBP", "RGB")]
)
def test_a_photo_is_kept_as_a_jpeg(photos, kind, mode):
    kept = photos.keep(io.BytesIO(picture(kind=kind, mode=mode)))
    stored = photos.read(kept.id)
    with Image.open(io.BytesIO(stored)) as image:
        assert (image.format, image.size) == ("JPEG", (640, 480))
    assert (kept.size, kept.width, kept.height) == (len(stored), 640, 480)


def test_where_and_by_whom_it_was_taken_is_not_kept(photos):
    data = with_secrets()
    assert SECRET.encode() in data
    stored = photos.read(photos.keep(data).id)
    assert SECRET.encode() not in stored
    with Image.open(io.BytesIO(stored)) as image:
        assert not image.getexif()
        assert "comment" not in image.info


def test_a_photo_taken_sideways_stands_upright(photos):
    kept = photos.keep(with_secrets(turned=6))
    assert (kept.width, kept.height) == (480, 640)


def test_a_large_photo_becomes_small(photos):
    kept = photos.keep(picture((6000, 4000)))
    assert (kept.width, kept.height) == (1920, 1280)


def test_the_same_photo_twice_is_kept_once(photos, tmp_path):
    assert photos.keep(picture()) == photos.keep(picture())
    assert len(list((tmp_path / "photos").rglob("*.*"))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        picture()[:200],
        picture(kind="PNG")[:-30],
        picture(kind="GIF", mode="P"),
        picture(kind="TIFF"),
    ],
    ids=["nothing", "svg", "pdf", "three bytes", "cut jpeg", "cut png", "gif", "tiff"],
)
def test_what_is_no_photo_is_refused(photos, tmp_path, data):
    with pytest.raises(PhotoRefused) as refused:
        photos.keep(data)
    assert refused.value.key == "photo.none"
    assert not list(tmp_path.rglob("*.*"))


class Endless:
    """A photo of any size, that counts how much of it was read."""

    def __init__(self):
        self.given = 0

    def read(self, size):
        self.given += size
        return b"\xff" * size


def test_a_photo_without_end_is_read_no_further_than_its_limit(tmp_path):
    endless = Endless()
    with pytest.raises(PhotoRefused) as refused:
        Photos(tmp_path, most=2**20).keep(endless)
    assert refused.value.key == "photo.large"
    assert endless.given <= 2**20 + 2**16
    with pytest.raises(PhotoRefused):
        Photos(tmp_path).keep(Endless(), most=1000)


def test_a_small_file_that_would_be_a_huge_picture_is_refused_unseen(photos):
    bomb = picture((8000, 8000), "PNG", "1", optimize=True)
    assert len(bomb) < 100_000
    with pytest.raises(PhotoRefused) as refused:
        photos.keep(bomb)
    assert refused.value.key == "photo.pixels"


@pytest.mark.parametrize(
    "data",
    [
        picture((30_000, 1_000), quality=30),
        picture((6_000, 4_500), quality=30, progressive=True),
        in_scans(12_000, 10_000),
        in_scans(4_000, 4_000, filled=3),
        after_a_marker_without_length(in_scans(4_000, 4_000)),
        in_scans(640, 480, ((1,), (2,), (3,)) * 22),
        commented(in_scans(640, 480, ((1,), (2,), (3,)) * 22), b"\xff\xd9"),
        in_scans(640, 480, ((1,), (2,), (3,)) * 22).replace(b"\xff\xda", b"\xff\xcc\0\2\xff\xda"),
        picture((5_000, 3_000), "PNG"),
        picture((4_000, 3_000), "WEBP", quality=0, method=0),
    ],
    ids=[
        "a strip",
        "progressive",
        "a scan for each colour",
        "the same after filling",
        "the same after a marker without length",
        "many scans",
        "many scans and comments that look like an end",
        "many scans behind tables of arithmetic coding",
        "PNG",
        "WebP",
    ],
)
def test_a_picture_that_would_be_decoded_whole_is_refused_before_it_is(photos, monkeypatch, data):
    def load(_picture):
        raise AssertionError("it was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(PhotoRefused) as refused:
        photos.keep(data)
    assert refused.value.key == "photo.pixels"


@pytest.mark.parametrize(
    "data",
    [
        picture() + b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 100,
        commented(picture(), b"\xff\xda" * 100),
        in_scans(640, 480, ((1,), (2,), (3,)) * 21),
    ],
    ids=["a film behind it", "in a comment", "as many as there may be"],
)
def test_what_looks_like_many_scans_and_is_none_does_no_harm(photos, data):
    assert photos.keep(data).width == 640


@pytest.mark.parametrize(
    "before", [b"", b"\xff\xd8", b"\xff\xd9", b"\xff\xf0"], ids=["nothing", "begun", "ended", "unknown"]
)
def test_a_photo_of_ever_so_many_pieces_is_refused_before_each_is_looked_at(photos, monkeypatch, before):
    pieces = b"\xff\xd8" + before + b"\xff\xe5\x00\x04ab" * 20_000 + picture()[2:]
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(PhotoRefused) as refused:
        photos.keep(pieces)
    assert refused.value.key == "photo.none"


@pytest.mark.parametrize("before", [b"", b"\xff\xd0\xff", b"\xff\xfe\0\0"], ids=["at once", "filled", "commented"])
@pytest.mark.parametrize("kind", [3, 5, 6, 7, 9, 10, 11, 13, 14, 15])
def test_a_kind_of_jpeg_that_no_camera_writes_is_given_to_no_decoder(photos, monkeypatch, kind, before):
    data = of_frame(in_scans(640, 480, ((1, 2, 3),)), kind)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(PhotoRefused) as refused:
        photos.keep(data[:2] + before + data[2:])
    assert refused.value.key == "photo.none"


def test_no_more_than_the_small_picture_is_copied(photos, monkeypatch):
    seen = []
    turn = ImageOps.exif_transpose
    monkeypatch.setattr(
        ImageOps, "exif_transpose", lambda image, **how: (seen.append(image.size), turn(image, **how))[1]
    )
    photos.keep(picture((3000, 2500)))
    assert max(seen[0]) <= 1920


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 64, "A" * 64, "0" * 63 + "\n"])
def test_what_is_not_there_is_not_found(photos, name):
    with pytest.raises(NotFound):
        photos.read(name)
    photos.forget(name)


def test_a_photo_can_be_forgotten(photos):
    kept = photos.keep(picture())
    photos.forget(kept.id)
    with pytest.raises(NotFound):
        photos.read(kept.id)


def test_many_at_once_are_all_kept(photos):
    wanted = [picture((100 + n, 80)) for n in range(8)]
    kept = []
    threads = [threading.Thread(target=lambda data=data: kept.append(photos.keep(data))) for data in wanted * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 16
    assert len({each.id for each in kept}) == 8
    assert all(len(photos.read(each.id)) == each.size for each in kept)


def test_only_the_owner_of_the_process_may_look(photos, tmp_path):
    photos.keep(picture())
    (file,) = (tmp_path / "photos").rglob("*.jpg")
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_photo_sent_again_is_as_good_as_new(photos, tmp_path):
    kept = photos.keep(picture())
    (file,) = (tmp_path / "photos").rglob("*.jpg")
    os.utime(file, (1000, 1000))
    assert list(photos.older(1001 * SECOND)) == [kept.id]
    photos.keep(picture())
    assert list(photos.older(1001 * SECOND)) == []


# The most memory a process ever had is a figure of the process, so this runs in one of its own.
LOOK = """
import re, sys
from pathlib import Path
from firesense.photos import Photos

def most():
    return int(re.search(r"VmHWM:\\s*([0-9]+) kB", Path("/proc/self/status").read_text())[1])

photos = Photos(Path(sys.argv[1]))
small, large = (Path(name).read_bytes() for name in sys.argv[2:])
photos.keep(small)
before = most()
photos.keep(large)
print(most() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory it was")
@pytest.mark.parametrize(
    "data",
    [
        lambda: in_scans(12_000, 10_000, ((1, 2, 3),)),
        lambda: in_scans(4_032, 3_024),
        lambda: in_scans(4_032, 3_024, ((1,), (2,), (3,), (4,))),
        lambda: picture((4_032, 3_024), progressive=True, subsampling=0),
        lambda: picture((4_000, 3_100), "PNG", "RGBA"),
        lambda: picture((3_000, 2_500), "WEBP", "RGBA", lossless=True, quality=0, method=0),
    ],
    ids=["one scan", "a scan for each colour", "the same of ink", "progressive", "PNG", "WebP"],
)
def test_the_largest_pictures_there_may_be_take_less_than_150_mb(tmp_path, data):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(picture())
    large.write_bytes(data())
    asked = [sys.executable, "-c", LOOK, tmp_path / "photos", small, large]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert 10 * 1024 < int(said.stdout) < 150 * 1024
