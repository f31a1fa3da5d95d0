"""How the daemon writes its log: one event a line, to standard error; JSON unless a person is watching."""

from __future__ import annotations

import logging
import sys

import structlog

_LOUD = ("httpx2", "httpcore2", "apscheduler", "uvicorn")  # libraries that would log a line for every request


def set_up_logs() -> None:
    """Set up our log and that of the libraries; called once, by the process."""
    watched = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    shown: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if watched
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    # Without the values of variables: they are long, and some of them are secrets.
    bare = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    exceptions = [] if watched else [structlog.processors.ExceptionRenderer(bare)]
    structlog.configure(
        processors=[*shared, *exceptions, shown],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
