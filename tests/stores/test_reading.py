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
from normcli.formats._binary import row_group_reader
from normcli.io.sources import Source, open_source
from normcli.io.stores import reading
from tests.conftest import longer
from tests.store import Fate, Store, forget
from tests.tables import table_of

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
    table = table_of(reader)
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


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=st.tuples(st.integers(0, len(DATA)), st.integers(0, len(DATA))).map(sorted))
def test_a_range_is_read_apart_from_what_stands_before_it(store: Store, edges: list[int]) -> None:
    start, end = edges
    source = open_source(store.put("x", DATA))
    part = source.range(start, end)
    assert (part.rest(), part.size, part.identity) == (DATA[start:end], end - start, source.identity)
    assert source.read(9) == DATA[:9]
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
            told.append((e.code, e.message.split("Error")[0].removeprefix(uri)))
        else:
            break
        number += 1
    assert told[0] == (66, ": AWS ")
    assert {*told[1:]} == {(74, ": reading failed: AWS ")}
    assert len(told) > 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", ["same size", *longer("shorter", "gone")])
def test_one_that_is_replaced_meanwhile_is_an_error_or_what_it_was(store: Store, kind: str, after: str) -> None:
    """Before whichever request: it is never a fault of the data."""
    data = DATA if kind == "text" else parquet()
    other = bytes(len(data)) if after == "same size" else data[:100]
    wanted, number, told = read(open_source(store.put("x", data)), kind), 1, set()
    while True:
        store.put("x", data)
        store.requests.clear()

        def replace(n: int, method: str, path: str, at: int = number) -> None:
            if n == at:
                store._ask("DELETE", "/bucket/x") if after == "gone" else store.put("x", other)

        store.fault = replace
        try:
            assert read(open_source(store.uri("x")), kind) == wanted
        except OutputError as e:
            told.add(e.message.removeprefix("s3://bucket/x: reading failed: "))
        if len(store.requests) <= number:
            break
        number += 1
    assert told <= {"it was replaced while it was read", "it was removed while it was read"}
    assert told


def tiny(kind: str) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1.0, 2.0]}), file)
    return b"a\n1\n" if kind == "text" else file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_longer_than_the_object_passes_as_others_do(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = store.put("x", tiny(kind))
    wanted = read(open_source(uri), kind)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    forget()
    store.requests.clear()
    asked = count()
    store.fault = lambda n, method, path: 503 if method == "GET" and next(asked) < 2 else None
    assert read(open_source(uri), kind) == wanted


@pytest.mark.parametrize("data", [b"a\n1\n", DATA], ids=["tiny", "large"])
def test_who_may_ask_for_it_and_not_read_it_is_denied(store: Store, data: bytes) -> None:
    """As where the key that it is encrypted with is another's."""
    uri = store.put("x", data)
    store.fault = lambda n, method, path: 403 if method == "GET" else None
    with pytest.raises(NoInputError, match=r"^s3://bucket/x: AWS Error ACCESS_DENIED"):
        read(open_source(uri), "text")


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
    with monkeypatch.context() as patch:
        patch.setattr(reading, "RANGE", 30_000)
        assert read(open_source(x), "parquet") == here
    store.requests.clear()
    assert read(open_source(x), "parquet") == here
    at_once = len(store.requests)
    monkeypatch.setattr(row_group_reader, "FAR_GROUP", 1 << 10)
    monkeypatch.setattr(row_group_reader, "FAR_BUFFERS", 1)
    store.requests.clear()
    assert read(open_source(x), "parquet") == here
    assert len(store.requests) > at_once
