"""Real servers for tests: each on free ports of 127.0.0.1, with a data folder of its own, stopped by process id.

A server that is not installed fails the test that wanted it, with the one line that installs it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import psutil
import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

HOST = "127.0.0.1"
APT_LINE = (
    "apt-get install --no-install-recommends -y mosquitto influxdb victoria-metrics postgresql chromium fonts-noto-cjk"
    " openssl"
)
START_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.02

_given: set[int] = set()


def free_port() -> int:
    """A TCP port nobody listens on, never given twice in one run."""
    while True:
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            port: int = listener.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def binary(name: str) -> str:
    """Where that program is (daemons are in sbin, which not every PATH has); fails the test when it is nowhere."""
    postgres = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))  # Debian keeps each version apart
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *reversed(postgres)]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.fail(f"{name} is not installed; run:  sudo {APT_LINE}", pytrace=False)
    return found


class Server:
    """A server process. ``with`` starts and stops it; its data folder and ports stay the same over restarts."""

    program: ClassVar[str]
    user: ClassVar[str | None] = None  # who it runs as, if not as whoever runs the tests

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        """What follows the program's name; writes the configuration file when there is one."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it speaks its protocol on its port."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The process id; an error when it does not run."""
        assert self._process is not None, f"{self.program} does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers; when it does not in time, stop it and fail with the end of its log."""
        assert self._process is None, f"{self.program} runs already"
        command = [binary(self.program), *self.arguments()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, user=self.user
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                why = "does not answer" if code is None else f"ended with {code}"
                pytest.fail(f"{self.program} {why}:\n{self._log_end()}", pytrace=False)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end, wait, kill it when it does not; nothing when it does not run."""
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it in an orderly way and start it on the same port with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: its connections stay, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Thaw it."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(with_signal)
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # a paused process would never see the signal
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log_end(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


@dataclass(frozen=True)
class Certificates:
    """A test authority and a server certificate for 127.0.0.1 and localhost signed by it; paths of PEM files."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Make them anew in that folder, valid for two days."""
        folder.mkdir(parents=True, exist_ok=True)
        openssl = binary("openssl")
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
        may = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]  # Python 3.13 wants an authority to say so
        signer = ["-CA", str(made.authority), "-CAkey", str(folder / "ca.key")]
        for command in (
            ["req", "-x509", *curve, "-subj", "/CN=test authority", *may, "-keyout", str(folder / "ca.key"), "-out"],
            ["req", "-x509", *curve, "-subj", "/CN=localhost", *names, *signer, "-keyout", str(made.key), "-out"],
        ):
            out = made.authority if "/CN=test authority" in command else made.certificate
            subprocess.run([openssl, *command, str(out)], check=True, capture_output=True)
        return made


