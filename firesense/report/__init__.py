"""The report of the figures: gathered out of the book, put into words, written as HTML, PDF or CSV."""

from firesense.report.bars import Drawing, lay_out
from firesense.report.contents import contents
from firesense.report.document import Bars, Report, Sheet
from firesense.report.gathering import gather
from firesense.report.html import as_html, svg
from firesense.report.pdf import as_pdf
from firesense.report.table import as_csv

__all__ = ["Bars", "Drawing", "Report", "Sheet", "as_csv", "as_html", "as_pdf", "contents", "gather", "lay_out", "svg"]
