"""What the bar counts: it ends at its total, whatever is read, and never goes back."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli.formats import Reader, csv, parquet
from normcli.io.inputs import Input
from normcli.io.sources import open_source
from normcli.pipeline.distance import Distance

DATA = b"x,y\n" + b"1.5,2\n" * 5000


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "d.csv").write_bytes(DATA)
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(DATA))
    pq.write_table(pa.table({"x": range(1000)}), tmp_path / "d.parquet", row_group_size=300)
    return {p.name: p for p in tmp_path.iterdir()}


def reader(path: Path) -> Reader:
    if path.suffix == ".parquet":
        return parquet.Reader(open_source(path), parquet.Options())
    return csv.Reader(open_source(path), csv.Options(), block_size=3000)


@pytest.mark.parametrize(
    ("names", "unit"),
    [
        (["d.csv"], "B"),
        (["d.csv.gz"], "B"),
        (["d.parquet"], "rows"),
        (["d.csv", "d.csv"], "B"),
        (["d.csv.gz", "d.parquet", "d.csv"], "B"),
    ],
)
def test_it_ends_at_its_total(names: list[str], unit: str, places: dict[str, Path]) -> None:
    inputs = [Input(str(places[n]), n) for n in names]
    readers = [reader(places[n]) for n in names]
    distance = Distance.of([i.path for i in inputs], readers[0])
    steps = []
    for each in readers:
        steps += [distance.step(each, chunk.weight, ended=False) for chunk in each.chunks()]
        each.close()
        steps.append(distance.step(each, 0, ended=True))
    assert distance.unit == unit
    assert min(steps) >= 0
    header = 4 if names == ["d.csv"] else 0  # which is no chunk's
    assert sum(steps) == (distance.total or 0) - header
    assert len([s for s in steps if s]) > 1 or names == ["d.csv.gz"]  # which is read at once


def test_of_a_pipe_nobody_knows(places: dict[str, Path]) -> None:
    first = reader(places["d.csv"])
    assert Distance.of([str(places["d.csv"]), None], first).total is None


def test_of_inputs_on_a_cluster_bytes_are_counted_if_they_are_few_and_known(places: dict[str, Path]) -> None:
    first = reader(places["d.csv"])
    for sizes, total, unit in [
        ([7], len(DATA), "B"),
        ([7, 9], 16, "B"),
        ([7, 0], 2, "inputs"),
        ([7] * 1001, 1001, "inputs"),
    ]:
        distance = Distance.of_sizes(sizes, first)
        assert (distance.total, distance.unit) == (total, unit)
    rows = Distance.of_sizes([7], reader(places["d.parquet"]))
    assert (rows.total, rows.unit) == (1000, "rows")
