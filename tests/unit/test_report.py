"""What a report says and how it is drawn: words, charts, and three kinds of file."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import reportlab
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from firesense.domain.instant import DAY
from firesense.domain.place import Org, Place
from firesense.domain.plan import Plan
from firesense.figures import ClassFigures, Figures, PlaceFigures, period_of
from firesense.figures.shapes import Times
from firesense.report import Bars, Report, Sheet, as_csv, as_html, as_pdf, contents, fonts, lay_out
from firesense.report.document import Series
from firesense.report.words import duration, late, ninetieth, share

OCTOBER = period_of("2026-10", ZoneInfo("Asia/Shanghai"))
NASTY = '=HYPERLINK("http://evil.example")<script>'


def figures(**by_class):
    whole = PlaceFigures("t", by_class, children=True)
    parts = tuple((name, {"fire": number}) for number, (name, _) in enumerate(OCTOBER.parts))
    return Figures(OCTOBER, OCTOBER.end_at + DAY, "t", (whole, PlaceFigures("g", by_class, depth=1)), (), parts)


PLAN = Plan(org=Org([Place("t", "柳林镇", "township"), Place("g", NASTY, "grid", "t")]))


def test_deep_figures_show_grids_by_the_way_there_and_no_flats():
    org = Org(
        [
            Place("t", "柳林镇", "township"),
            Place("v", "东村", "village", "t"),
            Place("g", "一网格", "grid", "v"),
            Place("s", "一号楼", "site", "g"),
        ]
    )
    places = tuple(PlaceFigures(code, {}, depth=depth) for depth, code in enumerate("tvgs"))
    page = as_html(contents(Figures(OCTOBER, OCTOBER.end_at, "t", places, (), ()), Plan(org=org), "zh"))
    assert "东村 / 一网格" in page
    assert "一号楼" not in page
    direct = (places[0], PlaceFigures("s", {}, depth=1))  # a place that has nothing but flats below it
    assert "一号楼" in as_html(contents(Figures(OCTOBER, OCTOBER.end_at, "g", direct, (), ()), Plan(org=org), "zh"))


@pytest.mark.parametrize(
    ("span", "zh", "en"),
    [
        (None, "—", "—"),
        (timedelta(0), "0 秒", "0 s"),
        (timedelta(milliseconds=1340), "1.3 秒", "1.3 s"),
        (timedelta(seconds=59.6), "1 分", "1 min"),
        (timedelta(seconds=200), "3 分 20 秒", "3 min 20 s"),
        (timedelta(hours=2, seconds=5), "2 小时", "2 h"),
        (timedelta(days=2, hours=4, minutes=59), "2 天 4 小时", "2 d 4 h"),
    ],
)
def test_durations_are_told_in_two_units_at_most(span, zh, en):
    assert (duration(span, "zh"), duration(span, "en")) == (zh, en)


def test_shares_say_of_how_many_and_few_cases_say_that_they_are_few():
    few = Times(2, timedelta(seconds=5), None, timedelta(seconds=8), timedelta(seconds=6), 1, 2)
    assert (late(few), ninetieth(few, "en")) == ("1/2 (50.0%)", "longest 8 s")
    assert (late(Times()), ninetieth(Times(), "en"), share(None)) == ("—", "—", "—")


@given(
    st.integers(1, 40).flatmap(
        lambda bars: st.lists(st.lists(st.integers(0, 10**6), min_size=bars, max_size=bars), min_size=1, max_size=3)
    ),
    st.booleans(),
)
def test_bars_stay_in_the_chart_and_are_as_long_as_what_they_count(values, across):
    labels = tuple(str(number) for number in range(len(values[0])))
    series = tuple(Series(str(number), tuple(each), "fire") for number, each in enumerate(values))
    drawing = lay_out(Bars("chart", labels, series, across=across))
    keys = len(series) if len(series) > 1 else 0
    drawn = [box for box in drawing.boxes if box.says]
    assert len(drawing.boxes) - len(drawn) == keys
    assert len(drawn) == sum(count > 0 for each in values for count in each)
    for box in drawn:
        assert 0 <= box.x <= box.x + box.width <= drawing.width + 1
        assert 0 <= box.y <= box.y + box.height <= drawing.height + 1
    scale = {
        round((box.width if across else box.height) / int(box.says.split()[-1]), 6)
        for box in drawn
        if int(box.says.split()[-1]) * 100 > max(map(max, values))
    }
    assert not scale or max(scale) < 2 * min(scale), "rounded to a tenth of a pixel"


def test_what_people_typed_is_text_in_every_file():
    found = figures(fire=ClassFigures(3, causes={NASTY: 2}))
    page = as_html(contents(found, PLAN, "zh"))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    rows = list(csv.reader(io.StringIO(as_csv(found, PLAN, "zh").decode("utf-8-sig"))))
    assert [cell for row in rows for cell in row if cell.startswith("=")] == []
    assert f"'{NASTY}" in rows[3]
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(as_pdf(contents(found, PLAN, "zh")))).pages)
    assert "HYPERLINK" in text


def test_the_pdf_is_chinese_has_its_charts_and_is_the_same_twice():
    report = contents(figures(fire=ClassFigures(465, findings={"fire": 5, "false-alarm": 460})), PLAN, "zh")
    written = as_pdf(report)
    assert written == as_pdf(report)
    reader = PdfReader(io.BytesIO(written))
    text = "".join(page.extract_text() for page in reader.pages)
    words = ("消防安全考评月报", "柳林镇", "报警数走势", "分设备类型统计", "2026-10-01 — 2026-10-31", "98.9%")
    assert [word for word in words if word not in text] == []
    drawn = b"".join(page.get_contents().get_data() for page in reader.pages)
    assert drawn.count(b" re") > 31, "a bar for each day with fires, and more"
    assert reader.metadata.title == "消防安全考评月报 柳林镇 2026-10 (2026-10-01 — 2026-10-31)"


def test_an_english_report_has_no_chinese_but_in_names():
    page = as_html(contents(figures(fire=ClassFigures(1)), PLAN, "en")).replace("柳林镇", "")
    page = page[page.index("<body>") :]
    assert [letter for letter in page if "一" <= letter <= "鿿"] == []
    assert "Fire safety figures of the month" in page


VERA = Path(reportlab.__file__).with_name("fonts") / "Vera.ttf"  # comes with the library; knows no Chinese
PLAIN = Report(
    "en", "Report", (("Place", "Liulin"), ("Period", "2026-10")), (Sheet("Alerts", ("Class", "Raised"), ()),)
)


def fonts_of(written):
    """The fonts of a PDF by name, and whether the file carries them."""
    found = {}
    for page in PdfReader(io.BytesIO(written)).pages:
        for font in page["/Resources"]["/Font"].values():
            one = font.get_object()
            one = one.get("/DescendantFonts", [one])[0].get_object()
            described = one.get("/FontDescriptor")
            found[one["/BaseFont"]] = described is not None and "/FontFile2" in described.get_object()
    return found


def set_in(name, written):
    return [carried for font, carried in fonts_of(written).items() if name in font]


def test_the_pdf_carries_the_letters_of_the_font_it_is_given():
    written = as_pdf(PLAIN, VERA)
    assert list(fonts_of(written).values()) == [True]
    assert len(written) < VERA.stat().st_size, "only those that are used"
    assert written == as_pdf(PLAIN, VERA)


@pytest.mark.parametrize("font", [VERA, VERA.with_name("gone.ttf")], ids=["lacks a letter", "is gone"])
def test_a_font_that_would_leave_a_box_is_not_taken(monkeypatch, font):
    monkeypatch.setattr(fonts, "installed", tuple)
    written = as_pdf(replace(PLAIN, facts=(("Place", "柳林镇"), ("Period", "2026-10"))), font)
    assert set_in("Vera", written) == []
    assert set_in("STSong-Light", written) == [False], "readers bring it"
    assert "柳林镇" in PdfReader(io.BytesIO(written)).pages[0].extract_text()


@pytest.mark.skipif(not fonts.installed(), reason="no Chinese font with TrueType outlines: fonts-wqy-microhei")
def test_a_chinese_report_carries_the_font_of_the_machine():
    report = contents(figures(fire=ClassFigures(465, findings={"fire": 5, "false-alarm": 460})), PLAN, "zh")
    written = as_pdf(report)
    assert written == as_pdf(report)
    assert set(fonts_of(written).values()) == {True}
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(written)).pages)
    assert [word for word in ("消防安全考评月报", "柳林镇", "98.9%") if word not in text] == []
