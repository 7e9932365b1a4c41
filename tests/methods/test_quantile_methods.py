"""robust and quantile: against scikit-learn, exact and from the sketch, and what they refuse."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import asdict

from normcli.api import fit, fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.methods import Method, States
from normcli.methods.quantile import Quantile
from normcli.methods.robust import Robust
from normcli.stats.quantiles import Quantiles

MANY = np.random.default_rng(1)
LARGE = np.column_stack(
    [
        MANY.normal(size=9000),
        MANY.standard_cauchy(9000),
        MANY.integers(0, 9, 9000),
        np.where(MANY.random(9000) < 0.4, 0, MANY.random(9000)),
    ]
)
LARGE[MANY.random(LARGE.shape) < 0.05] = np.nan


def normalized(method: Method, x: Array, of: Array | None = None) -> Array:
    names = [f"x{j}" for j in range(x.shape[1])]
    with np.errstate(all="ignore"):
        transform = fit_blocks(method, np.array_split(x, 4), names).fitted
        return transform(Block.of(x if of is None else of))


def assert_near(got: Array, expected: Array) -> None:
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    assert (np.abs(got - expected) <= 1e-12 * np.maximum(1.0, np.abs(expected)))[~np.isnan(got)].all()


# -- robust ------------------------------------------------------------------------------------------------------
ROBUST: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"unit_variance": True}, {"unit_variance": True}),
    ({"quantiles": (0.05, 0.99)}, {"quantile_range": (5, 99)}),
    ({"quantiles": (0.0, 1.0)}, {"quantile_range": (0, 100)}),
]


@pytest.mark.parametrize(("ours", "theirs"), ROBUST)
def test_robust_is_sklearns_robust_scaler(ours: dict[str, Any], theirs: dict[str, Any], real: Array) -> None:
    from sklearn.preprocessing import RobustScaler

    assert_near(normalized(Robust(**ours), real), RobustScaler(**theirs).fit_transform(real))
    assert_near(normalized(Robust(exact=True, **ours), real), RobustScaler(**theirs).fit_transform(real))
    assert_near(normalized(Robust(exact=True, **ours), LARGE), RobustScaler(**theirs).fit_transform(LARGE))


def test_a_range_of_zero_is_taken_as_1() -> None:
    x = np.array([[5.0], [5.0], [5.0], [5.0], [9.0]])
    np.testing.assert_array_equal(normalized(Robust(), x), x - 5)
    np.testing.assert_array_equal(normalized(Robust(), np.full((3, 1), 0.1)), np.zeros((3, 1)))


def test_a_range_beyond_a_float_is_refused_by_name() -> None:
    with pytest.raises(BadDataError, match="x0"):
        normalized(Robust(), np.array([[-1.7e308], [-1.7e308], [1.7e308], [1.7e308]]))


@pytest.mark.parametrize("quantiles", [(0.75, 0.25), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_quantiles_that_are_no_range(quantiles: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="LO must be less than HI"):
        Robust(quantiles=quantiles).check()


def test_the_ends_of_a_normal_distribution_are_nowhere() -> None:
    with pytest.raises(UsageError, match="unit-variance"):
        Robust(quantiles=(0.0, 0.9), unit_variance=True).check()


# -- quantile ----------------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore:n_quantiles")
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("resolution", [7, 1000])
def test_quantile_is_sklearns_quantile_transformer(distribution: Any, resolution: int, real: Array) -> None:
    """Also for new values: between those seen, beyond them, and missing."""
    from sklearn.preprocessing import QuantileTransformer

    for x, exact in ((real, False), (LARGE, True)):
        theirs = QuantileTransformer(n_quantiles=resolution, output_distribution=distribution, subsample=None).fit(x)
        step = np.nanstd(x, axis=0)
        new = np.vstack([x, x[:200] + step * MANY.normal(size=x[:200].shape), [step * 1e3, -step * 1e3, step * np.nan]])
        method = Quantile(distribution=distribution, resolution=resolution, exact=exact)
        assert_near(normalized(method, x, new), theirs.transform(new))


def test_the_sketch_is_within_its_rank_error() -> None:
    y = normalized(Quantile(), LARGE)
    assert np.nanmax(np.abs(y - normalized(Quantile(exact=True), LARGE))[:, :2]) <= 2 * 4 / 4096


# -- exactness ---------------------------------------------------------------------------------------------------
def test_exact_parts_together_are_refused() -> None:
    method, names = Robust(exact=True), ("a",)
    states = fit_blocks(method, [LARGE[:, :1]], names).states
    together = {type(s): s.merge(s) for s in states}
    with pytest.raises(BadDataError, match="without --exact"):
        method.learn(States(names, together))
    assert np.isfinite(together[Quantiles].summary()["count"]).all()
    Robust().learn(States(names, together))


def test_blocks_that_come_once_are_refused() -> None:
    with pytest.raises(UsageError, match="more than one pass"):
        fit_blocks(Robust(exact=True), iter([LARGE]), ["a", "b", "c", "d"])


def test_a_file_that_changes_between_passes_is_refused(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(map(str, range(5000))) + "\n")
    expected = np.quantile(np.arange(5000.0), [0.5, 0.25, 0.75])
    learned = asdict(fit(path, Robust(exact=True), block_size=4096).steps[0].fitted)
    assert (learned["center"], learned["scale"]) == (expected[0], expected[2] - expected[1])
    next_pass = Quantiles.next_pass

    def meddled(self: Quantiles) -> Any:
        path.write_text(path.read_text().replace("17", "18"))
        return next_pass(self)

    monkeypatch.setattr(Quantiles, "next_pass", meddled)
    with pytest.raises(BadDataError, match="changed"):
        fit(path, Robust(exact=True))
