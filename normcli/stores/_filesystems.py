"""Talking to the stores, by pyarrow's filesystems: with patience, and in words of one line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from normcli.errors import NoInputError, UsageError, printable, raise_shortage

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CONNECT, ANSWER = 10, 60  # seconds until a server that can't be reached, or has stopped, is asked again
ATTEMPTS = 5
GIVE_UP = 120  # seconds of asking Google's stores again

# how what a store or the way to it is at fault for begins, apart from what the data are at fault for
DENIED = re.compile(
    "ACCESS_DENIED|PERMISSION_DENIED|UNAUTHENTICATED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH"
    "|AuthorizationFailure|AuthorizationPermissionMismatch|AuthenticationFailed"
)
FAULT = re.compile(r"AWS Error|google::cloud::Status|Azure Error")


def place(uri: str) -> tuple[FileSystem, str]:
    """The filesystem that a URI is on, and its path there. Raises OSError or ArrowException, UsageError."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    path = f"{bucket.partition('@')[0]}/{key}".rstrip("/")
    if scheme.startswith("s3"):
        return s3(bucket), path
    return (_gs(), path) if scheme.startswith("g") else (_abfs(bucket.partition("@")[2]), path)


@cache
def s3(bucket: str, delayed: bool = True) -> FileSystem:
    """By the variables of the AWS tools. Opened without delay, an upload begins when a stream is opened."""
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
    """How often a request is made until it is given up; at least once."""
    told = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return max(1, int(told)) if told.isdecimal() else ATTEMPTS


@cache
def _gs() -> FileSystem:
    from datetime import timedelta

    from pyarrow import fs

    scheme, _, host = os.environ.get("STORAGE_EMULATOR_HOST", "").rstrip("/").rpartition("://")
    emulator = {"endpoint_override": host, "scheme": scheme or "http", "anonymous": True} if host else {}
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=GIVE_UP), **emulator)


@cache
def _abfs(host: str) -> FileSystem:
    """By the variables of the Azure tools; without any, by what its identity library finds. Raises UsageError."""
    from pyarrow import fs

    told = dict(p.split("=", 1) for p in os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";") if "=" in p)
    account = host.partition(".")[0] or told.get("AccountName") or _first("ACCOUNT", "ACCOUNT_NAME")
    if not account:
        raise UsageError("abfs:// without an account", "abfs://container@account.dfs.core.windows.net/key names one")
    options: dict[str, Any] = {}
    if told.get("BlobEndpoint"):
        scheme, _, rest = told["BlobEndpoint"].partition("://")
        options = {f"{kind}_storage_authority": rest.split("/")[0] for kind in ("blob", "dfs")}
        options |= {f"{kind}_storage_scheme": scheme for kind in ("blob", "dfs")}
    if key := told.get("AccountKey") or _first("KEY", "ACCOUNT_KEY"):
        options["account_key"] = key
    elif token := told.get("SharedAccessSignature") or _first("SAS_TOKEN"):
        options["sas_token"] = token
    return fs.AzureFileSystem(account, **options)


def _first(*names: str) -> str | None:
    return next((v for n in names if (v := os.environ.get(f"AZURE_STORAGE_{n}"))), None)


# -- what is there -----------------------------------------------------------------------------------------------
def kind(uri: str) -> str:
    """File, Directory or NotFound. Raises OSError or ArrowException."""
    files, path = place(uri)
    return str(files.get_file_info(path).type.name)


def listed(uri: str, *, recursive: bool, kind: str | None = None, missing: bool = False) -> list[str]:
    """The names below a directory, relative to it, by their bytes; with `missing`, none where there is no such
    directory. Some may be unusable. Raises NoInputError."""
    from pyarrow import fs

    with asking(uri) as asked:
        files, path = place(uri)
        found = files.get_file_info(fs.FileSelector(path, allow_not_found=missing, recursive=recursive))
        return sorted((f.path[len(path) + 1 :] for f in found if kind in (None, f.type.name)), key=os.fsencode)
    raise NoInputError(f"{printable(uri)}: {asked.fault}")


# -- what went wrong ---------------------------------------------------------------------------------------------
@dataclass
class Asked:
    """What became of asking a store: what went wrong, in words, if anything did."""

    fault: str | None = None
    absent: bool = False  # what was asked for is not there

    @property
    def denied(self) -> bool:
        """Whether we may not have it."""
        return bool(self.fault and DENIED.search(self.fault))


@contextmanager
def asking(uri: str) -> Iterator[Asked]:
    """Keeps what a store says is wrong, for the caller to tell."""
    import pyarrow as pa

    asked = Asked()
    try:
        yield asked
    except FileNotFoundError:
        asked.fault, asked.absent = "there is nothing of that name", True
    except (OSError, pa.ArrowException) as e:
        raise_shortage(e)
        asked.fault = reason(e)


def reason(error: Exception) -> str:
    """What a store says went wrong, without what may be signed in a URL."""
    text = " ".join(str(error).split())
    found = FAULT.search(text)
    text = text[found.start() :] if found else text
    return printable(re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]+", r"\1", text)).rstrip(".: ")
