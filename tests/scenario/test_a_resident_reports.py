"""A resident finds a hazard and reports it with a telephone: whom it reaches, what is kept, and what is not."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from starlette.testclient import TestClient

from firesense.domain.deed import Actor
from firesense.domain.hazard import HazardAct, Report, Source
from firesense.domain.instant import MINUTE
from firesense.photos import Photos
from firesense.quietdesk import QuietDesk
from firesense.web import create_console
from tests.house import GRID, SmallHouse, smoke, smoke_device


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


def send(form, wrong, photos=(), grid=GRID):
    page = form.get(f"/report?grid={grid}")
    key = re.search(r'name="key" value="([\w-]+)"', page.text)[1]
    said = {"key": key, "grid": grid, "wrong": wrong, "grade": "general", "spot": "3 号楼"}
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


def test_a_report_without_a_known_grid_is_moved_to_its_grid_by_the_district_and_begins_there_anew(house, form):
    send(form, "灭火器被盗", grid="990100101201-99")
    house.wind(minutes=1, step=MINUTE)
    (hazard,) = house.book.hazards()
    assert hazard.place == "990100", "nobody knows the grid: it is the district's"
    assert "zhang-wei" not in {told.person for told in house.told}
    house.desk.acknowledge(hazard.alert, Actor("zhou-qiang"))
    house.hazards.do(HazardAct.MOVE, hazard.alert, Actor("zhou-qiang"), place=GRID)
    house.wind(minutes=1, step=MINUTE)
    assert house.told[-1].person == "zhang-wei"
    moved = house.book.alert(hazard.alert)
    assert (moved.place, moved.acknowledged_by) == (GRID, "")
    (said,) = [row.entry for row in house.book.audit(target=hazard.alert) if row.entry.did == "moved"]
    assert (said.who, said.detail["from_place"], said.detail["place"]) == ("zhou-qiang", "990100", GRID)
    house.hazards.do(HazardAct.ACCEPT, hazard.alert, Actor("wang-fang"))
    assert house.book.hazard(hazard.alert).role == "grid-leader"


def test_a_report_moved_to_another_grid_climbs_the_ladder_there_and_no_further_where_it_was(house, form):
    send(form, "楼道堆物")
    house.wind(minutes=1, step=MINUTE)
    (hazard,) = house.book.hazards()
    house.hazards.do(HazardAct.MOVE, hazard.alert, Actor("chen-jie"), place="990100101201-02")
    before = len(house.told)
    house.wind(hours=3, step=10 * MINUTE)
    people = [told.person for told in house.told[before:] if told.purpose == "alert"]
    assert people[0] == "li-na", "the grid member of the other grid"
    assert "zhang-wei" not in people
    assert "wang-fang" in people, "and then the leader of both"


def test_a_fire_where_a_resident_reported_a_hazard_names_no_first_alarm(tmp_path):
    house = SmallHouse(tmp_path / "fire", [smoke_device()])
    reported = Report("a" * 22, GRID, "楼道堆物")
    house.hazards.report(reported)
    house.wind(minutes=2, step=MINUTE)
    house.hear(smoke(house.clock, alarm=1))
    (call, *_) = house.told_of("fire")
    assert "首警" not in call.body
    house.close()