class Mosquitto(Server):
    """An MQTT broker. ``port`` serves 3.1.1 and 5 in plain text; ``tls_port`` the same over TLS when asked for.

    ``users`` maps names to passwords and shuts out everybody else. ``persistence`` keeps sessions and queues over a
    restart, as the production configuration does. ``settings`` are further lines, written as ``name value``; a key
    given there replaces the line this class would write.
    """

    program = "mosquitto"

    def __init__(
        self,
        folder: Path,
        *,
        persistence: bool = True,
        users: Mapping[str, str] | None = None,
        certificates: Certificates | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(folder)
        self.persistence = persistence
        self.users = dict(users or {})
        self.certificates = certificates
        self.tls_port = free_port() if certificates is not None else 0
        self.settings = dict(settings or {})

    def arguments(self) -> list[str]:
        # As root mosquitto would become the user "mosquitto", who may not read a temporary folder.
        lines: dict[str, object] = {
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "log_dest": "stdout",
            "set_tcp_nodelay": "true",
            "max_queued_messages": 0,
            "allow_anonymous": "false" if self.users else "true",
            "persistence": "true" if self.persistence else "false",
        }
        if self.persistence:
            lines |= {"persistence_location": f"{self.folder}/", "autosave_interval": 1}
        if self.users:
            passwords = self.folder / "passwords"
            passwords.write_text(
                "".join(f"{n}:{_password_entry(p)}\n" for n, p in self.users.items()), encoding="ascii"
            )
            passwords.chmod(0o600)
            lines["password_file"] = passwords
        text = [f"{name} {value}" for name, value in (lines | self.settings).items()]
        text.append(f"listener {self.port} {HOST}")
        if self.certificates is not None:
            text.append(f"listener {self.tls_port} {HOST}")
            text += [f"certfile {self.certificates.certificate}", f"keyfile {self.certificates.key}"]
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text("\n".join(text) + "\n", encoding="utf-8")
        return ["-c", str(configuration)]

    def answers(self) -> bool:
        # A CONNECT of MQTT 3.1.1 with a clean session and no client id; a CONNACK comes back whoever may log in.
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
                return connection.recv(1) == b"\x20"
        except OSError:
            return False


def _password_entry(password: str) -> str:
    """A line's second half in mosquitto's password file: PBKDF2 with SHA-512, as mosquitto_passwd writes it."""
    iterations = 101
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


class PostgreSQL(Server):
    """A database server; everybody on this machine is ``firesense``, who may do everything. Nothing is on the disk."""

    program = "postgres"
    user = "nobody" if os.geteuid() == 0 else None  # it does not run as root

    def __init__(self) -> None:
        # Not in a test's folder, which only root may look into.
        super().__init__(Path(tempfile.mkdtemp(prefix="firesense-postgresql-")))
        self._made = itertools.count()

    def start(self) -> None:
        data = self.folder / "data"
        if not data.exists():
            if self.user is not None:
                shutil.chown(self.folder, self.user)
            make = [binary("initdb"), "-D", str(data), "-U", "firesense", "--auth=trust", "-E", "UTF8", "--no-sync"]
            subprocess.run(
                [*make, "--locale=C.UTF-8"], check=True, capture_output=True, cwd=self.folder, user=self.user
            )
        super().start()

    def stop(self) -> None:
        self._end(signal.SIGINT)  # it waits for whoever is connected when it is asked politely

    def kill9(self) -> None:
        """End it as a crash would; who served its connections notices that, and a new one starts when all are gone."""
        served = psutil.Process(self.pid).children()
        super().kill9()
        psutil.wait_procs(served, 20)

    def remove(self) -> None:
        """Stop it and remove what it keeps."""
        self.stop()
        shutil.rmtree(self.folder)

    def arguments(self) -> list[str]:
        said = {"listen_addresses": HOST, "unix_socket_directories": "", "fsync": "off", "full_page_writes": "off"}
        return ["-D", str(self.folder / "data"), "-p", str(self.port), *(f"--{key}={said[key]}" for key in said)]

    def answers(self) -> bool:
        try:
            self.ask("SELECT 1")
        except sa.exc.OperationalError:
            return False
        return True

    def ask(self, statement: str, database: str = "postgres") -> list[Any]:
        """Ask one question; the rows, if it has any."""
        engine = sa.create_engine(self.url(database), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            answer = connection.exec_driver_sql(statement)
            return list(answer) if answer.returns_rows else []

    def url(self, database: str) -> str:
        """What SQLAlchemy calls a database of it."""
        return f"postgresql+psycopg://firesense@{HOST}:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty one; gives its name."""
        name = f"book_{next(self._made)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE template0")
        return name


class HttpServer(Server):
    """A server that is asked over HTTP."""

    health: ClassVar[str]

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    def answers(self) -> bool:
        try:
            self.ask(self.health, timeout=1)
        except OSError:
            return False
        return True

    def ask(self, path: str, body: bytes | None = None, timeout: float = 10, **query: str) -> bytes:
        """GET, or POST when there is a body; the answer's bytes. Raises HTTPError for every status but 2xx."""
        address = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(address, data=body)  # noqa: S310 - always http to 127.0.0.1
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through the machine's proxy
        try:
            with opener.open(request, timeout=timeout) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            raise
        return content


class InfluxDB(HttpServer):
    """InfluxDB 1.x (Debian's 1.6.7) with one database, ``firesense``."""

    program = "influxd"
    health = "/ping"
    database = "firesense"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rpc_port = free_port()

    def arguments(self) -> list[str]:
        configuration = self.folder / "influxdb.conf"
        configuration.write_text(
            f"""
reporting-enabled = false
bind-address = "{HOST}:{self._rpc_port}"
[meta]
  dir = "{self.folder}/meta"
[data]
  dir = "{self.folder}/data"
  wal-dir = "{self.folder}/wal"
  index-version = "tsi1"
[monitor]
  store-enabled = false
[http]
  bind-address = "{HOST}:{self.port}"
  log-enabled = false
""",
            encoding="utf-8",
        )
        return ["-config", str(configuration)]

    def start(self) -> None:
        super().start()
        self.create_database(self.database)

    def create_database(self, name: str) -> None:
        """Make a database; nothing when it is there."""
        self.query(f'CREATE DATABASE "{name}"', database="")

    def query(self, statement: str, database: str = database) -> list[dict[str, Any]]:
        """Rows of one InfluxQL statement as dicts, tags of a GROUP BY among them; times are integer nanoseconds."""
        asked = {"q": statement, "epoch": "ns"} | ({"db": database} if database else {})
        result = json.loads(self.ask("/query", body=b"", **asked))["results"][0]
        assert "error" not in result, result["error"]
        return [
            dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
            for series in result.get("series", [])
            for values in series.get("values", [])
        ]


class VictoriaMetrics(HttpServer):
    """VictoriaMetrics (Debian's 1.79), which takes line protocol at /api/v2/write and /write."""

    program = "victoria-metrics"
    health = "/health"

    def arguments(self) -> list[str]:
        return [
            f"-storageDataPath={self.folder / 'data'}",
            f"-httpListenAddr={HOST}:{self.port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-loggerLevel=ERROR",
        ]

    def series(self, match: str) -> list[dict[str, Any]]:
        """Every series that matches, e.g. ``{__name__=~"smoke_.*"}``, with all that was accepted before this call.

        Each has ``metric`` (its labels), ``values`` and ``timestamps`` (milliseconds).
        """
        self.ask("/internal/force_flush")
        answer = self.ask("/api/v1/export", **{"match[]": match})
        return [json.loads(line) for line in answer.splitlines()]


def run_to_end(command: Sequence[str | Path], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with its output caught; the caller looks at the exit code."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, check=False)
