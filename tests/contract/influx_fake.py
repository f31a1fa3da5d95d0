"""A strict stand-in for InfluxDB 2 and 3: what a real one refuses, it refuses, and it misbehaves when told to.

``/api/v2/write`` wants the token, the org, the bucket, microseconds and gzip, reads every line by the letter of the
line protocol and refuses a field whose type changed. ``/api/v2/query`` understands just the two shapes of Flux that
firesense asks. It shares no code with firesense.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import struct
import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "made-up-token"
ORG = "district"
BUCKET = "fire"
_FIELD = re.compile(r"([^=,\s]+)=(?:(-?\d+)i|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadLine(ValueError):
    pass


def parse_line(line):
    """(measurement, tags, fields, time) of one line; raises BadLine."""
    parts = split_unescaped(line, " ")
    if len(parts) != 3 or not re.fullmatch(r"-?\d+", parts[2]):
        raise BadLine(line)
    measurement, *pairs = split_unescaped(parts[0], ",")
    tags = {}
    for pair in pairs:
        name, *value = split_unescaped(pair, "=")
        if len(value) != 1 or not value[0]:
            raise BadLine(line)
        tags[name] = re.sub(r"\\([,= ])", r"\1", value[0])
    fields = {}
    for text in parts[1].split(","):
        found = _FIELD.fullmatch(text)
        if not found:
            raise BadLine(line)
        fields[found[1]] = int(found[2]) if found[2] else float(found[3])
    return measurement, tags, fields, int(parts[2])


def split_unescaped(text, at):
    return re.split(rf"(?<!\\){at}", text)


class FakeInflux:
    """``points[measurement, tags][time][field]``; ``misdeeds`` are done to the next requests, one each."""

    def __init__(self, most_bytes=10_000_000, certificates=None):
        self.points = {}
        self.types = {}
        self.misdeeds = deque()
        self.most_bytes = most_bytes
        self.requests = []
        self.partial = False
        self._over = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                fake.serve(self)

            do_GET = do_POST  # noqa: N815 - the name http.server looks for

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # connections are broken on purpose
        if certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.certificate, certificates.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if certificates else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler):
        url = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.requests.append((url.path, query, dict(handler.headers)))
        if self.misdeeds:
            misdeed = self.misdeeds.popleft()
            if misdeed == "silence":
                self._over.wait(30)
                handler.close_connection = True
                return
            if misdeed == "half":
                handler.wfile.write(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{"code":')
                handler.close_connection = True
                return
            if misdeed == "reset":
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                handler.close_connection = True
                return
            if isinstance(misdeed, tuple):
                answer(handler, *misdeed)
                return
        if handler.headers["Authorization"] != f"Token {TOKEN}":
            refuse(handler, 401, "unauthorized", "unauthorized access")
        elif query.get("org") != ORG:
            refuse(handler, 404, "not found", "organization not found")
        elif url.path == "/api/v2/write":
            self._write(handler, query, body)
        elif url.path == "/api/v2/query":
            answer(handler, 200, self._query(json.loads(body)["query"]), {"Content-Type": "text/csv"})
        else:
            refuse(handler, 404, "not found", "path not found")

    def _write(self, handler, query, body):
        if query.get("bucket") != BUCKET:
            refuse(handler, 404, "not found", f'bucket "{query.get("bucket")}" not found')
            return
        if query.get("precision") != "us" or handler.headers["Content-Encoding"] != "gzip":
            refuse(handler, 400, "invalid", "wants microseconds and gzip")
            return
        text = gzip.decompress(body)
        if len(text) > self.most_bytes:
            refuse(handler, 413, "request too large", f"unable to read data: more than {self.most_bytes} bytes")
            return
        lines = text.decode().split("\n")
        try:
            points = [parse_line(line) for line in lines]
        except BadLine as bad:
            refuse(handler, 400, "invalid", f"unable to parse '{bad}': bad line")
            return
        dropped = 0
        for measurement, tags, fields, at in points:
            types = {(measurement, name): type(value) for name, value in fields.items()}
            if any(self.types.get(key, kind) is not kind for key, kind in types.items()):
                dropped += 1
                continue
            self.types |= types
            series = self.points.setdefault((measurement, tuple(sorted(tags.items()))), {})
            series.setdefault(at, {}).update(fields)
        if dropped:
            fault = f"failure writing points to database: partial write: field type conflict dropped={dropped}"
            refuse(handler, 422, "unprocessable entity", fault)
        else:
            answer(handler, 204, "")

    def _query(self, flux):
        bucket = re.search(r'from\(bucket: "(.*?)"\)', flux)[1]
        start, stop = (micros(text) for text in re.search(r"range\(start: (\S+), stop: (\S+)\)", flux).groups())
        measurement, device, field = (
            re.sub(r"\\(.)", r"\1", re.search(rf'{key} == "((?:[^"\\]|\\.)*)"', flux)[1])
            for key in ("_measurement", "device", "_field")
        )
        points = sorted(
            (at, float(fields[field]))
            for (name, tags), series in self.points.items()
            if bucket == BUCKET and name == measurement and dict(tags)["device"] == device
            for at, fields in series.items()
            if start <= at < stop and field in fields
        )
        if found := re.search(r"limit\(n: (\d+)\)", flux):
            return table("", points[: int(found[1])])
        text = ""
        for width, how, name in re.findall(
            r'every: (\d+)us, fn: (\w+), .*set\(key: "aggregate", value: "\w+"\).*yield\(name: "(\w+)"\)', flux
        ):
            groups = {}
            for at, value in points:
                groups.setdefault(max(at // int(width) * int(width), start), []).append(value)
            fold = {"mean": lambda v: sum(v) / len(v), "min": min, "max": max, "count": len}[how]
            text += table(name, [(at, fold(values)) for at, values in groups.items()])
        return text


def table(name, rows):
    """One block of CSV; as the real one may, it leaves the name of the result out of its rows."""
    lines = [",result,table,_time,_value" + (",aggregate" if name else "")]
    for at, value in rows:
        time = (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")
        lines.append(f",,0,{time},{value}" + (f",{name}" if name else ""))
    return "\r\n".join(lines) + "\r\n\r\n" if rows else ""


def micros(text):
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def refuse(handler, status, code, message):
    answer(handler, status, json.dumps({"code": code, "message": message}), {"Content-Type": "application/json"})


def answer(handler, status, text, headers=None):
    body = text.encode()
    handler.send_response(status)
    for name, value in (headers or {}).items():
        if name == "Date":
            handler._headers_buffer = [line for line in handler._headers_buffer if not line.startswith(b"Date:")]
        handler.send_header(name, value)
    if status != 204:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if status != 204:
        handler.wfile.write(body)
