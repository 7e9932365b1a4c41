"""Measures of drift: numbers against exact ones of the data, and what undrifted data do to them."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats  # type: ignore[import-untyped]

from normcli import registry
from normcli.blocks.record import Array
from normcli.drift import bounds
from normcli.drift.measures import Pair, measures
from normcli.drift.shapes import Counted, Cuts, joined
from normcli.limits import GREATEST, LEAST, NAMES, Limits
from tests.conftest import examples, longer
from tests.undrifted import DISTRIBUTIONS, alarms, exact, pair, pairs

COLUMNS = (1, 100)
SIZES = (30, 100, 344, 1_000, 10_000)
TRIALS = examples(2_000, part=50)
CHUNK = 200  # trials whose data are in memory together


def values(old: Array, new: Array) -> dict[str, float]:
    with np.errstate(all="ignore"):
        return {name: float(measure.value(pair([old], [new]))[0]) for name, measure in measures().items()}


# -- values ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [name for name in DISTRIBUTIONS if name != "constant"])
@pytest.mark.parametrize("fitted", [50, 256])
def test_ks_of_few_values_is_that_of_the_data(name: str, fitted: int) -> None:
    r = np.random.default_rng(fitted)
    old, new = (DISTRIBUTIONS[name](r, n) for n in (fitted, 400))
    assert values(old, new)["ks"] == pytest.approx(stats.ks_2samp(old, new).statistic, abs=1e-12)


def test_wasserstein_of_values_at_the_fitted_ones_is_exact() -> None:
    """Within 0.5 to 99.5 % of 200 rows, which are all but the first and the last one."""
    r = np.random.default_rng(1)
    old = np.sort(r.normal(size=200))
    new = r.choice(old[1:-1], 300)
    clipped = np.clip(old, old[0], old[198])
    unit = (old[194] - old[4]) / 3.92
    expected = stats.wasserstein_distance(clipped, np.clip(new, old[0], old[198])) / unit
    assert values(old, new)["wasserstein"] == pytest.approx(expected, rel=1e-9)


def test_psi_is_that_of_exact_fractions() -> None:
    """Deciles of 1 to 100 end bins of 10 rows each."""
    old, new = np.arange(1.0, 101.0), np.repeat([5.0, 10.0, 10.5, 95.0], [10, 20, 30, 40])
    counts = (30, 30, 0, 0, 0, 0, 0, 0, 0, 40)
    terms = ((Fraction(2 * c + 1, 210), Fraction(21, 210)) for c in counts)
    expected = sum(float(p - q) * math.log(p / q) for p, q in terms)
    assert values(old, new)["psi"] == pytest.approx(expected, rel=1e-12)


def test_a_value_with_a_tenth_of_the_mass_is_a_bin() -> None:
    """Of three values there are three bins, though deciles lie at two of them alone."""
    old, new = np.repeat([1.0, 2.0, 3.0], [80, 12, 8]), np.repeat([1.0, 2.0, 3.0], [80, 4, 16])
    shares = [[Fraction(2 * c + 1, 203) for c in counts] for counts in ((80, 12, 8), (80, 4, 16))]
    expected = sum(float(p - q) * math.log(p / q) for q, p in zip(*shares, strict=True))
    assert values(old, new)["psi"] == pytest.approx(expected, rel=1e-12)


def test_scale_is_that_of_deciles_also_of_wider_data() -> None:
    old = np.random.default_rng(1).normal(size=50_000)
    for factor in (0.5, 1.0, 3.0, 50.0):
        assert values(old, old * factor)["scale"] == pytest.approx(factor, rel=0.15)


def test_a_column_of_one_value_has_no_distance() -> None:
    found = values(np.full(100, 7.0), np.full(50, 7.0))
    assert found["ks"] == 0.0
    assert all(np.isnan(found[name]) for name in ("scale", "wasserstein", "psi"))


@pytest.mark.parametrize("new", [[], [1.0, 2.0, 3.0]])
def test_a_column_without_a_value_has_no_distance_alone_or_beside_others(new: list[float]) -> None:
    full, empty = np.arange(300.0), np.empty(0)
    for fits in ([empty], [empty, empty], [empty, full], [full, empty]):
        known, samples = [len(x) > 0 for x in fits], [full if len(x) else np.array(new) for x in fits]
        cuts = [Cuts.of(x, np.ones(len(x))) for x in fits]
        counts = [Counted.of(c, y, np.ones(len(y)), 0.0) for c, y in zip(cuts, samples, strict=True)]
        rows = tuple(np.array([float(len(x)) for x in side]) for side in (fits, samples))
        nothing = np.full(len(fits), np.nan)
        shapes = joined(
            list(zip(cuts, counts, strict=True)), (rows[0], rows[1]), np.zeros(len(fits)), (nothing, nothing)
        )
        figures = dict.fromkeys(("count", "std", "min", "max"), nothing)
        both = Pair(figures, figures, (rows[0], rows[1]), (rows[0], rows[1]), shapes)
        with np.errstate(all="ignore"):
            for name in ("scale", "ks", "wasserstein", "psi"):
                assert (~np.isnan(measures()[name].value(both))).tolist() == known, name


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_numbers_at_the_ends_of_their_range_have_distances(factor: float) -> None:
    r = np.random.default_rng(1)
    old, new = r.normal(size=200), r.normal(0.7, 2, size=300)
    ours, scaled = (values(old * f, new * f) for f in (1.0, factor))
    for name in ("ks", "psi", "wasserstein", "scale"):
        assert scaled[name] == pytest.approx(ours[name], rel=1e-9)


# -- floors ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("alpha", [1e-2, 1e-3, 1e-5, 1e-7])
def test_quantiles_are_those_of_scipy(alpha: float) -> None:
    assert bounds.normal(alpha) == pytest.approx(stats.norm.isf(alpha), rel=1e-12)
    for freedom in (29.0, 343.0, 1e5):
        assert bounds.student(alpha, np.array(freedom)) == pytest.approx(stats.t.isf(alpha, freedom), rel=0.02)
    for freedom in (1.0, 2.0, 9.0, 19.0):
        expected = stats.chi2.isf(alpha, freedom)
        assert expected * 0.99 <= bounds.chi_squared(alpha, np.array(freedom)) <= expected * 1.2


@pytest.mark.parametrize(("fitted", "new"), [(30, 30), (344, 100), (50, 1_000)])
def test_more_values_lie_outside_than_the_floor_with_less_than_its_probability(fitted: int, new: int) -> None:
    """Exactly: of all orders of the rows, those with k outside, i of them above, are a product of shares."""
    alpha = 1e-3
    most = int(bounds.beyond(alpha, np.array(float(fitted)), np.array(float(new))))
    chance = sum(
        (k + 1)
        * math.exp(
            sum(math.log((new - i) / (fitted + new - i)) for i in range(k))
            + math.log(fitted * (fitted - 1) / ((fitted + new - k) * (fitted + new - k - 1)))
        )
        for k in range(most + 1, new + 1)
    )
    assert chance <= alpha
    assert most < new


@pytest.mark.parametrize("share", [0.0, 0.003, 0.05, 0.4, 0.97])
@pytest.mark.parametrize(("fitted", "new"), [(344, 30), (344, 3_000), (50_000, 100)])
def test_more_is_missing_than_the_floor_with_less_than_its_probability(share: float, fitted: int, new: int) -> None:
    """Exactly, over all counts of the fit and of new data."""
    alpha = 1e-3
    old = np.arange(fitted + 1)
    floor = bounds.more(alpha, old / fitted, np.array(float(fitted)), np.array(float(new)))
    least = np.where(np.isfinite(floor), (old / fitted + floor) * new, new)
    chance = (stats.binom.pmf(old, fitted, share) * stats.binom.sf(np.floor(least + 1e-9), new, share)).sum()
    assert chance <= 1.5 * alpha


def test_keys_that_none_has_alone_are_no_division_by_zero() -> None:
    with np.errstate(all="raise"):
        assert 0.0 <= bounds.new_keys(1e-3, 0, 0, 1_000.0, 1_000.0) < 1_000.0


# -- undrifted data ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fitted", [344, pytest.param(50_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_undrifted_data_are_taken_for_drift_in_one_check_of_a_hundred(name: str, fitted: int) -> None:
    """At most, of a column by itself; of one of 100 columns in one of 10,000. Three deviations of a count of trials
    more are allowed."""
    draw, r = DISTRIBUTIONS[name], np.random.default_rng(fitted)
    count = dict.fromkeys(product(SIZES, COLUMNS), 0)
    for trials in (min(CHUNK, TRIALS - start) for start in range(0, TRIALS, CHUNK)):
        old = [draw(r, fitted) for _ in range(trials)]
        for size in SIZES:
            both = pair(old, [draw(r, size) for _ in range(trials)])
            for columns in COLUMNS:
                count[size, columns] += int(np.any([*alarms(both, columns).values()], axis=0).sum())
    expected = {columns: TRIALS * 0.01 / columns for columns in COLUMNS}
    assert [at for at, n in count.items() if n > expected[at[1]] + 3 * math.sqrt(expected[at[1]])] == []


@pytest.mark.parametrize("size", [30, 100, 1_000])
@pytest.mark.parametrize("name", [*DISTRIBUTIONS, "a rare value"])
def test_tails_are_no_drift_of_scale_without_sketches(name: str, size: int) -> None:
    """Deviations of few rows, which may lack the tail altogether, are far from those of others."""
    draw = DISTRIBUTIONS.get(name, lambda r, n: (r.uniform(size=n) < 0.01).astype(np.float64))
    r = np.random.default_rng(size)
    both = replace(pair([draw(r, 344) for _ in range(100)], [draw(r, size) for _ in range(100)]), shapes=None)
    assert alarms(both, 1)["scale"].sum() <= 3


@pytest.mark.parametrize("factor", [0.1, 0.4, 2.5, 10.0])
def test_another_scale_is_drift_without_sketches(factor: float) -> None:
    r = np.random.default_rng(3)
    both = replace(pair([r.normal(size=344)], [factor * r.normal(size=1_000)]), shapes=None)
    assert alarms(both, 1)["scale"].all()


# -- measures and limits -----------------------------------------------------------------------------------------
def test_each_measure_has_a_limit_and_each_limit_a_measure() -> None:
    assert {m.limit for m in measures().values()} == set(NAMES) - {"max_category"}  # which is of texts
    assert {*LEAST, *GREATEST} <= set(NAMES)
    assert list(measures()) == ["shift", "scale", "outside", "missing", "ks", "wasserstein", "psi"]
    assert {*measures()} == {*registry.names("drift.measures")}


def test_a_limit_may_be_that_of_a_column() -> None:
    limits = Limits(max_psi=0.3, columns={"a": {"max_psi": 0.5}, "e": {"max_psi": 0.7}, "e[1]": {"max_psi": 0.9}})
    assert [limits.of("max_psi", *names) for names in (("a", "a"), ("b", "b"), ("e[0]", "e"), ("e[1]", "e"))] == [
        0.5,
        0.3,
        0.7,
        0.9,
    ]


# -- power -------------------------------------------------------------------------------------------------------
ROWS = 50_000
PAIRS = pairs()


@pytest.mark.parametrize("name", [*list(PAIRS)[::6], *longer(*(n for i, n in enumerate(PAIRS) if i % 6))])
def test_what_is_past_a_limit_by_a_quarter_is_drift(name: str) -> None:
    """Of sketches, against distances of all values: none is missed, and they are near."""
    r = np.random.default_rng(3)
    old, new = (draw(r, ROWS) for draw in PAIRS[name])
    both, expected = pair([old], [new]), exact(old, new)
    alarm = alarms(both, 100)
    distances = values(old, new)
    for measure, distance in expected.items():
        limit: float = getattr(Limits(), measures()[measure].limit)
        if distance > 1.25 * limit:
            assert alarm[measure][0], (measure, distance)
        if distance < 0.8 * limit:
            assert not alarm[measure][0], (measure, distance)
    assert distances["ks"] == pytest.approx(expected["ks"], abs=0.02)
    assert distances["psi"] == pytest.approx(expected["psi"], rel=0.15, abs=0.03)
    if "wasserstein" in expected:
        assert distances["wasserstein"] == pytest.approx(expected["wasserstein"], rel=0.1, abs=0.05)


def test_there_are_40_pairs() -> None:
    assert len(PAIRS) == 40
