"""The console: what people see and do with a browser, and the same as a JSON API."""

from firesense.web.callbacks import callbacks
from firesense.web.console import create_console, end_streams
from firesense.web.operation import operation

__all__ = ["callbacks", "create_console", "end_streams", "operation"]
