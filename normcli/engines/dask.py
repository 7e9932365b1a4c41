"""A Dask cluster: a worker opens, reads and folds each span by itself."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakSet

from msgspec import Struct

from normcli.engines import Folding, Share, Unit
from normcli.engines._arithmetic import facts
from normcli.engines._dask_address import check_certificates, check_secure
from normcli.engines._dask_connection import Connection
from normcli.engines._dask_run import Run
from normcli.errors import ClusterError, UsageError, printable, short

S = TypeVar("S", bound=Unit)
R = TypeVar("R")

ADDRESS = "DASK_SCHEDULER_ADDRESS"
CONNECTING = 20  # seconds that a scheduler has to answer
EXAMPLE = "normcli fit 'data/*.csv' -m zscore -p p.json --engine dask --scheduler tls://head:8786"


def _patience() -> float:
    """Seconds without any worker after which a run gives up. Raises UsageError."""
    import dask

    value = dask.config.get("normcli.no-worker-timeout", "60s")
    try:
        seconds = float(dask.utils.parse_timedelta(str(value)))
    except (ValueError, TypeError, KeyError):
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise UsageError(f"DASK_NORMCLI__NO_WORKER_TIMEOUT={printable(str(value))}: is no time", "60s or 10m is one")
    return seconds


class _Once(Struct):
    """Calls with the first text alone."""

    function: Callable[[str], None] | None = None

    def __call__(self, text: str) -> None:
        function, self.function = self.function, None
        if function is not None:
            function(text)


def _client_type() -> Any:
    """distributed.Client. Raises UsageError where it is not installed."""
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--engine dask needs dask.distributed", "pip install 'normcli[dask]'") from None
    return Client


class Dask:
    """The cluster of a client, which stays open."""

    def __init__(self, client: Any, patience: float = 60.0) -> None:
        """Of a distributed.Client, and seconds without any worker after which a run gives up. Raises UsageError for
        anything else, and for an asynchronous client."""
        if not isinstance(client, _client_type()):
            hint = 'normcli.Dask(distributed.Client(ADDRESS)), or engine="dask", scheduler=ADDRESS'
            raise UsageError(f"normcli.Dask: {short(repr(client))} is no distributed.Client", hint)
        if client.asynchronous:
            raise UsageError("normcli.Dask: the client is asynchronous", "distributed.Client(ADDRESS) is not")
        self.client, self.patience = client, patience
        self._closes_client = False  # it is ours, and closed at the end
        self._warning: Callable[[str], None] = _Once()
        self._runs = WeakSet[Run[Any, Any]]()

    def __repr__(self) -> str:
        return f"Dask({self.client!r})"

    @classmethod
    def connect(cls, address: str | None, *, insecure: bool = False) -> Dask:
        """The cluster of the scheduler at an address, that of DASK_SCHEDULER_ADDRESS for None. Raises UsageError where
        there is none that can be dialled, or where anybody in between could read and write what is sent to it,
        ClusterError where it does not answer."""
        address = address or os.environ.get(ADDRESS)
        if not address:
            what = f"--engine dask needs --scheduler ADDRESS (from Python, scheduler=), or {ADDRESS}"
            raise UsageError(what, f"for example: {EXAMPLE}")
        shown, make = printable(address), _client_type()
        import logging

        check_secure(address, insecure=insecure)
        check_certificates(address)
        patience = _patience()
        for logger in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(logger).setLevel(logging.CRITICAL + 1)  # normcli reports what matters
        try:
            client = make(address, timeout=CONNECTING, set_as_default=False, name="normcli")
        except (ValueError, TypeError) as e:  # no port, an unknown scheme
            raise UsageError(f"--scheduler {shown}: {printable(str(e))}", "normcli help cluster has examples") from None
        except (OSError, RuntimeError) as e:
            what = f"--scheduler {shown}: no Dask scheduler answers"
            if str(e).startswith("Timed out"):  # what Dask says is the same address again
                raise ClusterError(
                    f"{what} in {CONNECTING} s", "does it run there, and can this machine reach it?"
                ) from None
            raise ClusterError(what, f"{type(e).__name__}: {printable(str(e))}") from None
        cluster = cls(client, patience)
        cluster._closes_client = True
        return cluster

    def with_warning(self, warning: Callable[[str], None]) -> Dask:
        cluster = type(self)(self.client, self.patience)
        cluster._closes_client, cluster._warning = self._closes_client, _Once(warning)
        return cluster

    @property
    def name(self) -> str:
        """What messages call it."""
        return Connection(self.client).name

    def map_spans(
        self, work: Callable[[S, Share], R], spans: Iterable[S | None], *, state: int = 0,
        ready: Callable[[], str] | None = None, folding: Folding | None = None, comoments: bool = False,
    ) -> Generator[R]:  # fmt: skip
        plan = pickle.dumps(work), facts(comoments=comoments), pickle.dumps(ready) if ready else b""
        run: Run[S, R] = Run(self._connection(), self.patience, plan, state, self._warning, folding)
        self._runs.add(run)
        try:
            yield from run.results(spans)
        except BaseException:
            run.close()
            raise
        run.end()

    @staticmethod
    def worker() -> str:
        from distributed import get_worker

        return printable(get_worker().address)

    @property
    def description(self) -> str:
        threads = self._connection().call(self.client.nthreads)
        return f"dask at {self.name}: {len(threads):,} workers, {sum(threads.values()):,} threads"

    def _connection(self) -> Connection:
        """Raises ClusterError where who made the client has closed it."""
        if self.client.status in ("closing", "closed") and not self._closes_client:
            raise ClusterError("normcli.Dask: its client is closed", "make another one: distributed.Client(ADDRESS)")
        return Connection(self.client)

    def close(self, patience: float) -> bool:
        for run in list(self._runs):
            run.close()
        if self._closes_client:
            with suppress(Exception):
                self.client.close(timeout=max(patience, 0.1))
        return True
