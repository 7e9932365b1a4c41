"""Requests to the stores through pyarrow's filesystems, with retries; errors become one line of text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from normcli.errors import NoInputError, UsageError, printable, raise_shortage

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CONNECT, ANSWER = 10, 60  # seconds until a request is repeated: connection timeout, response timeout
REQUESTS = 16  # at once
ATTEMPTS, MOST_ATTEMPTS = 5, 1000
GIVE_UP = 30  # seconds of retries with Google's stores; the last pause may be as long
METADATA = 3  # seconds to wait for Google's metadata server

NO_AZURE = (
    "there are no credentials that work: AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING "
    "or az login gives some"
)
NO_GOOGLE = (
    "there are no credentials: GOOGLE_APPLICATION_CREDENTIALS names a file of them, gcloud auth application-default "
    "login makes one"
)
GOOGLE_FILE = "~/.config/gcloud/application_default_credentials.json"

# prefixes of errors of a store or of the network, as opposed to errors of the data
DENIED = re.compile(
    "ACCESS_DENIED|PERMISSION_DENIED|UNAUTHENTICATED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH"
    "|AuthorizationFailure|AuthorizationPermissionMismatch|AuthenticationFailed"
)
FAULT = re.compile(r"AWS Error|google::cloud::Status|Azure Error")
MARKS = {"etag", "last-modified", "generation"}  # metadata that identify the version of an object

T = TypeVar("T")


def place(uri: str) -> tuple[FileSystem, str]:
    """The filesystem of a URI, and its path there. Raises OSError or ArrowException, UsageError."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    path = f"{bucket.partition('@')[0]}/{key}".rstrip("/")
    if scheme.startswith("s3"):
        return s3(bucket), path
    return (_gs(), path) if scheme.startswith("g") else (_abfs(bucket.partition("@")[2]), path)


@cache
def s3(bucket: str, delayed: bool = True) -> FileSystem:
    """The S3 filesystem by the variables of the AWS tools. If not `delayed`, an upload starts when its stream is
    opened. Raises OSError."""
    from pyarrow import fs

    options: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        scheme, _, options["endpoint_override"] = endpoint.rstrip("/").rpartition("://")
        options["scheme"] = scheme or "https"
    else:
        options["region"] = fs.resolve_s3_region(bucket)
    if "AWS_CA_BUNDLE" in os.environ:
        options["tls_ca_file_path"] = os.environ["AWS_CA_BUNDLE"]
    retry = fs.AwsStandardS3RetryStrategy(max_attempts=attempts())
    return fs.S3FileSystem(
        connect_timeout=CONNECT, request_timeout=ANSWER, retry_strategy=retry, allow_delayed_open=delayed, **options
    )


def attempts() -> int:
    """The maximum number of attempts for a request; at least 1."""
    setting = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return min(max(1, int(setting)), MOST_ATTEMPTS) if setting.isdecimal() else ATTEMPTS


@cache
def _gs() -> FileSystem:
    """The GCS filesystem by the variables of Google's tools. Raises OSError without credentials: the client would keep
    looking for a metadata server."""
    from datetime import timedelta

    from pyarrow import fs

    scheme, _, host = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/").rpartition("://")
    if not host and not _has_google_credentials():
        raise OSError(NO_GOOGLE)
    emulator = {"endpoint_override": host, "scheme": scheme or "http", "anonymous": True} if host else {}
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=GIVE_UP), **emulator)


def _has_google_credentials() -> bool:
    """Whether there is a file of credentials, or a metadata server, as on Google's machines."""
    import socket

    paths = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GCLOUD_ADC_PATH_OVERRIDE")
    if any(os.environ.get(name) for name in paths) or os.path.exists(os.path.expanduser(GOOGLE_FILE)):
        return True
    host, _, port = os.environ.get("GCE_METADATA_ROOT", "metadata.google.internal").partition(":")
    try:
        socket.create_connection((host, int(port or 80)), METADATA).close()
    except (OSError, ValueError):
        return False
    return True


