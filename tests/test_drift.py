"""Comparing new data with what was fitted: laws of every method, numbers against exact fractions, edges by hand."""

import json
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from normcli import api, formats, pipeline, registry
from normcli.blocks.record import Array
from normcli.drift import Columns, Comparison, DriftMonitor, document, restored
from normcli.drift.measures import measures
from normcli.engines.threads import Threads
from normcli.errors import BadDataError
from normcli.formats import Reader
from normcli.io.sources import open_source
from normcli.methods import Method
from normcli.methods.center import Center
from normcli.methods.log1p import Log1p
from normcli.methods.minmax import MinMax
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters.plan import PlanStep
from tests.least_options import least

NAN = float("nan")
ROWS = 300


def method(name: str) -> Method:
    """With the options that it can't do without, and batches of which there are several."""
    kind: Any = registry.only("methods", name)
    needed = dict.fromkeys(least(kind), 1)
    batches = {"batch_size": 16} if "batch_size" in kind.__struct_fields__ else {}
    made: Method = kind(**needed, **batches)
    return made


def parquet(path: Path, **columns: Any) -> Path:
    """NaN is null."""
    made = {n: x if isinstance(x, pa.Array) else pa.array(x, from_pandas=True) for n, x in columns.items()}
    pq.write_table(pa.table(made), path)
    return path


def csv(path: Path, x: Array, names: str = "abcd") -> Path:
    rows = [",".join("" if v != v else repr(v) for v in row) for row in x.tolist()]
    path.write_text("\n".join([",".join(names), *rows, ""]))
    return path


def table(seed: int, *, shift: float = 0.0, scale: float = 1.0) -> Array:
    """(ROWS, 4) of four kinds of columns, the last with gaps."""
    r = np.random.default_rng(seed)
    x = np.column_stack([r.normal(size=ROWS), r.uniform(size=ROWS) + 5, r.lognormal(size=ROWS), r.normal(size=ROWS)])
    x[r.uniform(size=ROWS) < 0.1, 3] = NAN
    return np.asarray(x * scale + shift)


def only(found: Comparison) -> Columns:
    (step,) = found.steps
    return step


