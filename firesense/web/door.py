"""The door: log-in by name and password, sessions, and who is inside."""

from __future__ import annotations

import hmac
import math
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import argon2
import structlog
from anyio import CapacityLimiter, sleep, to_thread

from firesense.domain.audit import Entry
from firesense.domain.deed import Actor
from firesense.domain.instant import micros
from firesense.passwords import HASHER, hash_password
from firesense.web.attempts import Attempts, address_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from firesense.ports import Book, Clock, User

SESSION = timedelta(hours=12)  # one shift; nobody has to log in again in the middle of a fire
PASSWORD_LEAST = 10
PASSWORD_MOST = 128
NAME_MOST = 64

_ATTEMPTS_PER = timedelta(minutes=5)
_ATTEMPTS_OF_ADDRESS = 20
_ATTEMPTS_OF_PAIR = 10  # of a name from one address
_REFUSALS_WRITTEN = 100  # lines of the audit: whoever guesses from a thousand addresses must not fill the disk
# Seconds. A name that was tried as often from anywhere is never shut, or anybody could keep an officer out: every
# further attempt is slow instead, and each address has its own limit.
_SLOW = 2.0
_AT_ONCE = 2  # hashes computed at the same time: 19 MiB each, however many people knock

_log = structlog.get_logger(__name__)


class Refused(Exception):
    """Name and password do not go together, or the one-time password was used before."""


class TooManyAttempts(Exception):
    """Too many failed log-ins; ``wait`` says how long this address has to stay away."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        super().__init__(f"try again in {wait}")

    @property
    def seconds(self) -> int:
        """The wait in whole seconds, at least one."""
        return max(1, math.ceil(self.wait.total_seconds()))


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody inside. ``csrf`` belongs to this session alone; ``token`` is what the browser's cookie holds."""

    user: User
    token: str

    @property
    def csrf(self) -> str:
        """What a request that changes something must carry besides the cookie."""
        return hmac.new(self.token.encode(), b"csrf", sha256).hexdigest()

    @property
    def mark(self) -> str:
        """What tells this session's pages from those of another; no secret."""
        return hmac.new(self.token.encode(), b"mark", sha256).hexdigest()[:8]

    @property
    def who(self) -> str:
        """What the book writes beside this person's deeds."""
        return self.user.person or self.user.name

    def actor(self, origin: str) -> Actor:
        """Who acts, with this session's rights."""
        return Actor(self.who, origin, self.user.rights, self.user.place)

    @property
    def must_choose(self) -> bool:
        """Whether a one-time password opened this session, so that there is none for the next log-in."""
        return self.user.one_time

    def vouches(self, csrf: str) -> bool:
        """Whether this is the session's own CSRF token."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


class Door:
    """Lets people in and knows them afterwards; the book never sees a token, only its SHA-256."""

    def __init__(self, book: Book, clock: Clock, pause: Callable[[float], Awaitable[None]] = sleep) -> None:
        """Take the book and the clock; ``pause`` waits for so many seconds."""
        self._book = book
        self._clock = clock
        self._nobody = hash_password(secrets.token_urlsafe())  # unknown names cost the same time as known ones
        self._addresses = Attempts(_ATTEMPTS_OF_ADDRESS, _ATTEMPTS_PER)
        self._pairs = Attempts(_ATTEMPTS_OF_PAIR, _ATTEMPTS_PER)
        self._names = Attempts(_ATTEMPTS_OF_PAIR, _ATTEMPTS_PER)
        self._refusals = Attempts(_REFUSALS_WRITTEN, _ATTEMPTS_PER)
        self._refused = 0
        self._pause = pause
        self._one_time = threading.Lock()
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def enter(self, name: str, password: str, address: str) -> Session:
        """Log in; slowly, if the name is tried from many addresses. Raises Refused, TooManyAttempts, BookError."""
        now, source = self._clock.now(), address_key(address)
        pair = f"{source} {name}"
        wait = max(self._addresses.wait(source, now), self._pairs.wait(pair, now))
        if wait:
            raise TooManyAttempts(wait)
        slow = bool(self._names.wait(name, now))
        self._addresses.count(source, now)  # before the hash is computed, or many at once would all pass
        self._pairs.count(pair, now)
        self._names.count(name, now)
        if slow:
            await self._pause(_SLOW)
        session = await to_thread.run_sync(self._open, name, password, address, limiter=self._limiter)
        if session is None:
            _log.warning("log-in refused", user=name, address=address)
            await to_thread.run_sync(self._write_refused, name, address)
            raise Refused
        self._addresses.forgive(source)
        self._pairs.forgive(pair)
        self._names.forgive(name)
        _log.info("logged in", user=name, address=address)
        return session

    def known(self, token: str) -> Session | None:
        """Whose session this token is, if it has not expired."""
        if not token:
            return None
        user = self._book.session_user(_token_hash(token), self._clock.now())
        return None if user is None else Session(user, token)

    def leave(self, session: Session, address: str = "") -> None:
        """Log out."""
        self._book.end_session(_token_hash(session.token))
        self._book.write_down(self._entry(session.user.name, address, "logged-out"))
        _log.info("logged out", user=session.user.name)

    def choose_password(self, session: Session, current: str, password: str, address: str = "") -> bool:
        """Give the user of this session a password of their own; False when the current one is wrong.

        All other sessions of the user end: whoever changes a password may do so because somebody else knows it.
        After a log-in with a one-time password there is no current one to ask for.
        """
        if not session.must_choose and not _verify(session.user.password_hash, current):
            return False
        changed = replace(session.user, password_hash=hash_password(password), one_time=False)
        entry = self._entry(session.user.name, address, "changed-password")
        self._book.put_user(changed, staying=_token_hash(session.token), entry=entry)
        _log.info("password changed", user=session.user.name)
        return True

    def _open(self, name: str, password: str, address: str) -> Session | None:
        user = self._book.user(name)
        if not _verify((user and user.password_hash) or self._nobody, password) or user is None:
            return None
        if not user.one_time:
            return self._remember(user, address)
        with self._one_time:
            if self._book.user(name) != user:
                return None
            session = self._remember(user, address)
            self._book.put_user(replace(user, password_hash=""), staying=_token_hash(session.token))
            return session

    def _remember(self, user: User, address: str) -> Session:
        session = Session(user, secrets.token_urlsafe(32))
        until = self._clock.now() + micros(SESSION)
        entry = self._entry(user.name, address, "logged-in")
        self._book.open_session(_token_hash(session.token), user.name, until, entry=entry)
        return session

    def _write_refused(self, name: str, address: str) -> None:
        """Tell the audit of a log-in that failed; of a flood of them, how many there were since the last line."""
        with self._one_time:
            self._refused += 1
            now = self._clock.now()
            if self._refusals.wait("", now):
                return
            self._refusals.count("", now)
            count, self._refused = self._refused, 0
        self._book.write_down(self._entry(name, address, "refused", count=str(count) if count > 1 else ""))

    def _entry(self, name: str, address: str, did: str, **detail: str) -> Entry:
        actor = Actor(name, f"console {address}".rstrip())
        return Entry.of(actor, self._clock.now(), did, "user", name, **detail)


def _token_hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _verify(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
