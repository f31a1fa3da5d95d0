"""Text from outside, made fit for a terminal."""

from __future__ import annotations


def plain(text: str) -> str:
    """Write what would move the cursor, colour the line, end it or turn it round (bidi controls) as JSON escapes.

    Whoever may publish to the broker chooses topics and ids of devices, and must not write what an operator reads.
    """
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
