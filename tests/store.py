"""An object store on this machine: moto's application of the S3 protocol, behind a server on which requests can go
wrong."""

import http.server
import io
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest

BUCKET = "bucket"
MANIFEST = "/.normcli-manifest/"
SECRET = "a-secret-that-nobody-tells"
OWNER = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"

# What a store says of an error: longer than a small object.
CODES = {403: b"AccessDenied", 500: b"InternalError", 503: b"SlowDown"}
ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>No</Message><HostId>" + 300 * b"0" + b"</HostId></Error>"

# What becomes of a request, by its number from 0, method (COPY for a PUT of another object) and path: None for what
# should; "cut": never arrives; "lost": is answered, but the answer never arrives; "hang": no answer comes; a number:
# that status is the answer.
Fate = str | int | None
Fault = Callable[[int, str, str], Fate]
Answer = tuple[int, list[tuple[str, str]], bytes]  # status, headers, body


@dataclass(frozen=True)
class App:
    """Moto's application, asked without a connection."""

    wsgi: Callable[..., Iterable[bytes]]

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": unquote(path, "latin-1"), "QUERY_STRING": query,
            "REQUEST_URI": target, "RAW_URI": target, "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.multithread": True,
            "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        environ["CONTENT_LENGTH"] = str(len(body))
        begun: list[Any] = []
        data = b"".join(self.wsgi(environ, lambda status, fields, *_: begun.extend((status, fields))))
        status, fields = begun
        return int(status.split()[0]), fields, data


@dataclass
class Store:
    """The bucket's contents, and what was asked of it by way of the proxy."""

    app: App
    proxy: str = ""
    fault: Fault = lambda n, method, path: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the access key of each
    hanging: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def env(self) -> dict[str, str]:
        """What a command needs to find it, and to fail fast."""
        return {
            "AWS_ENDPOINT_URL": f"http://{self.proxy}",
            "AWS_ACCESS_KEY_ID": "key-that-nobody-tells",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def put(self, key: str, data: bytes) -> str:
        """An object; its URI."""
        self._ask("PUT", f"/{BUCKET}/{quote(key)}", data)
        return self.uri(key)

    def uri(self, key: str) -> str:
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> bytes | None:
        status, data = self._ask("GET", f"/{BUCKET}/{quote(key)}")
        return data if status == 200 else None

    def names(self) -> list[str]:
        _, data = self._ask("GET", f"/{BUCKET}?list-type=2&encoding-type=url")
        return [unquote(key.decode()) for key in re.findall(rb"<Key>([^<]*)</Key>", data)]

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """All objects of such keys, by the rest of these; but for manifests, and for the empty objects of directories
        that pyarrow leaves where it deletes something."""
        keys = [k for k in self.names() if k.startswith(prefix) and not k.endswith("/") and MANIFEST not in k]
        return {key.removeprefix(prefix): self.get(key) or b"" for key in keys}

    def written(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [r for r in self.requests if r[0] in ("PUT", "POST", "DELETE")]

    def _ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        status, _, data = self.app.ask(method, path, {"Authorization": OWNER, "Host": "127.0.0.1"}, body)
        return status, data


def set_back(key: str, **ago: float) -> None:
    """Has the store say that an object was put there earlier."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    (backend,) = s3_backends[DEFAULT_ACCOUNT_ID].values()
    backend.buckets[BUCKET].keys[key].last_modified -= timedelta(**ago)


class Proxy(http.server.BaseHTTPRequestHandler):
    """Hands on whole requests, unless the store's fault says otherwise."""

    protocol_version = "HTTP/1.1"
    store: Store

    def do_request(self) -> None:
        store, body = self.store, self._body()
        number, method = len(store.requests), "COPY" if "x-amz-copy-source" in self.headers else self.command
        store.requests.append((method, self.path))
        store.keys.append(re.sub(".*Credential=([^/]*)/.*", r"\1", self.headers.get("Authorization", "")))
        fate = store.fault(number, method, self.path) if body is not None else "cut"
        if fate == "hang":
            store.hanging.set()
            store.over.wait(60)
        if fate in ("cut", "hang"):
            self._hang_up()
        elif isinstance(fate, int):
            self._answer(fate, [("Content-Type", "application/xml")], ERROR % CODES.get(fate, b"Unknown"))
        else:
            self._hand_on(body or b"", lost=fate == "lost")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_request  # noqa: N815

    def _body(self) -> bytes | None:
        """All of it; None where it never came."""
        size = int(self.headers.get("Content-Length") or 0)
        data = b""
        try:
            if self.headers.get("Transfer-Encoding") != "chunked":
                data = self.rfile.read(size)
                return data if len(data) == size else None
            while length := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                data += self.rfile.read(length)
                self.rfile.readline()
            return data if self.rfile.readline() else None
        except (OSError, ValueError):
            return None

    def _hand_on(self, body: bytes, *, lost: bool) -> None:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("transfer-encoding", "content-length")}
        status, fields, data = self.store.app.ask(self.command, self.path, headers, body)
        size = next((v for k, v in fields if k.lower() == "content-length" and self.command == "HEAD"), None)
        if lost:
            return self._hang_up()
        dropped = ("transfer-encoding", "content-length", "connection", "date", "server")
        kept = [(k, v) for k, v in fields if k.lower() not in dropped]
        return self._answer(status, kept, data, size)

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, size: str | None = None) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", size or str(len(data)))]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone; that is what is tested."""


@contextmanager
def serving(store: Store) -> Iterator[None]:
    server = Server(("127.0.0.1", 0), type("Bound", (Proxy,), {"store": store}))
    store.proxy = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        store.over.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def moto() -> App:
    """The application, one for all tests."""
    from moto import backends
    from moto.server import DomainDispatcherApplication, create_backend_app

    # It would list its directory anew for each request, for a third of the time of one.
    services = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: services
    return App(DomainDispatcherApplication(create_backend_app))


@pytest.fixture
def store(moto: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty bucket, which this process and those that it starts will find."""
    made = Store(moto)
    made._ask("POST", "/moto-api/reset")
    made._ask("PUT", f"/{BUCKET}")
    with serving(made):
        for name, value in made.env.items():
            monkeypatch.setenv(name, value)
        forget()
        yield made
    forget()


def forget() -> None:
    """What this process keeps of stores for the length of a run."""
    from normcli.io import stores
    from normcli.io.stores import _filesystems, writing

    for kept in (stores._lookup, _filesystems.s3, writing._fault_of):
        kept.cache_clear()
    writing.writable.clear()