@cache
def _abfs(host: str) -> FileSystem:
    """The Azure filesystem of a host by the variables of the Azure tools; without them, by its identity library. Raises
    UsageError without an account, OSError for a malformed key."""
    import shutil

    from pyarrow import fs

    connection = dict(
        p.split("=", 1) for p in os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";") if "=" in p
    )
    account = host.partition(".")[0] or connection.get("AccountName") or _first("ACCOUNT", "ACCOUNT_NAME")
    if not account:
        raise UsageError("abfs:// without an account", "abfs://container@account.dfs.core.windows.net/key names one")
    options: dict[str, Any] = {}
    if connection.get("BlobEndpoint"):
        scheme, _, rest = connection["BlobEndpoint"].partition("://")
        options = {f"{kind}_storage_authority": rest.split("/")[0] for kind in ("blob", "dfs")}
        options |= {f"{kind}_storage_scheme": scheme for kind in ("blob", "dfs")}
    if key := connection.get("AccountKey") or _first("KEY", "ACCOUNT_KEY"):
        _check_base64(key)
        options["account_key"] = key
    elif token := connection.get("SharedAccessSignature") or _first("SAS_TOKEN"):
        options["sas_token"] = token
    elif not shutil.which("az"):  # which the client would run, and a shell complain that it does not exist
        os.environ.setdefault("AZURE_TOKEN_CREDENTIALS", "prod")
    return fs.AzureFileSystem(account, **options)


def _check_base64(key: str) -> None:
    """Raises OSError."""
    import base64

    try:
        base64.b64decode(key, validate=True)
    except ValueError:
        what = "AZURE_STORAGE_KEY, or the AccountKey of AZURE_STORAGE_CONNECTION_STRING"
        raise OSError(f"{what}, is not base64") from None


def _first(*names: str) -> str | None:
    return next((v for n in names if (v := os.environ.get(f"AZURE_STORAGE_{n}"))), None)


# -- objects -----------------------------------------------------------------------------------------------------
def info(uri: str) -> tuple[str, int]:
    """The type of what a URI names (File, Directory or NotFound), and its size in bytes, 0 where it has none. Raises
    OSError or ArrowException."""
    files, path = place(uri)
    entry = files.get_file_info(path)
    return str(entry.type.name), entry.size or 0


def open_object(uri: str) -> tuple[Any, int, dict[str, bytes]]:
    """An object as a file, its size in bytes, and the metadata that identify its version. Raises OSError or
    ArrowException."""
    files, path = place(uri)
    if uri.startswith("abfs"):
        files.get_file_info(path)  # raises where opening, without credentials, would end the process
    file = files.open_input_file(path)
    metadata = {str(k).lower(): v for k, v in (file.metadata() or {}).items()}
    return file, file.size(), {k: v for k, v in metadata.items() if k in MARKS}


def listed(uri: str, *, recursive: bool, missing: bool = False) -> dict[str, int | None]:
    """The names below a directory, relative to it, sorted by their bytes, and the size of each in bytes, None of a
    directory; with `missing`, none if there is no such directory. Some may be unusable. Raises NoInputError."""
    from pyarrow import fs

    with store_request(uri) as outcome:
        files, path = place(uri)
        infos = files.get_file_info(fs.FileSelector(path, allow_not_found=missing, recursive=recursive))
        infos.sort(key=lambda f: (os.fsencode(f.path), f.is_file))  # an object hides a directory of the same name
        return {f.path[len(path) + 1 :]: f.size if f.is_file else None for f in infos}
    raise NoInputError(f"{printable(uri)}: {outcome.fault}")


def concurrently(request: Callable[[str], T], uris: Iterable[str]) -> Iterator[T]:
    """The results of requests for objects, in order: one takes long, and little but time."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(REQUESTS) as pool:
        yield from pool.map(request, uris)


# -- errors ------------------------------------------------------------------------------------------------------
class Outcome(Struct):
    """The outcome of a request to a store: its `fault` as text, None if it succeeded."""

    fault: str | None = None
    absent: bool = False  # there is no such object

    @property
    def denied(self) -> bool:
        """Whether access was denied."""
        return bool(self.fault and DENIED.search(self.fault))


@contextmanager
def store_request(uri: str) -> Iterator[Outcome]:
    """Catches the error of a request to a store into the outcome, for the caller to report."""
    import pyarrow as pa

    outcome = Outcome()
    try:
        yield outcome
    except FileNotFoundError:
        outcome.fault, outcome.absent = "there is nothing of that name", True
    except (OSError, pa.ArrowException) as e:
        raise_shortage(e)
        outcome.fault = reason(e)


def reason(error: Exception) -> str:
    """The text of a store's error, without the query of a URL, which may hold a signature."""
    text = " ".join(str(error).split())
    if "AuthenticationException" in text:
        return NO_AZURE
    match = FAULT.search(text)
    text = text[match.start() :] if match else text
    return printable(re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]+", r"\1", text)).rstrip(".: ")
