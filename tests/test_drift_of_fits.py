"""Comparison of input columns: counts among cuts, two fits without data, plans, and keys."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from normcli import api
from normcli.blocks.block import Block
from normcli.blocks.cuts import ColumnCuts
from normcli.drift import Comparison, Limits, compared_fits
from normcli.drift.counting import CutCounts
from normcli.drift.measures import measures
from normcli.methods.log1p import Log1p
from normcli.methods.minmax import MinMax
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters.plan import PlanStep
from tests.test_drift import NAN, csv, parquet

SHAPES = [measure.key for measure in measures().values() if measure.of_shape]


def values(found: Comparison, column: str) -> dict[str, float]:
    """By key, of the first step that has the column."""
    step = next(step for step in found.steps if column in step.names)
    return {key: float(of[step.names.index(column)]) for key, of in step.apart.items()}


# -- counts ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("weighted", [False, True])
def test_counts_among_cuts_are_those_of_all_values(weighted: bool) -> None:
    """Wherever rows are cut, with values at cuts, and missing ones."""
    r = np.random.default_rng(1)
    x = r.integers(0, 9, size=(500, 2)).astype(np.float64)
    x[r.uniform(size=500) < 0.1, 0] = NAN
    weights = r.integers(1, 5, size=500).astype(np.float64) if weighted else np.ones(500)
    cuts = (np.array([-1.0, 2.0, 2.5, 8.0]), np.array([4.0]))
    total = blank = CutCounts(cuts=ColumnCuts(cuts))
    for rows in np.array_split(np.arange(500), [3, 70, 71, 400]):
        total = total.merge(blank.of(Block.of(x[rows], weights[rows] if weighted else None)))
    for j, at in enumerate(cuts):
        for i, cut in enumerate(at):
            assert total.less[0, j, i] == weights[x[:, j] < cut].sum()
            assert total.most[0, j, i] == weights[x[:, j] <= cut].sum()
        assert total.count[0, j] == weights[~np.isnan(x[:, j])].sum()


# -- fits --------------------------------------------------------------------------------------------------------
def two(tmp_path: Path, rows: int = 200) -> tuple[Path, Path]:
    r = np.random.default_rng(2)
    old, new = r.normal(size=(rows, 3)), r.normal(0.6, 1.7, size=(rows, 3))
    new[:40, 2] = NAN
    return csv(tmp_path / "t.csv", old, "abc"), csv(tmp_path / "u.csv", new, "abc")


def test_two_fits_of_few_rows_are_compared_as_their_data_are(tmp_path: Path) -> None:
    """Sketches of up to 256 rows hold all values: whichever methods have learned."""
    old, new = two(tmp_path)
    plan = api.fit(old, ZScore())
    of_data = api.check(plan, new)
    for method in (ZScore(), MinMax()):
        other = api.fit(new, method, params=tmp_path / "other.json")
        for found in (compared_fits(plan, other, Limits()), api.check(plan, tmp_path / "other.json")):
            assert (found.drift, found.rows, found.fitted_rows) == (True, 200, 200)
            for column in "abc":
                ours, theirs = values(found, column), values(of_data, column)
                for key in set(ours) - {"scale_ratio", "wasserstein"}:
                    assert ours[key] == pytest.approx(theirs[key], abs=1e-9), key
                assert ours["scale_ratio"] == pytest.approx(theirs["scale_ratio"], rel=0.03)
                assert ours["wasserstein"] == pytest.approx(theirs["wasserstein"], rel=0.02)


def test_a_fit_has_not_drifted_from_itself(tmp_path: Path) -> None:
    old, _ = two(tmp_path, 3_000)
    plan = api.fit(old, ZScore())
    found = compared_fits(plan, plan, Limits())
    assert found.drift is False
    for column in "abc":
        expected = dict.fromkeys(values(found, column), 0.0) | {"scale_ratio": 1.0}
        assert values(found, column) == expected


def test_without_sketches_moments_alone_are_compared(tmp_path: Path) -> None:
    old, new = two(tmp_path)
    plan, other = api.fit(old, ZScore()), api.fit(new, ZScore())
    bare = [replace(p, sketches=None) for p in (plan, other)]
    for found in (compared_fits(bare[0], other, Limits()), compared_fits(plan, bare[1], Limits())):
        assert not found.shaped
        assert np.isnan([values(found, "a")[key] for key in SHAPES]).all()
        assert values(found, "a")["shift"] == values(api.check(plan, new), "a")["shift"]
        assert found.drift is True


def test_columns_that_one_fit_does_not_have_are_drift(tmp_path: Path) -> None:
    old, _ = two(tmp_path)
    plan, other = (
        api.fit(old, ZScore(), columns=["a", "b"]),
        api.fit(csv(tmp_path / "v.csv", np.ones((40, 2)), "bd"), ZScore()),
    )
    found = compared_fits(plan, other, Limits())
    assert [(c.column, c.what, c.drift) for c in found.changes] == [
        ("a", "gone", True), ("c", "gone", False), ("d", "new", False),
    ]  # fmt: skip
    assert np.isnan(values(found, "a")["missing_change"])
    assert [c.drift for c in compared_fits(plan, other, Limits(), extra=False).changes] == [True, False, True]


# -- plans -------------------------------------------------------------------------------------------------------
def test_of_a_plan_the_columns_of_the_data_are_compared(tmp_path: Path) -> None:
    """Shapes before a logarithm, moments after it; and nothing that a step has learned."""
    r = np.random.default_rng(1)
    old, new = r.lognormal(size=(2, 2_000)), r.lognormal(size=(2, 2_000))
    new[0, :500] = NAN
    plan = api.fit(
        parquet(tmp_path / "t.parquet", a=old[0], b=old[1]),
        [PlanStep(Log1p(), ("b",), ()), PlanStep(ZScore(), ("a", "b"), ())],
    )
    found = api.check(plan, parquet(tmp_path / "u.parquet", a=new[0], b=new[1]))
    beside = api.check(api.fit(tmp_path / "t.parquet", ZScore()), tmp_path / "u.parquet")
    for key in (*SHAPES, "scale_ratio", "missing_change"):
        assert [values(found, c)[key] for c in "ab"] == [values(beside, c)[key] for c in "ab"]
    gap = np.log1p(new[1]).mean() - np.log1p(old[1]).mean()
    assert values(found, "b")["shift"] == pytest.approx(gap / np.log1p(old[1]).std(), rel=1e-9)


def test_matrix_methods_are_compared_by_the_shapes_of_all_rows(tmp_path: Path) -> None:
    old, new = two(tmp_path)
    found, beside = (api.check(api.fit(old, method), new) for method in (Whiten(), ZScore()))
    for key in (*SHAPES, "missing_change"):
        assert values(found, "a")[key] == values(beside, "a")[key]


# -- keys --------------------------------------------------------------------------------------------------------
def flights(path: Path, seed: int, more: float = 0.0) -> Path:
    """Departures in minutes from 8 airports, of which the last is late."""
    r = np.random.default_rng(seed)
    rows = [f"AP{i % 8},{r.normal(800, 200) + (more if i % 8 == 7 else 0)!r}" for i in range(4_000)]
    path.write_text("\n".join(["origin,departure", *rows, ""]))
    return path


def test_the_key_that_has_drifted_is_found(tmp_path: Path) -> None:
    plan = api.fit(flights(tmp_path / "t.csv", 1), ZScore(), by="origin", columns=["departure"])
    late, same = flights(tmp_path / "u.csv", 2, more=300.0), flights(tmp_path / "v.csv", 3)
    assert api.check(plan, late).drift is False
    for found in (
        api.check(plan, late, by_key=True),
        compared_fits(plan, api.fit(late, ZScore(), by="origin", columns=["departure"]), Limits(), by_key=True),
    ):
        assert found.keys is not None
        assert (found.drift, found.keys.compared) == (True, 8)
        (of_key,) = found.keys.drifted
        assert (of_key.key, of_key.rows, of_key.columns[0].reasons(0)) == (("AP7",), 500, ["shift"])
    unchanged = api.check(plan, same, by_key=True)
    assert (unchanged.drift, unchanged.keys and unchanged.keys.drifted) == (False, ())
