"""A report as PDF on A4; fonts.py says in which font, and whether the file carries it."""

from __future__ import annotations

import io
import string
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from firesense.report.bars import TONES, lay_out
from firesense.report.document import Bars
from firesense.report.fonts import font_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firesense.report.bars import Drawing
    from firesense.report.document import Report, Sheet

_MARGIN = 14 * mm
_PAGE = landscape(A4)
_WIDTH = _PAGE[0] - 2 * _MARGIN
_EDGE = colors.HexColor("#c6ccd6")
_PADDING = 3
_WIDEST = 0.4  # of the width, for one column; what is longer goes over several lines
_MANY = 8  # columns


def as_pdf(report: Report, font: Path | None = None) -> bytes:
    """Write a report as PDF. It carries the TrueType font of a file, or one it finds, that has all its letters."""
    title = f"{report.title} {report.facts[0][1]} {report.facts[1][1]}"
    page = _Page(font_of(_letters(report), font))
    file = io.BytesIO()
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
        initialFontName=page.font,  # else every page names one that no file carries
        invariant=1,  # the same figures give the same file
    )
    template.build(list(page.story(report)), onFirstPage=page.foot(title), onLaterPages=page.foot(title))
    return file.getvalue()


def _letters(report: Report) -> set[str]:
    said = [report.title, *report.notes, *(word for fact in report.facts for word in fact)]
    for block in report.blocks:
        said.append(block.title)
        if isinstance(block, Bars):
            said += (word.text for word in lay_out(block, _WIDTH).words)
        else:
            said += [*block.head, *(cell.text for row in block.rows for cell in row)]
    return set(string.digits).union(*said)


@dataclass(frozen=True, slots=True)
class _Page:
    """Sets everything in one font."""

    font: str

    def style(self, size: float, **more: Any) -> ParagraphStyle:
        return ParagraphStyle(
            f"s{size}", fontName=self.font, fontSize=size, leading=size * 1.35, wordWrap="CJK", **more
        )

    def foot(self, title: str) -> Any:
        def draw(canvas: Any, template: Any) -> None:
            canvas.setFont(self.font, 8)
            canvas.setFillColor(colors.HexColor("#4a5361"))
            canvas.drawString(_MARGIN, 8 * mm, title)
            canvas.drawRightString(_PAGE[0] - _MARGIN, 8 * mm, str(template.page))

        return draw

    def story(self, report: Report) -> Iterator[Any]:
        yield Paragraph(escape(report.title), self.style(20, alignment=1))
        facts = " · ".join(f"{name} {said}" for name, said in report.facts)
        yield Paragraph(escape(facts), self.style(10, alignment=1, spaceBefore=6))
        heading, note = self.style(13, spaceBefore=10, spaceAfter=4), self.style(8)
        for block in report.blocks:
            title = Paragraph(escape(block.title), heading)
            if isinstance(block, Bars):
                yield KeepTogether([title, _Chart(lay_out(block, _WIDTH), self.font)])
            else:
                yield CondPageBreak(30 * mm)
                yield title
                yield self.table(block)
        yield Spacer(1, 8)
        for said in report.notes:
            yield Paragraph(escape(said), note)

    def table(self, sheet: Sheet) -> Table:
        many = len(sheet.head) > _MANY
        size = 7 if many else 9
        left, right = self.style(size), self.style(size, alignment=2)
        cells = [[Paragraph(escape(name), left if number == 0 else right) for number, name in enumerate(sheet.head)]]
        cells += [[Paragraph(escape(c.text), right if c.number else left) for c in row] for row in sheet.rows]
        table = Table(cells, colWidths=self._widths(sheet, size), repeatRows=1)
        table.setStyle(
            TableStyle(
                [
                    ("FONTNAME", (0, 0), (-1, -1), self.font),
                    ("GRID", (0, 0), (-1, -1), 0.5, _EDGE),
                    ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#f3f4f6")),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
                    ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
                    ("TOPPADDING", (0, 0), (-1, -1), 2),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ]
            )
        )
        return table

    def _widths(self, sheet: Sheet, size: float) -> list[float]:
        """Give each column the room its longest cell takes (a head may go over two lines), and share out the rest."""
        wanted = [stringWidth(name, self.font, size) / 2 for name in sheet.head]
        for row in sheet.rows:
            wanted = [
                max(room, stringWidth(cell.text, self.font, size)) for room, cell in zip(wanted, row, strict=True)
            ]
        wanted = [min(room + 2 * _PADDING + 1, _WIDTH * _WIDEST) for room in wanted]
        left = _WIDTH - sum(wanted)
        if left < 0:
            return [room * _WIDTH / sum(wanted) for room in wanted]
        return [room + left / len(wanted) for room in wanted]


class _Chart(Flowable):  # type: ignore[misc] # reportlab has no types
    """A chart on the page, which counts upwards from the lower left corner.

    Not one of reportlab's own drawings: those name a font of theirs on every page, which no file carries.
    """

    def __init__(self, drawing: Drawing, font: str) -> None:
        super().__init__()
        self.drawing, self.font = drawing, font
        self.width, self.height = drawing.width, drawing.height

    def draw(self) -> None:
        canvas, top = self.canv, self.height
        canvas.setStrokeColor(_EDGE)
        canvas.setLineWidth(0.5)
        for x1, y1, x2, y2 in self.drawing.lines:
            canvas.line(x1, top - y1, x2, top - y2)
        for box in self.drawing.boxes:
            canvas.setFillColor(colors.HexColor(TONES[box.tone]))
            canvas.rect(box.x, top - box.y - box.height, box.width, box.height, stroke=0, fill=1)
        canvas.setFillColor(colors.black)
        canvas.setFont(self.font, 9)
        write = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
        for word in self.drawing.words:
            write[word.anchor](word.x, top - word.y, word.text)
