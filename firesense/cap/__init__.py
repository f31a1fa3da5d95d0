"""CAP 1.2 (OASIS Common Alerting Protocol): an alert and what became of it, for the systems of other authorities.

The story of an alert is a row of bulletins, each a CAP message that supersedes the one before. What was said once stays
said: a bulletin is made of its part of the story alone, so that exporting it again gives the same document, as long as
nobody renames its device or its place.
"""

from firesense.cap.bulletins import Bulletin, Kind, bulletins
from firesense.cap.document import cap_document

__all__ = ["Bulletin", "Kind", "bulletins", "cap_document"]
