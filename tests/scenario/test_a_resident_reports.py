"""A resident finds a hazard and reports it with a telephone: whom it reaches, what is kept, and what is not."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from starlette.testclient import TestClient

from firesense.domain.deed import Actor
from firesense.domain.hazard import HazardAct, Source
from firesense.domain.instant import MINUTE
from firesense.photos import Photos
from firesense.quietdesk import QuietDesk
from firesense.web import create_console
from tests.house import GRID, SmallHouse


@pytest.fixture
def house(tmp_path):
    small = SmallHouse(tmp_path)
    yield small
    small.close()


@pytest.fixture
def form(house):
    plan = house.keeper.current
    photos = house.photos = Photos(house.settings.data / "photos")
    console = create_console(
        house.book,
        house.history,
        house.desk,
        house.clock,
        plan,
        status=dict,
        secure_cookies=False,
        hazards=house.hazards,
        quiet=QuietDesk(house.book, house.clock, plan),
        photos=photos,
    )
    with TestClient(console, client=("192.0.2.44", 51000)) as browser:
        yield browser


def send(form, wrong, photos=()):
    page = form.get(f"/report?grid={GRID}")
    key = re.search(r'name="key" value="([\w-]+)"', page.text)[1]
    said = {"key": key, "grid": GRID, "wrong": wrong, "grade": "general", "spot": "3 号楼"}
    files = [("photos", ("IMG_0001.jpg", photo, "image/jpeg")) for photo in photos]
    return form.post("/report", data=said, files=files or None)


def photo_with_position():
    exif = Image.Exif()
    exif[0x010F] = "A telephone maker"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", (1200, 900), "brown").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_an_anonymous_report_with_a_photo_reaches_the_grid_member_and_is_followed_by_its_number(house, form):
    receipt = send(form, "楼道给电动车充电", [photo_with_position()])
    house.wind(minutes=1, step=MINUTE)
    (hazard,) = house.book.hazards()
    assert hazard.alert in receipt.text
    first = house.told[0]
    assert (first.person, first.alert_class) == ("zhang-wei", "hazard")
    assert "楼道给电动车充电" in first.body
    assert (hazard.source, hazard.reporter, hazard.contact) == (Source.ANONYMOUS, "", "")
    kept = house.photos.read(hazard.photos[0])
    assert b"telephone maker" not in kept
    assert "192.0.2.44" not in "".join(map(repr, (hazard, house.book.story(hazard.alert), house.book.audit())))
    house.hazards.do(HazardAct.ACCEPT, hazard.alert, Actor("yang-min"))
    assert "已受理" in form.get(f"/report/{hazard.alert}").text


def test_a_flood_of_reports_from_one_address_calls_no_more_than_the_limit_allows(house, form):
    answers = [send(form, f"第 {number} 次") for number in range(14)]
    house.wind(minutes=1, step=MINUTE)
    assert [answer.status_code for answer in answers].count(429) == 4
    assert len(house.book.hazards()) == 10
    assert len(house.told) <= 10, "bundled, if not fewer"
