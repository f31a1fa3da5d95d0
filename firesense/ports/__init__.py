"""The sockets of the house: what the streets need from the world, with the promises they rely on.

Every implementation of a port passes the one suite for it in ``tests/contract``.
"""

from firesense.ports.book import Book
from firesense.ports.channels import Answered, Asked, Channel, Greeted, Listening, Metered, Receipted
from firesense.ports.frames import Clock, Delivery, Journal, Snapshots, Transport
from firesense.ports.history import History, Series, Windows
from firesense.ports.kept import CallLine, CallsListed, Counts, Feed, Flood, Listing, Stranger, User

__all__ = [
    "Answered",
    "Asked",
    "Book",
    "CallLine",
    "CallsListed",
    "Channel",
    "Clock",
    "Counts",
    "Delivery",
    "Feed",
    "Flood",
    "Greeted",
    "History",
    "Journal",
    "Listening",
    "Listing",
    "Metered",
    "Receipted",
    "Series",
    "Snapshots",
    "Stranger",
    "Transport",
    "User",
    "Windows",
]
