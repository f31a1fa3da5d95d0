"""The open form: anybody may report, nobody can flood, and nothing is kept that nobody typed."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from firesense.domain.alert import Grade
from firesense.domain.hazard import Source
from firesense.domain.instant import HOUR
from tests.console import PASSWORD, Township

SECRET = "Mrs Li's telephone"


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console()) as client:
        yield client


def limits(township, **changes):
    rules = township.plan.hazards
    township.plan = replace(township.plan, hazards=replace(rules, reports=replace(rules.reports, **changes)))


def key_of(page):
    return re.search(r'name="key" value="([\w-]+)"', page.text)[1]


def send(client, *, photos=(), grid="g", follow=True, headers=None, **typed):
    page = client.get("/report", params={"grid": grid} if grid else {})
    said = {"key": key_of(page), "grid": grid, "wrong": "楼道堆放杂物", "grade": "general"} | typed
    files = [("photos", (f"{n}.jpg", data, "image/jpeg")) for n, data in enumerate(photos)]
    files = files or [("photos", ("", b"", "application/octet-stream"))]  # as browsers do when none is chosen
    return client.post("/report", data=said, files=files, follow_redirects=follow, headers=headers)


def photo(size=(320, 240)):
    exif = Image.Exif()
    exif[0x010E] = SECRET
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_anybody_may_report_and_sees_what_becomes_of_it(client, township):
    answer = send(client, spot="3 号楼 2 单元")
    assert answer.status_code == 200
    (hazard,) = township.book.hazards()
    assert answer.url.path == f"/report/{hazard.alert}"
    assert hazard.alert in answer.text
    assert (hazard.place, hazard.wrong, hazard.spot) == ("g", "楼道堆放杂物", "3 号楼 2 单元")
    assert township.changes == 1, "duty is told to call at once"


def test_the_grid_of_the_qr_code_is_named_and_an_unknown_one_is_asked_for(client, township):
    assert "第三网格" in client.get("/report?grid=g").text
    assert 'name="grid" value="nowhere"' in client.get("/report?grid=nowhere").text
    send(client, grid="nowhere", spot="桥头")
    (hazard,) = township.book.hazards()
    assert (hazard.place, hazard.spot) == ("d", "nowhere 桥头")


def test_of_an_anonymous_reporter_nothing_is_kept_but_what_they_typed(client, township):
    with capture_logs() as logs:
        send(client, photos=[photo()], headers={"User-Agent": "a telephone of mine", "Cookie": "someone=me"})
    (hazard,) = township.book.hazards()
    assert (hazard.source, hazard.reporter, hazard.contact) == (Source.ANONYMOUS, "", "")
    everything = repr((hazard, township.book.story(hazard.alert), township.book.audit(), logs))
    assert "testclient" not in everything, "the address of the test's client"
    assert "telephone of mine" not in everything
    assert SECRET.encode() not in township.photos.read(hazard.photos[0])


def test_who_wants_to_be_reached_may_say_how(client, township):
    send(client, contact="李 二楼")
    (hazard,) = township.book.hazards()
    assert (hazard.source, hazard.contact) == (Source.PERSON, "李 二楼")


def test_the_receipt_says_nothing_that_was_typed_and_names_nobody(client, township):
    send(client, wrong="张三家违规充电", contact="李四 13800000000", spot="张三家门口")
    (hazard,) = township.book.hazards()
    page = client.get(f"/report/{hazard.alert.lower()}").text
    for said in ("张三", "李四", "13800000000"):
        assert said not in page
    assert "待受理" in page


def test_a_receipt_of_what_nobody_reported_is_not_found(client, township):
    for number in (township.alarm().id, "NOSUCHONE0"):
        assert client.get(f"/report/{number}").status_code == 404


def test_somebody_logged_in_is_named(client, township):
    client.post("/login", data={"name": "station", "password": PASSWORD})
    assert "station" in client.get("/report?grid=g").text
    send(client, grade="major")
    (hazard,) = township.book.hazards()
    assert (hazard.source, hazard.reporter, hazard.grade) == (Source.PERSON, "station", Grade.MAJOR)


def test_somebody_unknown_is_not_offered_what_would_not_count(client, township):
    assert 'value="major"' not in client.get("/report").text
    send(client, grade="major")
    assert township.book.hazards()[0].grade is Grade.GENERAL


def test_the_same_form_sent_twice_is_one_report(client, township):
    page = client.get("/report?grid=g")
    said = {"key": key_of(page), "grid": "g", "wrong": "灭火器过期", "grade": "minor"}
    first, second = (client.post("/report", data=said, follow_redirects=False) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(township.book.hazards()) == 1


def test_a_flood_from_one_address_is_limited_and_nothing_of_it_is_kept(client, township):
    limits(township, per_address=3)
    answers = [send(client, wrong=f"第 {n} 条") for n in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert len(township.book.hazards()) == 3
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "119" in answers[-1].text
    township.clock.at += HOUR
    assert send(client).status_code == 200


def test_many_addresses_cannot_flood_one_place(township):
    limits(township, per_place=2, per_address=100)
    console = township.console()
    codes = []
    for number in range(4):
        with TestClient(console, client=(f"192.0.2.{number}", 40000)) as client:
            codes.append(send(client).status_code)
            assert send(client, grid="v").status_code in {200, 429}
    assert codes == [200, 200, 429, 429]


def test_receipts_cannot_be_guessed_at_speed(client):
    codes = [client.get(f"/report/{number:010}").status_code for number in range(61)]
    assert codes[:60] == [404] * 60
    assert codes[60] == 429


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"wrong": "   "}, "请写明"),
        ({"wrong": "长" * 1001}, "过长"),
        ({"website": "https://spam.example"}, "再提交一次"),
        ({"key": "short"}, "再提交一次"),
        ({"grade": "huge"}, "再提交一次"),
    ],
)
def test_what_cannot_be_taken_is_asked_for_again_with_what_was_typed(client, township, typed, words):
    answer = send(client, spot="东门", **typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="东门"' in answer.text
    assert township.book.hazards() == []


def test_where_nobody_may_be_anonymous_somebody_has_to_say_who(client, township):
    limits(township, anonymous=False)
    assert send(client).status_code == 422
    assert send(client, contact="王五").status_code == 200


def test_where_the_form_is_not_open_only_those_who_are_logged_in_report(client, township):
    page = client.get("/report?grid=g")
    limits(township, open=False)
    assert client.get("/report?grid=g").url.path == "/login"
    said = {"key": key_of(page), "grid": "g", "wrong": "灭火器过期", "grade": "minor"}
    assert client.post("/report", data=said).url.path == "/login"
    assert township.book.hazards() == []
    client.post("/login", data={"name": "station", "password": PASSWORD})
    assert send(client).status_code == 200


def test_what_is_typed_never_becomes_part_of_a_page(client):
    evil = '"><script>alert(1)</script>'
    answer = send(client, grid=evil, wrong=evil, spot=evil, website="x")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_control_characters_are_taken_out(client, township):
    send(client, wrong="上面\r\n下面\x1b[31m\u202e反过来", spot="a\x00b")
    (hazard,) = township.book.hazards()
    assert hazard.wrong == "上面\n下面 [31m 反过来"
    assert hazard.spot == "a b"


@pytest.mark.parametrize("data", [b"%PDF-1.7 not a photo", b"GIF89a"])
def test_what_is_no_photo_is_refused_and_what_was_typed_stays(client, township, data):
    answer = send(client, photos=[data])
    assert answer.status_code == 422
    assert "楼道堆放杂物" in answer.text
    assert township.book.hazards() == []


def test_too_many_and_too_large_photos_are_refused(client, township):
    limits(township, photos=1, photo_most=2000)
    assert send(client, photos=[photo((8, 8)), photo((8, 8))]).status_code == 422
    assert send(client, photos=[photo((640, 640))]).status_code == 422
    huge = client.post("/report", content=b"x", headers={"Content-Length": str(200 * 2**20)})
    assert huge.status_code == 413
    assert 'href="/report">返回上报页面' in huge.text, "a resident has no list of alerts to go back to"
    assert "换小一些的照片" in huge.text
    limits(township, photos=0)
    assert 'type="file"' not in client.get("/report").text
    assert township.book.hazards() == []


def test_another_sites_page_cannot_report_for_its_visitors(client, township):
    answer = send(client, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert township.book.hazards() == []


def test_limits_that_change_are_in_force_at_once(client, township):
    limits(township, per_address=1)
    assert [send(client).status_code for _ in range(2)] == [200, 429]
    limits(township, per_address=2, within=timedelta(minutes=1))
    assert send(client).status_code == 200


def test_reports_that_cannot_be_taken_count_before_they_are_read(client, township):
    limits(township, per_address=3)
    assert [send(client, key="short").status_code for _ in range(5)] == [422, 422, 422, 429, 429]


def test_the_same_form_sent_again_with_other_photos_keeps_none_of_them(client, township):
    key = "A" * 20
    for side in (32, 64, 96):
        assert send(client, key=key, photos=[photo((side, side))]).status_code == 200
    assert len(list(township.photos.older(2**62))) == 1


def test_strangers_cannot_shut_the_form_for_officers_or_for_other_places(township):
    limits(township, per_address=2, per_place=1)
    with TestClient(township.console()) as client:
        assert [send(client, grid="nowhere").status_code for _ in range(3)] == [200, 429, 429]
        client.post("/login", data={"name": "station", "password": PASSWORD})
        assert [send(client, grid=grid).status_code for grid in ("g", "g", "nowhere")] == [200] * 3
    with TestClient(township.console(), client=("192.0.2.9", 40000)) as other:
        assert send(other, grid="").status_code == 200


def test_the_receipt_has_a_link_to_keep(client):
    receipt = send(client)
    assert f'href="{receipt.url}">{receipt.url}</a>' in receipt.text
    assert client.get(str(receipt.url)).status_code == 200


def test_a_photo_that_is_too_large_is_told_before_it_is_sent(client, township):
    limits(township, photo_most=3 * 2**20)
    page = client.get("/report").text
    assert 'src="/static/desk.js"' in page
    assert f'data-photo data-most="{3 * 2**20}" data-large="照片过大，每张最多 3 MB。"' in page
