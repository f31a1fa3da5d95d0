"""Frames to readings: which profile and device a topic means, decoding, normalising, and what could not be used."""

from __future__ import annotations

from firesense.reader.reading import Reader
from firesense.reader.topics import TopicPattern, subscriptions
from firesense.reader.work import LONGEST_NAME, Read, StrangerFire

__all__ = ["LONGEST_NAME", "Read", "Reader", "StrangerFire", "TopicPattern", "subscriptions"]