# -- laws --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", registry.names("methods"))
def test_the_fitted_data_themselves_have_not_drifted(name: str, tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", table(1))
    plan = api.fit(path, method(name))
    found = api.check(plan, path)
    assert found.drift is False
    assert found.changes == ()
    if not plan.learns:
        assert (found.rows, found.steps) == (None, ())
        return
    step = only(found)
    assert (found.rows, found.fitted_rows, step.names) == (ROWS, ROWS, ("a", "b", "c", "d"))
    assert (np.abs(step.apart["shift"]) <= 1e-14).all()
    assert (np.abs(step.apart["scale_ratio"] - 1.0) <= 0.03).all()  # the sketch has 256 of 300 values
    assert (step.apart["outside"] == 0.0).all()
    assert all((step.apart[name] < 0.05).all() for name in ("ks", "wasserstein", "psi"))
    assert step.judged.all()
    for side in ("min", "max", "count"):
        np.testing.assert_array_equal(step.data[side], step.fitted[side])
    gaps = step.apart["missing_change"]
    assert (gaps == 0.0).all()
    assert found.incomplete is None or (found.incomplete.change == 0.0 and found.incomplete.fitted > 0.05)


def reader(path: Path) -> Reader:
    csv = formats.record("csv")
    made: Reader = csv.reader(open_source(path), csv.options())
    return made


@pytest.mark.parametrize("name", registry.names("methods"))
def test_what_was_seen_goes_through_a_document_to_the_same_bits(name: str, tmp_path: Path) -> None:
    """And halves of it, one merged after the other, are compared as one."""
    plan = api.fit(csv(tmp_path / "fitted.csv", table(1)), method(name))
    paths = [
        csv(tmp_path / f"{seed}.csv", table(seed, shift=seed), names) for seed, names in ((2, "abdc"), (3, "abce"))
    ]
    whole, after = DriftMonitor(plan), DriftMonitor(plan)
    for path in paths:
        part = whole.blank()
        pipeline.check([reader(path)], part, Threads(1))
        text = json.dumps(document(part))
        again = restored(whole.blank(), json.loads(text))
        assert json.dumps(document(again)) == text
        whole.merge(part)
        after.merge(again)
    found, wanted = (watch.compared(2 * ROWS) for watch in (after, whole))
    assert str(found) == str(wanted)
    assert [(change.column, change.what) for change in found.changes] == [("d", "gone"), ("e", "new")]


@pytest.mark.parametrize("name", [n for n in registry.names("methods") if method(n).statistics])
def test_what_moved_is_seen_to_have_moved(name: str, tmp_path: Path) -> None:
    plan = api.fit(csv(tmp_path / "t.csv", table(1)), method(name))
    found = api.check(plan, csv(tmp_path / "u.csv", table(2, shift=40.0, scale=6.0)))
    step = only(found)
    assert found.drift is True
    assert all({"shift", "scale", "outside", "ks", "wasserstein", "psi"} <= set(step.reasons(j)) for j in range(4))


@pytest.mark.parametrize("name", ["zscore", "whiten", "batch"])
def test_threads_change_no_bit_and_cuts_only_the_last(name: str, tmp_path: Path) -> None:
    plan = api.fit(csv(tmp_path / "t.csv", table(1)), method(name))
    path = csv(tmp_path / "u.csv", table(2, shift=0.1))
    one, three = (only(api.check(plan, path, threads=n, block_size=1500)) for n in (1, 3))
    whole = only(api.check(plan, path))
    for side in ("fitted", "data", "apart"):
        for key, values in getattr(one, side).items():
            np.testing.assert_array_equal(values, getattr(three, side)[key])
            np.testing.assert_allclose(values, getattr(whole, side)[key], rtol=1e-12, atol=1e-14)


def test_text_and_binary_data_compare_alike(tmp_path: Path) -> None:
    x = table(2)
    plan = api.fit(csv(tmp_path / "t.csv", table(1)), ZScore())
    text = only(api.check(plan, csv(tmp_path / "u.csv", x)))
    binary = only(api.check(plan, parquet(tmp_path / "u.parquet", **dict(zip("abcd", x.T, strict=True)))))
    for side in ("data", "apart"):
        for key, values in getattr(text, side).items():
            np.testing.assert_array_equal(values, getattr(binary, side)[key])


# -- numbers -----------------------------------------------------------------------------------------------------
def exactly(x: Array) -> tuple[Fraction, Fraction]:
    """Mean and variance."""
    values = [Fraction(v) for v in x.tolist()]
    mean = sum(values, Fraction(0)) / len(values)
    return mean, sum(((v - mean) ** 2 for v in values), Fraction(0)) / len(values)


def root(x: Fraction) -> Decimal:
    with localcontext(prec=60):
        return (Decimal(x.numerator) / Decimal(x.denominator)).sqrt()


@pytest.mark.parametrize("offset", [0.0, 1e8, 1e12, -1e15])
@pytest.mark.parametrize("kind", [ZScore, Whiten])
def test_shift_and_ratio_are_those_of_exact_fractions(offset: float, kind: Any, tmp_path: Path) -> None:
    r = np.random.default_rng(3)
    old, new = offset + r.uniform(size=400), offset + 0.3 + 1.7 * r.uniform(size=250)
    plan = replace(api.fit(parquet(tmp_path / "t.parquet", a=old), kind()), sketches=None)
    step = only(api.check(plan, parquet(tmp_path / "u.parquet", a=new)))
    (mean, variance), (mean_now, variance_now) = exactly(old), exactly(new)
    with localcontext(prec=60):
        gap = mean_now - mean
        shift = Decimal(gap.numerator) / Decimal(gap.denominator) / root(variance)
        ratio = root(variance_now) / root(variance)
    assert step.apart["shift"][0] == pytest.approx(float(shift), rel=1e-13, abs=1e-13)
    assert step.apart["scale_ratio"][0] == pytest.approx(float(ratio), rel=1e-13)
    beyond = sum(v < old.min() or v > old.max() for v in new.tolist())
    assert step.apart["outside"][0] == beyond / 250
    assert beyond > 0


def test_shares_are_of_what_is_there(tmp_path: Path) -> None:
    plan = api.fit(parquet(tmp_path / "t.parquet", a=[0.0, 1.0, NAN, 0.5] * 250), ZScore())
    step = only(api.check(plan, parquet(tmp_path / "u.parquet", a=[0.0, 2.0, NAN, NAN, -1.0] * 200)))
    assert (step.fitted["missing"][0], step.data["missing"][0]) == (0.25, 0.4)
    assert step.apart["missing_change"][0] == 0.4 - 0.25
    assert step.apart["outside"][0] == 2 / 3
    assert step.reasons(0) == ["scale", "outside", "missing", "ks", "wasserstein", "psi"]


@pytest.mark.parametrize(
    ("name", "least"),
    [("shift", 0.0), ("scale", 1.0), ("outside", 0.0), ("missing", 0.0), ("ks", 0.0), ("wasserstein", 0.0), ("psi", 0)],
)
def test_each_limit_is_one_of_all_columns_and_of_one(name: str, least: float, tmp_path: Path) -> None:
    """Just below the value, and just above it, where chance makes less of a difference."""
    r = np.random.default_rng(1)
    old, new = r.normal(size=(2, 4_000)), r.normal(0.4, 3.0, size=(2, 4_000))
    new[:, :500] = NAN
    plan = api.fit(parquet(tmp_path / "t.parquet", a=old[0], b=old[1]), ZScore())
    path, measure = parquet(tmp_path / "u.parquet", a=new[0], b=new[1]), measures()[name]
    value = float(measure.size(only(api.check(plan, path)).apart[measure.key])[0])
    for limits, expected in (
        ({measure.limit: value * 0.99}, True),
        ({measure.limit: value * 1.01}, False),
        ({measure.limit: {"a": value * 0.99, None: 900.0 if value > 1 else 1.0}}, True),
        ({measure.limit: {"a": value * 1.01}}, False),
    ):
        given: Any = limits
        assert (name in only(api.check(plan, path, **given)).reasons(0)) is expected
    assert api.check(plan, path, min_rows=4_001).drift is None


@pytest.mark.parametrize("count", [1, 40])
def test_few_values_that_differ_may_do_so_by_chance(count: int, tmp_path: Path) -> None:
    """Of 40 rows after 40 that were constant, one that differs is as likely to have been among the first; and so are
    values of a column that had none."""
    of_one = api.fit(parquet(tmp_path / "t.parquet", a=[7.0] * 40, b=VARIED), ZScore())
    of_none = api.fit(parquet(tmp_path / "e.parquet", a=EMPTY, b=VARIED), ZScore())
    new = parquet(tmp_path / "u.parquet", a=[7.0] * (40 - count) + [6.0] * count, b=VARIED)
    some = parquet(tmp_path / "s.parquet", a=[NAN] * (40 - count) + [6.0] * count, b=VARIED)
    assert only(api.check(of_one, new)).reasons(0) == (["constant"] if count > 1 else [])
    assert only(api.check(of_none, some)).reasons(0) == (["unlearned"] if count > 1 else [])


# -- edges -------------------------------------------------------------------------------------------------------
VARIED, EMPTY = [1.0, 2.0] * 20, pa.nulls(40, pa.float64())


@pytest.mark.parametrize(
    ("old", "new", "shift", "ratio", "reasons"),
    [
        ([7.0] * 40, [7.0] * 40, NAN, NAN, []),
        ([7.0] * 40, [8.0] * 40, NAN, NAN, ["constant"]),
        ([7.0] * 40, [6.0, 8.0] * 20, NAN, NAN, ["constant"]),
        ([7.0] * 40, EMPTY, NAN, NAN, ["missing"]),
        (VARIED, [1.5] * 40, 0.0, 0.0, ["ks", "psi"]),
        (VARIED, EMPTY, NAN, NAN, ["missing"]),
        (VARIED, [3.0, 4.0] * 20, 4.0, 1.0, ["shift", "outside", "ks", "wasserstein", "psi"]),
        (EMPTY, EMPTY, NAN, NAN, None),
        (EMPTY, VARIED, NAN, NAN, ["unlearned"]),
        (VARIED, [1.0, 2.0] * 10 + [NAN] * 20, 0.0, 1.0, ["missing"]),
        ([1e308, -1e308] * 20, [1e308, 1e308] * 20, NAN, NAN, ["ks", "psi"]),
        ([1e-200, 2e-200] * 20, [1e-200, 3e-200] * 20, NAN, 2.0, ["outside", "ks"]),
        ([0.0, 1.0] * 20, [1.7e308, -1.7e308] * 20, -1.0, np.inf, ["shift", "outside", "ks"]),
    ],
)
def test_edges(old: Any, new: Any, shift: float, ratio: float, reasons: list[str] | None, tmp_path: Path) -> None:
    """Whatever is not known is NaN, and no verdict; what is infinite is past any limit."""
    plan = api.fit(parquet(tmp_path / "t.parquet", a=old, b=VARIED), Center())
    found = api.check(plan, parquet(tmp_path / "u.parquet", a=new, b=VARIED))
    step = only(found)
    np.testing.assert_array_equal([step.apart["shift"][0], step.apart["scale_ratio"][0]], [shift, ratio])
    assert (step.reasons(0) if step.judged[0] else None) == reasons
    assert step.reasons(1) == []
    assert found.drift is bool(reasons)


def test_a_column_needs_as_many_values_as_there_must_be_rows(tmp_path: Path) -> None:
    plan = api.fit(parquet(tmp_path / "t.parquet", a=[1.0, 2.0, NAN, NAN] * 10, b=VARIED), ZScore())
    few, enough = (parquet(tmp_path / f"{n}.parquet", a=[9.0] * n + [NAN] * n, b=[1.5, 2.5] * n) for n in (29, 30))
    one, other = api.check(plan, few), api.check(plan, enough)
    assert (one.drift, only(one).judged.tolist(), only(one).reasons(0)) == (True, [False, True], [])
    assert only(one).reasons(1) == ["shift", "outside", "ks", "psi"]
    assert only(other).reasons(0) == ["shift", "outside", "ks", "wasserstein", "psi"]


def test_rows_that_miss_a_value_are_told_of_matrix_methods(tmp_path: Path) -> None:
    r = np.random.default_rng(1)
    plan = api.fit(parquet(tmp_path / "t.parquet", a=r.normal(size=100), b=r.normal(size=100)), Whiten())
    x = r.normal(size=100)
    x[:20] = NAN
    found = api.check(plan, parquet(tmp_path / "u.parquet", a=x, b=r.normal(size=100)))
    assert found.incomplete is not None
    assert (found.incomplete.fitted, found.incomplete.share, found.incomplete.drift, found.drift) == (
        0,
        0.2,
        True,
        True,
    )
    assert only(found).data["count"].tolist() == [80.0, 80.0]


def test_columns_are_compared_as_they_come_to_the_step_that_learned(tmp_path: Path) -> None:
    old, new = np.arange(1.0, 101.0), np.arange(1.0, 51.0)
    steps = [PlanStep(Log1p(), ("a",), ()), PlanStep(ZScore(), ("a",), ()), PlanStep(Unit(), ("a",), ())]
    plan = api.fit(parquet(tmp_path / "t.parquet", a=old), steps)
    step = only(api.check(plan, parquet(tmp_path / "u.parquet", a=new)))
    expected = (np.log1p(new).mean() - np.log1p(old).mean()) / np.log1p(old).std()
    assert step.apart["shift"][0] == pytest.approx(expected, rel=1e-12)
    with pytest.raises(BadDataError, match="row 2: column 'a'"):
        api.check(plan, parquet(tmp_path / "v.parquet", a=[1.0, -1.0]))


# -- columns -----------------------------------------------------------------------------------------------------
def changes(found: Comparison) -> list[tuple[Any, ...]]:
    return [(c.column, c.what, c.was, c.now, c.drift) for c in found.changes]


def test_columns_gone_new_or_of_another_type(tmp_path: Path) -> None:
    x = np.arange(40.0)
    note, days = pa.array(["x"] * 40), pa.array([1] * 40, pa.int32())
    old = parquet(tmp_path / "t.parquet", a=x, b=x, c=x, note=note, days=days)
    plan = api.fit(old, ZScore(), columns=["a", "b", "c", "days"])
    new = parquet(tmp_path / "u.parquet", days=days.cast(pa.int64()), a=x, c=note, more=x)
    found = api.check(plan, new)
    assert changes(found) == [
        ("b", "gone", "float64", None, True),
        ("c", "type", "float64", "string", True),
        ("note", "gone", "string", None, False),
        ("more", "new", None, "float64", False),
    ]
    step = only(found)
    assert [step.reasons(j) for j in range(4)] == [[], [], [], []]
    assert step.apart["shift"][0] == 0.0
    strict = api.check(plan, parquet(tmp_path / "v.parquet", a=x, b=x, c=x, days=days, more=x), no_extra=True)
    assert (changes(strict)[-1], strict.drift) == (("more", "new", None, "float64", True), True)


def test_columns_that_are_all_gone_leave_rows(tmp_path: Path) -> None:
    plan = api.fit(parquet(tmp_path / "t.parquet", a=VARIED), ZScore())
    found = api.check(plan, parquet(tmp_path / "u.parquet", b=pa.array(["x"] * 40)))
    assert (found.rows, only(found).data["count"].tolist(), found.drift) == (40, [0.0], True)


def test_what_columns_have_become_is_told_of_any_number_of_rows(tmp_path: Path) -> None:
    plan = api.fit(parquet(tmp_path / "t.parquet", a=VARIED, b=VARIED), ZScore())
    assert api.check(plan, parquet(tmp_path / "u.parquet", a=[1.0])).drift is True
    assert api.check(plan, parquet(tmp_path / "u.parquet", a=[1e9], b=[1.0])).drift is None


def lists(rows: int, length: int, *, fixed: bool) -> pa.Array:
    flat = pa.array(np.random.default_rng(1).normal(size=rows * length))
    if fixed:
        return pa.FixedSizeListArray.from_arrays(flat, length)
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * length), flat)


