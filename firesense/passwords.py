"""Passwords of the console, hashed. A room of its own: a command that makes a user need not load the console."""

from __future__ import annotations

import argon2

# Argon2id with 19 MiB, two passes, one lane: the second of the equivalent settings of the OWASP password storage cheat
# sheet. The library's default takes 64 MiB and four threads, too much for a small machine that has frames to read.
HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """Hash a password for ``User.password_hash``; takes about 30 ms and 19 MiB."""
    return HASHER.hash(password)
