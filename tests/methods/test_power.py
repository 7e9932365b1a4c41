"""Yeo and Johnson's power: against scipy, against the definition in long doubles, and where others overflow."""

import warnings
from functools import cache

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import asdict, replace
from numpy.typing import NDArray
from scipy import stats

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import BadDataError, BadRowError, UsageError
from normcli.methods._likelihood import Likelihood
from normcli.methods.power import Power
from normcli.parameters import Parameters, Step
from normcli.pipeline.column_warnings import warn_of_columns
from normcli.stats.local_moments import LocalMoments
from normcli.transforms.power import PLACES, back, forth
from normcli.transforms.power import Power as Learned
from tests.conftest import examples

RNG = np.random.default_rng(12)
N = 4000
CASES: dict[str, Array] = {
    "normal": RNG.normal(size=N),
    "lognormal": RNG.lognormal(size=N),
    "very skewed": RNG.lognormal(0, 2, N),
    "left": -RNG.lognormal(size=N),
    "mixed": RNG.gumbel(size=N) * 3,
    "heavy tails": RNG.standard_t(2, size=N) + RNG.exponential(size=N),
    "cauchy": RNG.standard_cauchy(N),
    "uniform": RNG.uniform(size=N),
    "counts": RNG.poisson(1.5, N).astype(float),
    "two heaps": np.r_[RNG.normal(-5, 1, N // 2), RNG.normal(9, 1, N // 2)],
    "large": 1e10 * RNG.lognormal(size=N),
    "flags": np.r_[np.ones(60), 0.0],
    "money": np.exp(RNG.normal(15, 1.4, 25)),
}
FAR: dict[str, Array] = {
    "1e6": 1e6 + RNG.gumbel(size=N),
    "-1e3": -1e3 - RNG.exponential(size=N) * 10,
    "years": np.array([2003.0, 1950, 1997, 2000, 2009, 2009, 1980, 1999, 2007, 1991]),
    "small": 1e-3 * RNG.gumbel(size=N),
}
LIMITED = ("flags",)  # the likeliest power leaves too little of 0 to restore what is near it
every_case = pytest.mark.parametrize("case", CASES)


def fit(x: Array, method: Power = Power(), rows: int = 500) -> Step:  # noqa: B008
    return fit_blocks(method, np.array_split(x[:, None], max(1, len(x) // rows)), ["x"])


@cache
def fitted(case: str) -> Learned:
    learned = fit((CASES | FAR)[case]).fitted
    assert isinstance(learned, Learned)
    return learned


def exponent(learned: object) -> float:
    return float(asdict(learned)["exponent"][0, 0])


@pytest.mark.parametrize("case", [c for c in CASES if c not in LIMITED])
def test_lambda_is_scipys(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.yeojohnson_normmax(CASES[case])
    assert exponent(fitted(case)) == pytest.approx(expected, abs=1e-4 * (1 if abs(expected) < 10 else abs(expected)))


@every_case
def test_scores_are_those_of_scipys_powers(case: str) -> None:
    x, learned = CASES[case], fitted(case)
    expected = stats.zscore(stats.yeojohnson(x, exponent(learned)))
    np.testing.assert_allclose(learned(Block.of(x[:, None]))[:, 0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("case", [*CASES, *FAR])
def test_scores_have_mean_0_and_deviation_1(case: str) -> None:
    y = fitted(case)(Block.of((CASES | FAR)[case][:, None]))
    assert abs(y.mean()) <= 1e-8
    assert abs(y.std() - 1.0) <= 1e-8


def likelihood(x: Array, power: np.longdouble) -> np.longdouble:
    """Its logarithm, per value, from the definition in long doubles."""
    v, u = x.astype(np.longdouble), np.sign(x) * np.log1p(np.abs(x.astype(np.longdouble)))
    if (x > 0).all() or (x < 0).all():  # one side: ψ is an affine function of this
        sign, middle = np.sign(u[0]), np.abs(np.median(u))
        base, one = np.expm1(middle), power if u[0] > 0 else 2 - power
        away = np.log1p((np.abs(v) - base) / (1 + base))
        psi = np.expm1(one * away) / one if one else away
        return -np.log(psi.var()) / 2 + (power - 1) * sign * away.mean()
    above, below = np.maximum(u, 0), np.maximum(-u, 0)
    psi = np.expm1(power * above) / power if power else above
    psi = psi - (np.expm1((2 - power) * below) / (2 - power) if power != 2 else below)
    return -np.log(psi.var()) / 2 + (power - 1) * u.mean()


def slope(x: Array, at: float) -> float:
    """The derivative of the likelihood's logarithm, by λ in units where it matters."""
    unit = 1 / np.log1p(np.abs(x.astype(np.longdouble))).std()
    step = unit * 1e-4
    return float((likelihood(x, at + step) - likelihood(x, at - step)) / (2 * step) * unit)


@pytest.mark.parametrize("case", [c for c in (*CASES, *FAR) if c not in LIMITED])
def test_the_likelihood_is_greatest_there(case: str) -> None:
    """Where scipy stops short, too: at numbers far from zero, λ is large, and its powers are beyond a float."""
    assert abs(slope((CASES | FAR)[case], exponent(fitted(case)))) <= 1e-5


@pytest.mark.parametrize("case", [*CASES, *FAR])
def test_powers_come_back(case: str) -> None:
    x = (CASES | FAR)[case][:, None]
    back = fitted(case).inverse(Block.of(fitted(case)(Block.of(x))))
    assert (np.abs(back - x) <= 1e-12 * np.abs(x).max()).all()


@pytest.mark.parametrize("case", ["mixed", "1e6", "-1e3", "counts"])
def test_new_values_across_zero_follow_one_rising_curve(case: str) -> None:
    learned = fitted(case)
    reach = 4.0 if case == "mixed" else 1.0
    x = np.linspace(-reach, reach, 101)[:, None]
    with np.errstate(all="ignore"):
        y = learned(Block.of(x))[:, 0]
    known = np.isfinite(y)
    assert (np.diff(y[known]) >= 0).all()
    assert not np.isnan(y).any()


@pytest.mark.parametrize("origin", [0.0, 5.0, -5.0])
@pytest.mark.parametrize("power", [-1.5, 0.0, 0.7, 1.0, 2.0, 3.1])
def test_the_transformation_is_its_definition_whatever_the_origin(origin: float, power: float) -> None:
    """But for an affine function, and back."""
    x = np.linspace(-6.0, 7.0, 40)
    one = np.ones((1, 1))
    learned = Learned(exponent=power * one, origin=origin * one, center=0 * one, scale=one)
    y = learned(Block.of(x[:, None]))
    psi = stats.yeojohnson(x, power)
    slope, offset = np.polyfit(psi, y[:, 0], 1)
    np.testing.assert_allclose(y[:, 0], slope * psi + offset, atol=1e-11 * np.abs(y).max())
    np.testing.assert_allclose(learned.inverse(Block.of(y))[:, 0], x, atol=1e-11)
    if origin == 0.0:
        np.testing.assert_allclose(y[:, 0], psi, rtol=1e-13, atol=1e-14)


def test_what_no_value_has_comes_back_finite() -> None:
    """λ below zero: ψ stays below −1/λ."""
    learned = fitted("lognormal")
    assert exponent(learned) < 0
    assert np.isfinite(learned.inverse(Block.of([[1e3], [-1e3]]))).all()


def test_a_power_that_was_given_is_taken() -> None:
    x = np.column_stack([CASES["lognormal"], CASES["mixed"]])
    for given in (0.0, (0.0, 0.5), (2.0, 1.0)):
        learned = fit_blocks(Power(lambda_=given), [x[:1000], x[1000:]], ["a", "b"]).fitted
        powers = np.broadcast_to(given, 2)
        np.testing.assert_array_equal(asdict(learned)["exponent"], [powers])
        expected = np.column_stack([stats.zscore(stats.yeojohnson(x[:, j], powers[j])) for j in (0, 1)])
        np.testing.assert_allclose(learned(Block.of(x)), expected, atol=1e-9)


def test_powers_that_can_not_be_are_refused() -> None:
    with pytest.raises(BadDataError, match=r"`lambda_` 1e\+06 is too steep for column 'x'"):
        fit(CASES["normal"], Power(lambda_=1e6))
    with pytest.raises(UsageError, match="--lambda: 3 numbers for 1 columns"):
        Power(lambda_=(1.0, 2.0, 3.0)).check_features(1)
    with pytest.raises(BadDataError, match=r"1e\+20 in x"):
        fit(np.array([1.0, 2.0, 1e21]))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e19])
def test_a_constant_is_0_and_comes_back(value: float) -> None:
    x = np.full((5, 1), value)
    learned = fit(x[:, 0]).fitted
    np.testing.assert_array_equal(learned(Block.of(x)), np.zeros((5, 1)))
    np.testing.assert_allclose(learned.inverse(Block.of(np.zeros((5, 1)))), x, rtol=1e-15)


@pytest.mark.parametrize("case", ["lognormal", "mixed", "1e6"])
def test_blocks_of_any_size_learn_the_same(case: str) -> None:
    x = (CASES | FAR)[case]
    learned, unit = fitted(case), 1.0 / np.log1p(np.abs(x)).std()
    for rows in (7, 4000):
        assert exponent(fit(x, rows=rows).fitted) == pytest.approx(exponent(learned), abs=1e-6 * unit)
    assert exponent(fit(x[::-1]).fitted) == pytest.approx(exponent(learned), abs=1e-6 * unit)


@pytest.mark.parametrize("seed", range(60))
def test_a_few_values_of_any_kind(seed: int) -> None:
    """No power within the limits that can be undone is likelier, and what comes out has mean 0 and deviation 1."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3, 5, 20, 100]))
    kinds = (
        rng.normal(size=n), rng.lognormal(0, 3, n), rng.standard_cauchy(n), rng.integers(0, 4, n) * 1.0,
        rng.exponential(size=n) ** 3, rng.choice([0.0, 1.0, 1e6, -3.0], n),
    )  # fmt: skip
    x = kinds[seed % 6] * 10.0 ** rng.integers(-6, 7) * rng.choice([-1, 1]) + rng.choice([0, 0, 0, 1, 100, 1e5, -1e4])
    if x.min() == x.max():
        x[0] += 1.0
    step = fit_blocks(Power(), np.array_split(x[:, None], min(n, 3)), ["x"])
    moments = step.states[2]
    assert isinstance(moments, LocalMoments)
    limits = Likelihood.of(moments, 0, 0, (float(x.min()), float(x.max())))
    powers = np.linspace(limits.least, limits.most, 101).tolist()
    powers = [p for p in powers if limits.undone(1.01 * p - 0.01)]  # not just at the last that can be
    best = max(likelihood(x, power) for power in np.array(powers, np.longdouble))
    assert likelihood(x, np.longdouble(exponent(step.fitted))) >= best - 1e-9
    y = step.fitted(Block.of(x[:, None]))
    assert abs(y.mean()) <= 1e-6
    assert abs(y.std() - 1.0) <= 1e-6


@pytest.mark.parametrize(
    ("x", "told"), [([5.0] * 999 + [5.0001], True), ([0.0] * 5 + [1.0] * 95, False), ([3.0, 3.0], False)]
)
def test_a_power_that_ends_at_its_limit_is_told(x: list[float], told: bool) -> None:
    said: list[str] = []
    for method in (Power(), Power(lambda_=1.0)):
        step = fit_blocks(method, [np.array(x)[:, None]], ("a\n",))
        warn_of_columns(Parameters((step,), (Field("a\n", "float64"),)), said.append)
    assert [w.endswith("it ends at the steepest in a\\n") for w in said if "power" in w] == [True] * told


SPIKE = np.r_[np.zeros(200), np.ones(20), np.full(5, 2.0), 3.0, 1000.0, 50000.0]


def there_and_back(step: Step, x: Array) -> Array:
    return step.restored(Block.of(step.normalized(Block.of(x[:, None]))))[:, 0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e12])
def test_the_likeliest_power_is_held_to_what_can_be_undone(sign: float, factor: float) -> None:
    """Of 1000 and 50000 the likeliest, λ = −5.6, makes the same double."""
    x = sign * factor * SPIKE
    np.testing.assert_allclose(there_and_back(fit(x), x), x, rtol=0, atol=1e-12 * np.abs(x).max())


@pytest.mark.parametrize("learned", [(-5.5625159206030315, 0.0, 0.02173481730728973, 0.05809146319833992), None])
def test_what_a_power_has_lost_is_refused_with_its_row(learned: tuple[float, ...] | None) -> None:
    """By an old parameter file, or a power that was given: what is left comes back, the rest is refused."""
    step = fit(SPIKE, Power(lambda_=None if learned else -5.0))
    if learned:
        step = replace(step, transform=Learned(*np.array(learned).reshape(4, 1, 1)))
    np.testing.assert_allclose(there_and_back(step, SPIKE[:226]), SPIKE[:226], rtol=0, atol=5e-8)
    with pytest.raises(BadRowError, match=r"column 'x': .* can't be undone") as error:
        there_and_back(step, SPIKE)
    assert error.value.row == 226


@pytest.mark.parametrize(("value", "power"), [(2.0, -1.0), (1e300, -1.0), (-2.0, 3.0), (-1e300, 3.0)])
def test_what_is_beyond_all_powers_is_refused(value: float, power: float) -> None:
    """ψ stays below 1 for λ = −1, above −1 for λ = 3."""
    x = np.linspace(-0.5, 0.5, 11)
    step = replace(fit(x), transform=Learned(*np.array([power, 0.0, 0.0, 1.0]).reshape(4, 1, 1)))
    np.testing.assert_allclose(there_and_back(step, x), x, rtol=0, atol=5e-13)
    with pytest.raises(BadRowError, match="can't be undone"):
        step.restored(Block.of([[0.1], [value]]))


EIGHT = np.arange(8) * 0.125
NARROW: dict[str, tuple[Array, Array]] = {
    "1e15": (1e15 + EIGHT, (EIGHT - EIGHT.mean()) / EIGHT.std()),
    "-1e15": (-1e15 - EIGHT, (EIGHT.mean() - EIGHT) / EIGHT.std()),
    "a last place": (np.r_[np.ones(9), 1.0 + 2.0**-52], np.r_[np.full(9, -1 / 3), 3.0]),
    "a last place down": (np.r_[np.ones(9), 1.0 - 2.0**-53], np.r_[np.full(9, 1 / 3), -3.0]),
    "a last place of 1e19": (np.r_[np.full(3, 1e19), 1e19 + 2048.0], np.r_[np.full(3, -1.0), 3.0] / 3.0**0.5),
}


@pytest.mark.parametrize("case", NARROW)
def test_values_a_few_last_places_apart_keep_their_scores(case: str) -> None:
    """Without a word: no power that the values tell apart is likelier."""
    x, expected = NARROW[case]
    step = fit(x)
    said: list[str] = []
    warn_of_columns(Parameters((step,), (Field("x", "float64"),)), said.append)
    np.testing.assert_allclose(step.normalized(Block.of(x[:, None]))[:, 0], expected, atol=1e-7)
    assert not said


@hypothesis.settings(max_examples=examples(100))
@hypothesis.given(
    x=arrays(np.int64, st.integers(3, 40), elements=st.integers(0, 300)),
    at=st.sampled_from([1.0, -1.0, 3.7, 1e-3, 1e5, -1e15, 7e19]),
)
def test_narrow_columns_have_mean_0_and_deviation_1(x: NDArray[np.int64], at: float) -> None:
    x[0], x[1] = 0, max(1, x.max())
    narrow = at + x * np.spacing(at)
    y = fit(narrow).normalized(Block.of(narrow[:, None]))[:, 0]
    assert abs(y.mean()) <= 1e-6
    assert abs(y.std() - 1.0) <= 1e-6
    assert (np.diff(y[np.argsort(narrow)]) >= 0).all()


@hypothesis.given(st.floats(-6.0, 8.0), st.floats(-1e3, 1e3), st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_what_rounding_may_move_is_bound_by_the_steeper_side_and_the_ends(
    exponent: float, origin: float, values: list[float]
) -> None:
    """But for an eighth: φ is moved by some last places, and that is rounded to whole ones."""
    x = np.array(values)
    phi = forth(x, exponent, origin)
    hypothesis.assume(np.isfinite(phi).all())
    made = Learned(*(np.array([[a]]) for a in (exponent, origin, 0.0, 1.0)))
    restored = back(phi, exponent, origin)
    of_rows = np.asarray(made.rounding(Block((phi,)), restored, 0, -1.0))
    with np.errstate(all="ignore"):
        for side in (-PLACES, PLACES):
            end = back(phi + side * 2.0 * np.abs(phi), exponent, origin, 1.0)
            noise = 1e-13 * (1.0 + np.abs(restored) + abs(origin))
            assert (np.abs(end - restored) <= of_rows * 1.125 + noise)[np.isfinite(of_rows)].all()
        bound = made.rounding(Block((phi,)), restored, 0, np.inf)
    assert (of_rows <= bound * 1.125 + noise).all()
