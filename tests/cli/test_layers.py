"""Normalization layers from the command line."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Desk


def test_numbers_for_each_channel_come_from_a_file_once(desk: Desk) -> None:
    """They, not its name, are in the parameter file."""
    (desk / "gamma.json").write_text("[1, 2.5, -3]")
    desk.succeeds("fit", "table.csv", "-m", "layer", "--gamma", "gamma.json", "--beta", "0.5", "-p", "p.json")
    (desk / "gamma.json").unlink()
    step = json.loads((desk / "p.json").read_bytes())["steps"][0]
    assert step["options"]["gamma"] == [1.0, 2.5, -3.0]
    assert "gamma.json" not in (desk / "p.json").read_text()
    out = desk.succeeds("apply", "table.csv", "-p", "p.json", "--only", "--to", "csv").out
    got = np.loadtxt(out.decode().splitlines(), delimiter=",", skiprows=1)
    x = np.array([[1, 2.5, 7], [2, 3.5, 1], [4, -1.25, 3], [8, 0.5, 2], [16, 9.75, 11], [3, 4.5, 5]])
    z = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(got, z * [1, 2.5, -3] + 0.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "code", "why"),
    [
        (b"[1, 2]", 2, "holds 2 numbers, not 3"),
        (b"[1, 2, NaN]", 65, "not a JSON list of numbers"),
        (b"[1, 2, 1e999]", 65, "g.json"),
        (b"[]", 65, "no number"),
        (b'{"a": 1}', 65, "not a JSON list of numbers"),
        (b"\xff", 65, "not a JSON list of numbers"),
        (b"", 65, "not a JSON list of numbers"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(desk: Desk, text: bytes, code: int, why: str) -> None:
    (desk / "g.json").write_bytes(text)
    assert why in desk.fails(code, "fit", "table.csv", "-m", "layer", "--gamma", "g.json", "-p", "p.json")
    assert not (desk / "p.json").exists()


def test_what_is_wrong_with_the_columns_is_told_before_data_is_read(desk: Desk) -> None:
    assert "--channels" in desk.fails(2, "fit", "table.csv", "-m", "instance")
    assert "one value" in desk.fails(2, "fit", "table.csv", "-m", "instance", "--channels", "3")
    assert "one value" in desk.fails(2, "fit", "table.csv", "-m", "layer", "-c", "a")
    assert "does not divide 3" in desk.fails(2, "fit", "table.csv", "-m", "group", "--groups", "2")
    assert "nosuch.json" in desk.fails(2, "fit", "table.csv", "-m", "rms", "--gamma", "nosuch.json")


def test_lists_are_rows_too(desk: Desk) -> None:
    x = np.random.default_rng(1).normal(size=(5, 6))
    table = pa.table({"id": range(5), "v": pa.array(x.tolist(), pa.list_(pa.float32(), 6))})
    pq.write_table(table, desk / "v.parquet")
    desk.succeeds("fit", "v.parquet", "-c", "v", "-m", "instance", "--channels", "2", "-p", "p.json", "-o", "z.parquet")
    made = pq.read_table(desk / "z.parquet")
    parts = x.astype(np.float32).astype(np.float64).reshape(5, 2, 3)
    z = (parts - parts.mean(axis=2, keepdims=True)) / np.sqrt(parts.var(axis=2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(np.array(made["v"].to_pylist()), z.reshape(5, 6), rtol=1e-6, atol=1e-7)
    assert made["id"].to_pylist() == list(range(5))
    assert "one value" in desk.fails(2, "fit", "v.parquet", "-c", "v", "-m", "instance", "--channels", "6")
