"""The address of a scheduler, and whether what is sent there can be read, or written, on the way."""

import socket
from urllib.parse import urlsplit

from normcli.errors import UsageError, printable

ENCRYPTED = {"tls", "wss"}


def check_secure(address: str, *, insecure: bool) -> None:
    """Raises UsageError for an address of another machine to which nothing is encrypted, unless that is allowed: who
    can write to a scheduler runs what they like on its workers, and who can answer in its place, here."""
    scheme, host = _parts(address)
    if scheme in ENCRYPTED or insecure or _is_here(host):
        return
    what = (
        f"--scheduler {printable(address)}: {scheme}:// to another machine is not encrypted, and lets anybody run code"
    )
    raise UsageError(what, "tls://, or --insecure-scheduler in a network where nobody else is")


def _parts(address: str) -> tuple[str, str]:
    """Its scheme, tcp where there is none, as Dask has it, and its host. Raises UsageError."""
    try:
        url = urlsplit(address if "://" in address else f"tcp://{address}")
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host:
        raise UsageError(f"--scheduler {printable(address)}: is no address", "tls://HOST:8786 is")
    return url.scheme, host


def _is_here(host: str) -> bool:
    """Whether all addresses of a host are of this machine: only such a one can be bound to."""
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(addresses) and all(_is_ours(family, place) for family, _, _, _, place in addresses)


def _is_ours(family: int, place: object) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind(place)  # type: ignore[arg-type]
    except OSError:
        return False
    return True
