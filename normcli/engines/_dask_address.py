"""The address of a scheduler, whether what is sent there can be read, or written, on the way, and by what certificates
it is not."""

import socket
from typing import Any
from urllib.parse import urlsplit

from normcli.errors import UsageError, printable

ENCRYPTED = {"tls", "wss"}
TLS = "DASK_DISTRIBUTED__COMM__TLS__"
CERTIFICATES = f"{TLS}CA_FILE, {TLS}CLIENT__CERT and {TLS}CLIENT__KEY name their files"


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


def check_certificates(address: str) -> None:
    """Raises UsageError for an encrypted address where Dask's configuration names no certificates, or such as can't be
    loaded."""
    import distributed

    library: Any = distributed  # typed in part only
    if _parts(address)[0] not in ENCRYPTED:
        return
    try:
        context = library.Security().get_connection_args("client").get("ssl_context")
        why = "" if context else "needs certificates, and Dask's configuration has none"
    except OSError as e:  # also what ssl raises
        why = f"the certificates of Dask's configuration can't be loaded: {e.strerror or e}"
    if why:
        raise UsageError(f"--scheduler {printable(address)}: {printable(why)}", CERTIFICATES)


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
