"""A report as one HTML file that needs nothing else: read in any browser, printed on A4."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from firesense.report.bars import TONES, lay_out
from firesense.report.document import Bars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firesense.report.bars import Drawing
    from firesense.report.document import Report, Sheet

_STYLE = """
:root { color-scheme: light; }
body { margin: 24px auto; max-width: 1000px; padding: 0 12px; color: #14181f; background: #fff;
  font: 14px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
h1 { margin: 0 0 8px; font-size: 24px; text-align: center; }
h2 { margin: 24px 0 6px; font-size: 17px; }
.facts { display: flex; flex-wrap: wrap; justify-content: center; gap: 4px 24px; margin: 0 0 12px; }
.facts div { display: flex; gap: 6px; } .facts dt { color: #4a5361; } .facts dd { margin: 0; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid #c6ccd6; padding: 4px 6px; text-align: left; white-space: nowrap; }
thead th { background: #f3f4f6; font-weight: 600; white-space: normal; }
td.n, thead th:not(:first-child) { text-align: right; }
figure { margin: 24px 0 0; } figcaption { font-size: 17px; font-weight: 700; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; }
.notes { margin: 24px 0 0; padding-left: 18px; color: #4a5361; font-size: 12px; }
@page { size: A4 landscape; margin: 14mm; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 11px; } table { font-size: 10px; }
  .scroll { overflow: visible; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; }
  th, td { white-space: normal; } }
"""


def as_html(report: Report) -> str:
    """Write a report as a page of its own."""
    language = "en" if report.language == "en" else "zh-CN"
    title = f"{report.title} {report.facts[0][1]} {report.facts[1][1]}"
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            *_body(report),
            "</body></html>",
            "",
        )
    )


def _body(report: Report) -> Iterator[str]:
    yield f"<h1>{escape(report.title)}</h1>"
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(said)}</dd></div>" for name, said in report.facts)
    yield f'<dl class="facts">{facts}</dl>'
    for block in report.blocks:
        yield from _chart(block) if isinstance(block, Bars) else _sheet(block)
    yield '<ul class="notes">' + "".join(f"<li>{escape(note)}</li>" for note in report.notes) + "</ul>"


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield f'<h2>{escape(sheet.title)}</h2><div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{escape(name)}</th>" for name in sheet.head) + "</tr></thead><tbody>"
    for row in sheet.rows:
        cells = (f'<td class="n">{escape(c.text)}</td>' if c.number else f"<th>{escape(c.text)}</th>" for c in row)
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _chart(bars: Bars) -> Iterator[str]:
    yield f"<figure><figcaption>{escape(bars.title)}</figcaption>{svg(lay_out(bars))}</figure>"


def svg(drawing: Drawing) -> str:
    """Draw a chart; colours stand in attributes, so that it needs no style."""
    parts = [
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-label="{escape(drawing.title)}">'
    ]
    parts += (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="currentColor" stroke-opacity=".2"/>'
        for x1, y1, x2, y2 in drawing.lines
    )
    parts += (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" fill="{TONES[box.tone]}">'
        f"<title>{escape(box.says)}</title></rect>"
        for box in drawing.boxes
    )
    parts += (
        f'<text x="{word.x:g}" y="{word.y:g}" text-anchor="{word.anchor}" fill="currentColor">'
        f"{escape(word.text)}</text>"
        for word in drawing.words
    )
    return "".join((*parts, "</svg>"))
