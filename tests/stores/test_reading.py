"""Objects that are read: the bytes of one object, or an error."""

import io
import os
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli.errors import NoInputError, NormcliError, OutputError
from normcli.formats import parquet as format
from normcli.sources import Source, open_source
from normcli.stores import reading
from tests.store import Fate, Store

DATA = np.random.default_rng(1).bytes(30 << 10)
KINDS = ("text", "parquet")


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FIRST", 1 << 10)
    monkeypatch.setattr(reading, "PIECE", 4 << 10)


def parquet() -> bytes:
    values = np.random.default_rng(1).normal(size=(3, 20_000))
    file = io.BytesIO()
    pq.write_table(pa.table(dict(zip("abc", values, strict=True))), file, row_group_size=5_000)
    return file.getvalue()


def read(source: Source, kind: str) -> object:
    """All of it, and whether it was one object is checked."""
    if kind == "text":
        data = source.rest()
        source.close()
        return data
    reader = format.Reader(source, format.Options())
    table = pa.Table.from_batches(c.batch for c in reader.chunks())
    reader.close()
    return table


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.sampled_from([0, 1, 1 << 10, (1 << 10) + 1, 5 << 10, len(DATA)]), step=st.integers(1, 9_000))
def test_bytes_come_in_order_once(store: Store, size: int, step: int) -> None:
    source = open_source(store.put("x", DATA[:size]))
    assert (source.size, source.compression) == (size, None)
    parts = [source.peek(7)]
    parts[0] = b""
    while part := source.read(step):
        parts.append(part)
    assert b"".join(parts) == DATA[:size]
    source.close()


def test_what_is_not_there_or_not_ours(store: Store) -> None:
    for uri in (store.uri("x"), "s3://other/x"):
        with pytest.raises(NoInputError, match=f"^{uri}: there is nothing of that name"):
            open_source(uri)
    store.put("x", b"")
    store.fault = lambda n, method, path: 403
    with pytest.raises(NoInputError, match=r"^s3://bucket/x: AWS Error ACCESS_DENIED"):
        open_source(store.uri("x"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_may_fail(store: Store, kind: str) -> None:
    """Whatever is not read is told as what it is, and not as a fault of the data."""
    data, number, told = DATA if kind == "text" else parquet(), 0, []
    while True:
        uri, asked = store.put(f"x{number}", data), count()
        store.fault = lambda n, method, path, key=f"/x{number}", asked=asked, at=number: (  # type: ignore[misc]
            500 if path.endswith(key) and next(asked) == at else None
        )
        try:
            read(open_source(uri), kind)
        except NormcliError as e:
            told.append((e.code, e.message.split(" (")[0].removeprefix(uri)))
        else:
            break
        number += 1
    reasons = [": AWS Error UNKNOWN", ": reading failed: AWS Error UNKNOWN"]
    assert told[0] == (66, reasons[0])
    assert {*told[1:]} == {(74, reasons[0]), (74, reasons[1])}
    assert len(told) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_replaced_meanwhile_is_an_error(store: Store, kind: str) -> None:
    """Another one of the same size."""
    data = DATA if kind == "text" else parquet()
    source = open_source(store.put("x", data))
    source.peek(1)
    store.put("x", bytes([data[0]]) + data[1:1_000] + b"x" + data[1_001:])
    with pytest.raises(OutputError, match="was replaced while it was read"):
        read(source, kind)


def test_a_passing_fault_passes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    uri: Fate = store.put("x", DATA)
    store.fault = lambda n, method, path: "cut" if n in (0, 3) else None
    assert read(open_source(str(uri)), "text") == DATA


def test_large_row_groups_come_in_pieces(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value as from a file; what is held at once is bounded."""
    (tmp_path / "x.parquet").write_bytes(parquet())
    x = store.put("x.parquet", parquet())
    here = read(open_source(os.fspath(tmp_path / "x.parquet")), "parquet")
    store.requests.clear()
    assert read(open_source(x), "parquet") == here
    at_once = len(store.requests)
    monkeypatch.setattr(format, "FAR_GROUP", 1 << 10)
    monkeypatch.setattr(format, "FAR_BUFFERS", 1)
    store.requests.clear()
    assert read(open_source(x), "parquet") == here
    assert len(store.requests) > at_once
