"""Why a request is not answered as asked, as exceptions; ``answers`` puts them into words."""

from __future__ import annotations


class Problem(Exception):
    """An answer that is not what was asked for: a status, and what to say about it (a key of the text catalogue)."""

    def __init__(self, status: int, key: str, headers: dict[str, str] | None = None, /, **values: object) -> None:
        self.status = status
        self.key = key
        self.values = values
        self.headers = headers or {}
        super().__init__(key)


class LoginNeeded(Exception):
    """Nobody is logged in."""
