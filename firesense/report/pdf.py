"""A report as PDF on A4. The Chinese font (STSong-Light) is one that readers of PDF bring, so no file is needed."""

from __future__ import annotations

import io
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from reportlab.graphics.shapes import Drawing as Canvas
from reportlab.graphics.shapes import Line, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import CondPageBreak, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from firesense.report.bars import TONES, lay_out
from firesense.report.document import Bars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.report.bars import Drawing
    from firesense.report.document import Report, Sheet

_FONT = "STSong-Light"
_MARGIN = 14 * mm
_PAGE = landscape(A4)
_WIDTH = _PAGE[0] - 2 * _MARGIN
_EDGE = colors.HexColor("#c6ccd6")
_FIRST, _FIRST_OF_MANY = 0.2, 0.16  # of the width, for what a row is
_MANY = 8  # columns


def as_pdf(report: Report) -> bytes:
    """Write a report as PDF."""
    _font()
    file = io.BytesIO()
    title = f"{report.title} {report.facts[0][1]} {report.facts[1][1]}"
    template = SimpleDocTemplate(
        file,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author="firesense",
        lang="en" if report.language == "en" else "zh-CN",
        invariant=1,  # the same figures give the same file
    )
    template.build(list(_story(report)), onFirstPage=_foot(title), onLaterPages=_foot(title))
    return file.getvalue()


@cache
def _font() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))


def _style(size: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(f"s{size}", fontName=_FONT, fontSize=size, leading=size * 1.35, wordWrap="CJK", **more)


def _foot(title: str) -> Any:
    def draw(canvas: Any, template: Any) -> None:
        canvas.setFont(_FONT, 8)
        canvas.setFillColor(colors.HexColor("#4a5361"))
        canvas.drawString(_MARGIN, 8 * mm, title)
        canvas.drawRightString(_PAGE[0] - _MARGIN, 8 * mm, str(template.page))

    return draw


def _story(report: Report) -> Iterator[Any]:
    yield Paragraph(escape(report.title), _style(20, alignment=1))
    facts = "    ".join(f"{name} {said}" for name, said in report.facts)
    yield Paragraph(escape(facts), _style(10, alignment=1, spaceBefore=6))
    heading, note = _style(13, spaceBefore=10, spaceAfter=4), _style(8)
    for block in report.blocks:
        title = Paragraph(escape(block.title), heading)
        if isinstance(block, Bars):
            yield KeepTogether([title, _chart(lay_out(block, _WIDTH))])
        else:
            yield CondPageBreak(30 * mm)
            yield title
            yield _table(block)
    yield Spacer(1, 8)
    for said in report.notes:
        yield Paragraph(escape(said), note)


def _table(sheet: Sheet) -> Table:
    many = len(sheet.head) > _MANY
    size = 7 if many else 9
    left, right = _style(size), _style(size, alignment=2)
    cells = [[Paragraph(escape(name), left if number == 0 else right) for number, name in enumerate(sheet.head)]]
    cells += [[Paragraph(escape(c.text), right if c.number else left) for c in row] for row in sheet.rows]
    first = _WIDTH * (_FIRST_OF_MANY if many else _FIRST)
    rest = (_WIDTH - first) / max(len(sheet.head) - 1, 1)
    table = Table(cells, colWidths=[first] + [rest] * (len(sheet.head) - 1), repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, _EDGE),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#f3f4f6")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table


def _chart(drawing: Drawing) -> Canvas:
    """Draw a chart; the PDF counts upwards from the lower left corner."""
    canvas = Canvas(drawing.width, drawing.height)
    for x1, y1, x2, y2 in drawing.lines:
        canvas.add(Line(x1, drawing.height - y1, x2, drawing.height - y2, strokeColor=_EDGE, strokeWidth=0.5))
    for box in drawing.boxes:
        y = drawing.height - box.y - box.height
        canvas.add(Rect(box.x, y, box.width, box.height, fillColor=colors.HexColor(TONES[box.tone]), strokeColor=None))
    for word in drawing.words:
        y = drawing.height - word.y
        canvas.add(String(word.x, y, word.text, fontName=_FONT, fontSize=9, textAnchor=word.anchor))
    return canvas
