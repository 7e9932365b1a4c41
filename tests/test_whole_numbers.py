"""Whole numbers and decimals on the way back: exactly, or with a word; a fraction is never rounded away."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api, columns
from normcli.columns import polars_columns
from normcli.columns.arrow_frame import ArrowFrame
from normcli.columns.fixed import Rounding
from normcli.columns.polars_frame import PolarsFrame
from normcli.errors import BadDataError, BadRowError
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.maxabs import MaxAbs
from normcli.methods.minmax import MinMax
from normcli.methods.power import Power
from normcli.methods.quantile import Quantile
from normcli.methods.robust import Robust
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from tests.conftest import examples

METHODS: tuple[Method, ...] = (
    Center(), MaxAbs(), MinMax(), MinMax(range=(-5.0, 1e6)), ZScore(), ZScore(target_mean=100.0, target_std=15.0),
    Robust(), Asinh(), Power(), Quantile(), Quantile(distribution="normal"), Decorrelate(),
)  # fmt: skip
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def there_and_back(
    values: pa.Array, method: Method, folder: Path, between: str, dtype: Any
) -> tuple[pa.Array, int | None]:
    """A column normalized into a format and restored from it into Parquet; and of how many values that warned, None
    where nobody can know that text was of float32: its numbers are as short as those of a person."""
    given, made, back = folder / "given.parquet", folder / f"made.{between}", folder / "back.parquet"
    pq.write_table(pa.table({"x": values}), given)
    plan = api.fit(given, method)
    api.apply(plan, given, made, dtype=dtype)
    warnings = [w for w in api.apply(plan, made, back, inverse=True).warnings if "may be off" in w]
    assert len(warnings) <= 1
    count = int(warnings[0].split()[0].replace(",", "")) if warnings else 0
    short = between != "parquet" and dtype and any(len(digits.strip("0")) <= 6 for digits in numbers(made))
    return pq.read_table(back)["x"].combine_chunks(), None if short else count


def numbers(path: Path) -> list[str]:
    """The significant digits of all numbers in a text file, before the exponent."""
    found = re.findall(r"-?(\d+\.?\d*)(?:e[+-]?\d+)?", path.read_text())
    return [digits.replace(".", "").lstrip("0") for digits in found]


@st.composite
def integers(draw: st.DrawFn) -> pa.Array:
    kind = draw(st.sampled_from(INTEGERS))
    limits = np.iinfo(kind)
    span = draw(st.sampled_from([10, 1000, 1 << 24, 1 << 40, 1 << 62]))
    values = st.integers(max(limits.min, -span), min(limits.max, span)) | st.sampled_from([limits.min, limits.max])
    return pa.array(draw(st.lists(values | st.none(), min_size=2, max_size=40)), pa.type_for_alias(kind))


@pytest.mark.parametrize("method", METHODS, ids=repr)
@settings(max_examples=examples(12))
@given(
    values=integers(), between=st.sampled_from(["csv", "parquet", "ndjson"]), dtype=st.sampled_from([None, "float32"])
)
def test_whole_numbers_come_back_exactly_or_are_warned_of(
    method: Method, values: pa.Array, between: str, dtype: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not values.drop_null():
        return
    try:
        back, warned = there_and_back(values, method, tmp_path_factory.mktemp("back"), between, dtype)
    except BadDataError as e:
        if "beyond float32" in e.message or "complete rows" in e.message or "can't be undone" in e.message:
            return
        raise
    assert back.type == values.type
    assert back.is_null().equals(values.is_null())
    wrong = sum(a != b for a, b in zip(back.to_pylist(), values.to_pylist(), strict=True))
    assert warned is None or wrong <= warned or isinstance(method, Quantile)  # beyond whose tails nothing is told apart


@settings(max_examples=examples(25))
@given(
    numbers=st.lists(st.integers(-(10**7), 10**7), min_size=2, max_size=30),
    scale=st.integers(0, 6),
    between=st.sampled_from(["csv", "parquet"]),
    to=st.sampled_from(["csv", "parquet"]),
)
def test_decimals_come_back_at_their_scale(
    numbers: list[int], scale: int, between: str, to: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("decimals")
    values = pa.array([Decimal(n).scaleb(-scale) for n in numbers], pa.decimal128(12, scale))
    pq.write_table(pa.table({"x": values}), folder / "given.parquet")
    plan = api.fit(folder / "given.parquet", ZScore())
    api.apply(plan, folder / "given.parquet", folder / f"made.{between}")
    api.apply(plan, folder / f"made.{between}", folder / f"back.{to}", inverse=True)
    if to == "csv":
        assert column(folder / "back.csv") == [str(v) if v else f"{0:.{scale}f}" for v in fixed(values)]
    else:
        assert pq.read_table(folder / "back.parquet")["x"].combine_chunks().equals(values)


def fixed(values: pa.Array) -> list[str]:
    return [f"{v:f}" for v in values.to_pylist()]


def column(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]


# -- fractions ---------------------------------------------------------------------------------------------------
FRACTIONS = [1.25, 2.75, 3.5, 2.0, 1.0, 2.999999, 1e-7]


EXACT = (Center(), MaxAbs(), MinMax(), ZScore(), Robust(), Asinh(), Power())


@pytest.mark.parametrize("method", EXACT, ids=repr)
@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("between", ["csv", "parquet", "ndjson"])
def test_a_fraction_is_shown_as_text_and_refused_by_a_column_of_whole_numbers(
    method: Method, dtype: Any, between: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"x": pa.array(range(9), pa.int16())}), tmp_path / "given.parquet")
    pq.write_table(pa.table({"x": FRACTIONS}), tmp_path / "new.parquet")
    plan, made = api.fit(tmp_path / "given.parquet", method), tmp_path / f"made.{between}"
    api.apply(plan, tmp_path / "new.parquet", made, dtype=dtype)
    api.apply(plan, made, tmp_path / "back.csv", inverse=True)
    shown = column(tmp_path / "back.csv")
    np.testing.assert_allclose([float(s) for s in shown], FRACTIONS, rtol=0, atol=1e-4 if dtype else 1e-9)
    assert shown[3:5] == ["2", "1"]
    assert all("." in s or "e-" in s for s in shown[:3])
    with pytest.raises(BadDataError, match=r"the result 1\.2\d+ in column 'x' is not a whole number, as int16 holds"):
        api.apply(plan, made, tmp_path / "back.parquet", inverse=True)
    assert not (tmp_path / "back.parquet").exists()


@pytest.mark.parametrize("size", [8, 40, None])
def test_what_is_shown_does_not_depend_on_pieces(size: int | None, tmp_path: Path) -> None:
    (tmp_path / "given.csv").write_text("x\n1\n2\n3\n")
    plan = api.fit(tmp_path / "given.csv", Center())
    (tmp_path / "made.csv").write_text("x\n-1.0\n0.5\nNA\n1.0\n\n0.25\n0.0\n")
    api.apply(plan, tmp_path / "made.csv", tmp_path / "back.csv", inverse=True, block_size=size)
    assert (tmp_path / "back.csv").read_text() in ("x\n1\n2.5\nNA\n3\n2.25\n2\n",)


# -- ends --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", [m for m in METHODS if not isinstance(m, Decorrelate)], ids=repr)
@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_the_ends_of_a_type_do_not_stop_the_others(method: Method, kind: str, dtype: Any, tmp_path: Path) -> None:
    limits = np.iinfo(kind)
    values = pa.array([limits.max, limits.min, 1, 2], pa.type_for_alias(kind))
    back, warned = there_and_back(values, method, tmp_path, "parquet", dtype)
    wrong = sum(a != b for a, b in zip(back.to_pylist(), values.to_pylist(), strict=True))
    assert warned is not None
    assert wrong <= warned or isinstance(method, Quantile)


@pytest.mark.parametrize("kind", [pa.decimal128(18, 0), pa.decimal128(38, 2), pa.decimal128(5, 2)], ids=str)
def test_the_ends_of_a_type_of_decimals_come_back(kind: pa.DataType, tmp_path: Path) -> None:
    end = Decimal((0, (9,) * kind.precision, -kind.scale))
    values = pa.array([end, end.copy_negate(), Decimal(0)], kind)
    back, _ = there_and_back(values, MaxAbs(), tmp_path, "parquet", None)
    assert back.equals(values)


@pytest.mark.parametrize("value", [128.0, -129.0, 127.75, 1e300, np.inf])
def test_what_is_beyond_a_type_by_more_than_rounding_is_refused(value: float) -> None:
    x = Rounding.of(np.array([1.0, value]), "int8", "x")
    with pytest.raises(BadRowError, match="beyond int8"):
        x.fixed(np.full(2, 1e-12), lambda rows: np.zeros(len(rows)), text=True)


# -- warnings ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [pa.decimal128(20, 2), pa.decimal128(16, 0), pa.decimal256(40, 3)], ids=str)
def test_decimals_beyond_a_float_are_warned_of(kind: pa.DataType) -> None:
    frame = pa.RecordBatch.from_pydict({
        "beyond": pa.array([Decimal(2**53 + 1), None], kind),
        "within": pa.array([Decimal(2**53), Decimal(-(2**53))], kind),
        "nothing": pa.nulls(2, kind),
    })  # fmt: skip
    assert columns.inexact(ArrowFrame(frame), frame.schema.names) == ("beyond",)


@pytest.mark.parametrize("method", [ZScore(), Quantile()], ids=repr)
def test_rows_are_not_gathered_anew_for_each_column(
    method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, made, back = tmp_path / "given.csv", tmp_path / "made.csv", tmp_path / "back.csv"
    values = np.random.default_rng(2).integers(0, 10**9, (100, 64))
    np.savetxt(given, values, "%d", ",", header=",".join(f"c{j}" for j in range(64)), comments="")
    plan = api.fit(given, method)
    api.apply(plan, given, made)
    gathered, take = [0], PolarsFrame.take

    def spy(frame: Any, wanted: Any, rows: Any) -> Any:
        gathered[0] += len(wanted) * len(rows)
        return take(frame, wanted, rows)

    monkeypatch.setattr(PolarsFrame, "take", spy)
    api.apply(plan, made, back, inverse=True)
    assert gathered[0] <= values.size
    assert np.array_equal(np.loadtxt(back, delimiter=",", skiprows=1), values)


@pytest.mark.parametrize("kind", ["zca", "pca", "cholesky"])
def test_whole_numbers_of_columns_that_are_hardly_correlated_come_back(tmp_path: Path, kind: Any) -> None:
    """Though a column's matrix has small entries only for the others: they are sums of large ones."""
    given, made, back = tmp_path / "given.parquet", tmp_path / "made.parquet", tmp_path / "back.parquet"
    draw = np.random.default_rng(0)
    pq.write_table(pa.table({f"c{j}": draw.integers(0, 10 ** (2 + j % 4), 20_000) for j in range(8)}), given)
    plan = api.fit(given, Whiten(kind=kind))
    api.apply(plan, given, made)
    api.apply(plan, made, back, inverse=True)
    assert pq.read_table(back).equals(pq.read_table(given))


@pytest.mark.parametrize("word", ["NA", "", "nan", "1.5", "-inf"])
@pytest.mark.parametrize("size", [2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30])
def test_text_has_the_exact_bound_that_numbers_have(size: int, word: str) -> None:
    for spelled in (f"{size}", f" -{size}\t"):
        frame = PolarsFrame(pl.DataFrame({"x": ["1", spelled, word]}))
        assert columns.inexact(frame, ["x"]) == (("x",) if size > 2**53 else ())


def test_text_of_small_numbers_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polars_columns, "beyond_integers", None)
    assert columns.inexact(PolarsFrame(pl.DataFrame({"x": ["1.5", "NA", "7"]})), ["x"]) == ()