@pytest.mark.parametrize("fixed", [False, True])
def test_lists_are_compared_by_dimension_and_by_their_length(fixed: bool, tmp_path: Path) -> None:
    plan = api.fit(parquet(tmp_path / "t.parquet", e=lists(40, 3, fixed=fixed)), ZScore(), columns=["e"])
    same = api.check(plan, parquet(tmp_path / "u.parquet", e=lists(40, 3, fixed=not fixed)))
    assert ([step.names for step in same.steps], same.drift) == ([("e[0]", "e[1]", "e[2]"), ("e",)], False)
    elements, together = (step.apart["ks"] for step in same.steps)
    assert np.isnan(elements).all()
    assert together.tolist() == [0.0]
    for other in (lists(40, 4, fixed=fixed), pa.array(["x"] * 40), pa.array(VARIED)):
        found = api.check(plan, parquet(tmp_path / "v.parquet", e=other))
        assert [(c.column, c.what, c.drift) for c in found.changes] == [("e", "type", True)]
        assert all(np.isnan(step.data["missing"]).all() for step in found.steps)


def test_what_is_normalized_already_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", a=VARIED)
    plan = api.fit(path, MinMax())
    api.apply(plan, path, tmp_path / "z.parquet")
    with pytest.raises(BadDataError, match="normalized by these parameters already"):
        api.check(plan, tmp_path / "z.parquet")


@pytest.mark.parametrize("name", ["unit", "layer", "log1p"])
def test_of_a_method_that_learns_nothing_columns_are_compared_alone(name: str, tmp_path: Path) -> None:
    plan = api.fit(parquet(tmp_path / "t.parquet", a=VARIED, b=VARIED), method(name))
    same = api.check(plan, parquet(tmp_path / "u.parquet", a=[1e300], b=[NAN]))
    assert (same.rows, same.drift, same.steps) == (None, False, ())
    assert api.check(plan, parquet(tmp_path / "v.parquet", a=VARIED)).drift is True
