"""Hazards at the command line: reported, listed, dealt with, and the places' standing."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from firesense.cli import main
from firesense.domain.hazard import HazardState
from tests.house import GRID, SmallHouse


@pytest.fixture
def house(tmp_path):
    built = SmallHouse(tmp_path)
    yield built
    built.close()


@pytest.fixture
def hazard(house, capsys):
    def run(*words, code=0):
        assert main(["hazard", *words, "--config", str(house.folder / "firesense.yaml")]) == code
        said = capsys.readouterr()
        return (said.out if code == 0 else said.err).strip()

    return run


@pytest.fixture
def photo(tmp_path):
    file = tmp_path / "corridor.jpg"
    out = io.BytesIO()
    Image.new("RGB", (80, 60), "gray").save(out, "JPEG")
    file.write_bytes(out.getvalue())
    return file


def test_a_hazard_goes_its_way_at_the_terminal(house, hazard, photo):
    number = hazard("report", "楼道堆放杂物", "--place", GRID, "--as", "zhang-wei", "--photo", str(photo))
    assert "楼道堆放杂物" in hazard("list")
    assert hazard("list", "--responsibility") == ""
    assert "已受理  一般  期限 20" in hazard("accept", number, "--as", "yang-min", "--responsible", "供电所")
    assert "供电所" in hazard("list", "--responsibility")
    assert "no post that may" in hazard("rectify", number, "--as", "li-na", "--text", "x", code=1)
    hazard("rectify", number, "--as", "zhang-wei", "--text", "已清空", "--photo", str(photo))
    assert "整改中" in hazard("reinspect", number, "--as", "yang-min", "--failed", "--text", "还有")
    hazard("rectify", number, "--as", "zhang-wei", "--text", "清空")
    assert "复查合格" in hazard("reinspect", number, "--as", "yang-min", "--passed")
    hazard("write-off", number, "--as", "yang-min")
    assert hazard("list") == ""
    assert number in hazard("list", "--all")
    kept = house.book.hazard(number)
    assert (kept.state, kept.failures, len(kept.photos)) == (HazardState.WRITTEN_OFF, 1, 1)


def test_a_major_hazard_is_regraded_listed_and_put_off_at_the_terminal(house, hazard):
    number = hazard("report", "安全出口封堵", "--place", GRID, "--grade", "general")
    assert "未执行：期限 2020-01-01 23:59 已经过去" in hazard("accept", number, "--until", "2020-01-01", code=1)
    hazard("accept", number)
    assert "重大" in hazard("regrade", number, "--grade", "major")
    hazard("listing", number, "督办〔2026〕3号")
    assert house.book.hazard(number).listing == "督办〔2026〕3号"
    assert "已经过去" in hazard("extend", number, "--until", "2019-01-01", "--text", "缺料", code=1)
    assert "最迟" in hazard("extend", number, "--until", "2099-01-01", "--text", "缺料", code=1)
    assert hazard("assign", number, "--post", "maintenance").startswith(number)
    assert "整改中" in hazard("start", number)


def test_a_hazard_is_moved_to_its_place_at_the_terminal(house, hazard):
    number = hazard("report", "灭火器过期", "--place", "990100")
    assert "待受理" in hazard("move", number, "--as", "zhou-qiang", "--place", GRID, "--spot", "3 号楼")
    assert (house.book.hazard(number).place, house.book.hazard(number).spot) == (GRID, "3 号楼")
    assert "已受理" in hazard("accept", number, "--as", "wang-fang")


def test_the_index_shows_every_place_or_those_of_a_kind(hazard):
    hazard("report", "灭火器过期", "--place", GRID)
    table = hazard("index").splitlines()
    assert len(table) == 12
    grids = hazard("index", "--kind", "grid").splitlines()
    assert GRID in grids[1], "the highest index first"
    assert "20.0" in grids[1]


def test_what_cannot_be_done_is_said(hazard, tmp_path):
    assert "no place" in hazard("report", "x", "--place", "nowhere", code=1)
    assert "No such file" in hazard("report", "x", "--place", GRID, "--photo", str(tmp_path / "none.jpg"), code=1)
    (tmp_path / "text.jpg").write_text("not a photo")
    refused = hazard("report", "x", "--place", GRID, "--photo", str(tmp_path / "text.jpg"), code=1)
    assert refused == f"firesense: {tmp_path / 'text.jpg'}: 这不是照片，或文件已损坏。可用 JPEG、PNG、WebP。"
    assert "NOSUCHONE0" in hazard("accept", "NOSUCHONE0", code=1)
    number = hazard("report", "x", "--place", GRID)
    assert "不予受理" in hazard("reject", number, "--text", "不属实")
    assert hazard("accept", number, code=1) == "firesense: 未执行：已办结"


def test_whoever_reads_english_is_told_in_english_by_the_local_clock(house, hazard):
    settings = house.folder / "firesense.yaml"
    settings.write_text("language: en\nzone: Asia/Tokyo\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    number = hazard("report", "fire door wedged open", "--place", GRID)
    assert re.fullmatch(rf"{number}  accepted  general  by \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", hazard("accept", number))
    late = hazard("extend", number, "--until", "2019-01-01", "--text", "x", code=1)
    assert late == "firesense: Not done: 2019-01-01 23:59 is past"
    late = hazard("extend", number, "--until", "2099-01-01", "--text", "x", code=1)
    assert re.fullmatch(r"firesense: Not done: on \d{4}-\d\d-\d\d at the latest", late)
