"""The accuracy that is promised, against exact fractions of the same doubles, whatever the size of the blocks."""

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from normcli import kernel
from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError
from normcli.kernel import SWITCH
from normcli.methods import Method
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.spectral import Spectral
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Step
from normcli.stats import Statistic
from normcli.stats.comoments import Comoments
from normcli.stats.moments import Moments
from tests.conftest import longer

NIST = Path(__file__).parents[1] / "data" / "nist"
SETS = ("Lew", "Lottery", "Mavro", "Michelso", "NumAcc1", "NumAcc2", "NumAcc3", "NumAcc4", "PiDigits")
GATE = 14.5  # digits

SIZES = (1, 7, 64, 1000, None)  # of a block, in rows; None is one block of all


def of_size(*long: int | None) -> pytest.MarkDecorator:
    """Every size of blocks, those for which make test has no time in make soak."""
    sizes = [pytest.param(size, marks=pytest.mark.soak if size in long else ()) for size in SIZES]
    return pytest.mark.parametrize("size", sizes, ids=lambda n: "all" if n is None else str(n))


every_size = of_size()
most_sizes = of_size(1, 64)  # row by row, each row takes Python half a millisecond


# -- exact -------------------------------------------------------------------------------------------------------
def whole_numbers(x: Array) -> tuple[list[int], int]:
    """x as whole numbers over 2**shift, exactly."""
    mantissas, exponents = np.frexp(x)
    shift = max(0, 53 - int(exponents.min()))
    digits = np.ldexp(mantissas, 53).astype(np.int64).tolist()
    return [m << int(e) - 53 + shift for m, e in zip(digits, exponents, strict=True)], shift


def mean_and_squares(x: Array) -> tuple[Fraction, Fraction]:
    """Mean, and sum of the squared deviations from it."""
    values, shift = whole_numbers(x)
    total, n = sum(values), len(values)
    squares = Fraction(n * sum(v * v for v in values) - total * total, n << 2 * shift)
    return Fraction(total, n << shift), squares


def root(x: Fraction) -> Fraction:
    """√x to 60 digits and more."""
    return Fraction(math.isqrt(x.numerator * x.denominator << 800), x.denominator << 400)


def digits(got: Fraction, exact: Fraction) -> float:
    """How many decimal digits agree."""
    return math.inf if got == exact else -math.log10(abs((got - exact) / exact))


# -- got ---------------------------------------------------------------------------------------------------------
def pieces(x: Array, size: int | None) -> Iterator[Array]:
    return (x[i : i + (size or len(x))] for i in range(0, len(x), size or len(x)))


def names(x: Array) -> list[str]:
    return [f"x{j}" for j in range(x.shape[1])]


def learned_mean(step: Step, j: int) -> Fraction:
    learned = asdict(step.fitted)
    hi, lo = ("center", "center_low") if "center" in learned else ("mean", "mean_low")
    return Fraction(learned[hi][0, j]) + Fraction(learned[lo][0, j])


def assert_gate(x: Array, size: int | None, exact: list[tuple[Fraction, Fraction]] | None = None) -> None:
    """Mean and std of both kinds, as learned and as people read them, to 14.5 digits."""
    step = fit_blocks(ZScore(), pieces(x, size), names(x))
    of_sample = Step(ZScore(ddof=1), step.columns).learn(step.states)
    for j, (mean, squares) in enumerate(exact or map(mean_and_squares, x.T)):
        assert digits(learned_mean(step, j), mean) >= GATE
        assert digits(Fraction(step.summary()["mean"][j]), mean) >= GATE
        assert digits(Fraction(step.summary()["std"][j]), root(squares / len(x))) >= GATE
        assert digits(Fraction(asdict(step.fitted)["scale"][0, j]), root(squares / len(x))) >= GATE
        assert digits(Fraction(asdict(of_sample.fitted)["scale"][0, j]), root(squares / (len(x) - 1))) >= GATE


# -- mean and deviation ------------------------------------------------------------------------------------------
@cache
def nist(name: str) -> Array:
    """(rows, 1)"""
    return np.array([[float(line)] for line in (NIST / f"{name}.csv").read_text().split()[1:]])


@pytest.mark.parametrize("name", ["Lew", "Mavro", "Michelso", "NumAcc1"])
def test_nist_row_by_row(name: str) -> None:
    assert_gate(nist(name), 1)


@most_sizes
@pytest.mark.parametrize("name", SETS)
def test_nist(name: str, size: int | None) -> None:
    assert_gate(nist(name), size)


@pytest.mark.parametrize("name", SETS)
def test_nist_as_certified(name: str) -> None:
    """To the 15 digits that are certified and what rounding the data to doubles leaves of them: at most half a unit
    in the last place of the mean, and as much (their root mean square) of the deviation."""
    certified = json.loads((NIST / "certified.json").read_text())["datasets"][name]
    x = nist(name)
    assert len(x) == certified["n"]
    step = fit_blocks(ZScore(ddof=1), [x], ["y"])
    mean, std = Fraction(certified["mean"]), Fraction(certified["sd_n_minus_1"])
    ulp = Fraction(0) if (x == np.rint(x)).all() else Fraction(np.spacing(np.abs(x).max())) / 2
    assert abs(learned_mean(step, 0) - mean) <= ulp + Fraction(1e-14) * abs(mean)
    scale = Fraction(asdict(step.fitted)["scale"][0, 0])
    assert abs(scale - std) <= ulp * Fraction(len(x), len(x) - 1) + Fraction(1e-14) * std
    assert (step.summary()["min"][0], step.summary()["max"][0]) == (float(certified["min"]), float(certified["max"]))


def random_columns(rows: int) -> Array:
    """A ramp, and uniform numbers at 0, 1e8 and 1e12."""
    u = np.random.default_rng(7).uniform(size=(rows, 3))
    return np.column_stack([np.arange(rows), u[:, 0], 1e8 + u[:, 1], 1e12 + u[:, 2]])


@cache
def exact_columns(rows: int) -> list[tuple[Fraction, Fraction]]:
    return [mean_and_squares(column) for column in random_columns(rows).T]


@of_size(1, 7)
def test_a_ramp_and_offsets_of_20000_rows(size: int | None) -> None:
    assert_gate(random_columns(20_000), size, exact_columns(20_000))


def test_a_ramp_and_offsets_row_by_row() -> None:
    """Of 1,000 rows, for each block takes Python half a millisecond."""
    assert_gate(random_columns(1000), 1, exact_columns(1000))


@pytest.mark.parametrize("size", [*longer(1000, 65_536), None], ids=str)
def test_a_million_rows(size: int | None) -> None:
    """Blocks of 64 and fewer rows see fewer rows below: Python takes 0.1 ms for each block."""
    assert_gate(random_columns(1_000_000), size, exact_columns(1_000_000))


@pytest.mark.soak
@pytest.mark.parametrize(("size", "rows"), [(64, 250_000), (7, 50_000)])
def test_many_small_blocks(size: int, rows: int) -> None:
    assert_gate(random_columns(rows)[:, 2:], size, exact_columns(rows)[2:])


@pytest.mark.parametrize("order", ["ramp up, a far value last", "a far value first", "far apart halves"])
@most_sizes
def test_orders_that_put_the_centre_off(order: str, size: int | None) -> None:
    u = np.random.default_rng(3).uniform(size=2000)
    far = {
        "ramp up, a far value last": np.append(np.sort(u), 1e9),
        "a far value first": np.append(-1e9, u),
        "far apart halves": np.append(u, u + 1e12),
    }
    assert_gate(far[order][:, None], size)


@most_sizes
def test_columns_of_two_values(size: int | None) -> None:
    assert_gate(two_valued()[0], size)


# -- co-moments --------------------------------------------------------------------------------------------------
def exact_products(x: Array) -> list[list[Fraction]]:
    """Centred co-products of each two columns."""
    n, columns = len(x), [whole_numbers(column) for column in x.T]
    totals = [sum(values) for values, _ in columns]
    return [
        [
            Fraction(n * sum(p * q for p, q in zip(a, b, strict=True)) - totals[i] * totals[j], n << s + t)
            for j, (b, t) in enumerate(columns)
        ]
        for i, (a, s) in enumerate(columns)
    ]


@pytest.fixture(params=["on", "off"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the native kernel, and by BLAS."""
    monkeypatch.setenv(SWITCH, request.param)
    if request.param == "on" and kernel.comoments_lack():
        pytest.skip("the kernel does not compute co-moments here")


both_ways = pytest.mark.usefixtures("either_way")


def assert_products(x: Array, exact: list[list[Fraction]], size: int | None) -> None:
    """|ΔΣij| ≤ 3e-15 · √(Σii Σjj), and the mean to as much of the deviation."""
    step = fit_blocks(Decorrelate(), pieces(x, size), names(x))
    (state,) = (s for s in step.states if isinstance(s, Comoments))
    roots = [root(exact[j][j]) for j in range(len(exact))]
    for i, row in enumerate(exact):
        for j, product in enumerate(row):
            got = Fraction(state.products[0, i, j]) + Fraction(state.products_low[0, i, j])
            assert abs(got - product) <= Fraction(3e-15) * roots[i] * roots[j], (i, j)
        mean = Fraction(sum(whole_numbers(x[:, i])[0]), len(x) << whole_numbers(x[:, i])[1])
        assert abs(learned_mean(step, i) - mean) <= Fraction(1e-14) * max(abs(mean), roots[i] / math.isqrt(len(x)))


@both_ways
@every_size
def test_co_moments_of_collinear_columns(longley: Array, size: int | None) -> None:
    assert_products(longley, exact_products(longley), size)


@both_ways
def test_co_moments_of_real_data(real: Array) -> None:
    exact = exact_products(real)
    for size in (1, 64, None):
        assert_products(real, exact, size)


@cache
def correlated(offset: float) -> tuple[Array, list[list[Fraction]]]:
    """Three correlated columns at an offset, and a ramp; and their exact co-products."""
    u = np.random.default_rng(11).uniform(size=(3000, 3))
    x = np.column_stack([u[:, 0], u[:, 0] + 1e-3 * u[:, 1], u[:, 1] - u[:, 2], np.arange(3000)]) + offset
    return x, exact_products(x)


@both_ways
@most_sizes
@pytest.mark.parametrize("offset", [0.0, 1e8, 1e12])
def test_co_moments_at_an_offset(offset: float, size: int | None) -> None:
    assert_products(*correlated(offset), size)


@cache
def two_valued() -> tuple[Array, list[list[Fraction]]]:
    """Flags, rare and common: equal terms round the same way when they are summed, and nothing averages out."""
    x = (np.random.default_rng(3).uniform(size=(1000, 3)) < [0.05, 0.2, 0.5]).astype(np.float64)
    return x, exact_products(x)


@both_ways
@most_sizes
def test_co_moments_of_columns_of_two_values(size: int | None) -> None:
    assert_products(*two_valued(), size)


@both_ways
@pytest.mark.parametrize("rows", [130, *longer(300, 1000)])
def test_co_moments_of_many_tables_of_flags(rows: int) -> None:
    for seed in range(1000, 1060):
        rng = np.random.default_rng(seed)
        width = int(rng.integers(1, 9))
        x = (rng.uniform(size=(rows, width)) < rng.uniform(size=width)).astype(np.float64)
        assert_products(x, exact_products(x), None)


@both_ways
def test_co_moments_of_a_far_first_row() -> None:
    """The row that everything is centred on at first is the worst one."""
    x = np.random.default_rng(5).normal(size=(3000, 3))
    x[0] = [1e9, -1e9, 1e6]
    exact = exact_products(x)
    for size in (7, 1000, None):
        assert_products(x, exact, size)


# -- values ------------------------------------------------------------------------------------------------------
def exact_scores(x: Array) -> list[Fraction]:
    mean, squares = mean_and_squares(x)
    std = root(squares / len(x))
    return [(Fraction(v) - mean) / std for v in x.tolist()]


@cache
def scored(offset: float) -> tuple[Array, list[Fraction]]:
    """(3000, 1) numbers at an offset, and their exact scores."""
    x = offset + np.random.default_rng(13).uniform(size=(3000, 1))
    return x, exact_scores(x[:, 0])


@most_sizes
@pytest.mark.parametrize("offset", [1e8, 1e12, 1e15])
def test_scores_at_an_offset(offset: float, size: int | None) -> None:
    """|z − exact z| ≤ 1e-14 · max(1, |z|)"""
    x, exact = scored(offset)
    step = fit_blocks(ZScore(), pieces(x, size), ["a"])
    for got, z in zip(step.fitted(Block.of(x))[:, 0].tolist(), exact, strict=True):
        assert abs(Fraction(got) - z) <= Fraction(1e-14) * max(1, abs(z))


@pytest.mark.parametrize("offset", [1e8, 1e12, 1e15])
def test_sphering_one_column_is_its_score_at_an_offset(offset: float) -> None:
    x = offset + np.random.default_rng(17).uniform(size=(3000, 1))
    step = fit_blocks(Whiten(), pieces(x, 64), ["a"])
    for got, z in zip(step.fitted(Block.of(x))[:, 0].tolist(), exact_scores(x[:, 0]), strict=True):
        assert abs(Fraction(got) - z) <= Fraction(1e-14) * max(1, abs(z))


@pytest.mark.parametrize("offset", [1e8, 1e12, 1e15])
def test_scores_at_an_offset_come_back(offset: float) -> None:
    x = offset + np.random.default_rng(19).uniform(size=(3000, 1))
    step = fit_blocks(ZScore(), [x], ["a"])
    back = step.fitted.inverse(Block.of(step.fitted(Block.of(x))))
    np.testing.assert_array_less(np.abs(back - x), 2.1e-16 * offset)  # one unit in the last place


# -- by weight ---------------------------------------------------------------------------------------------------
ROW = st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.floats(2.0**-10, 2.0**10))
TABLE = st.lists(ROW, min_size=2, max_size=12).map(np.array)


def by_weight(blank: Statistic, x: Array, weights: Array, at: int) -> Any:
    """The state of rows in two parts."""
    first, second = (blank.of(Block.of(x[part], weights[part])) for part in (slice(at), slice(at, None)))
    return first.merge(second)


@given(table=TABLE, at=st.integers(0, 12), power=st.integers(-940, 40), offset=st.sampled_from([0.0, 1e8]))
def test_weighted_moments_are_those_of_fractions(table: Array, at: int, power: int, offset: float) -> None:
    """Whatever the unit of the weights: also where squares times these are far below a float."""
    x, weights = table[:, :2] + offset, np.ldexp(table[:, 2], power)
    w = [Fraction(v) for v in weights.tolist()]
    columns = [[Fraction(v) for v in column] for column in x.T.tolist()]
    means = [sum(map(Fraction.__mul__, w, column)) / sum(w) for column in columns]
    away = [[v - mean for v in column] for column, mean in zip(columns, means, strict=True)]
    sigma = [[sum(p * q * r for p, q, r in zip(w, a, b, strict=True)) / sum(w) for b in away] for a in away]
    moments, comoments = by_weight(Moments(), x, weights, at), by_weight(Comoments(), x, weights, at)
    assert comoments.fault() is None
    for i in range(2):
        size = max(float(sigma[i][i]), float(np.ptp(x[:, i])) ** 2 * 1e-3)
        for state in (moments, comoments):
            mean = Fraction(state.mean.flat[i]) + Fraction(state.mean_low.flat[i])
            assert abs(mean - means[i]) <= Fraction(1e-14) * Fraction(math.sqrt(size)) + Fraction(1e-300)
            assert state.summary()["std"].flat[i] == pytest.approx(math.sqrt(sigma[i][i]), rel=1e-12, abs=1e-300)
        for j in range(2):
            reach = math.sqrt(sigma[i][i] * sigma[j][j])
            assert float(comoments.covariance(0)[0, i, j]) == pytest.approx(
                float(sigma[i][j]), abs=1e-13 * reach + 1e-300
            )


@pytest.mark.parametrize("method", [Center(), ZScore(), Decorrelate(), Whiten(rank="auto"), Whiten(eps=0.1)], ids=repr)
@given(seed=st.integers(0, 99), at=st.integers(0, 9), power=st.integers(-900, 40))
def test_weights_in_another_unit_change_no_bit(method: Method, seed: int, at: int, power: int) -> None:
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(9, 2)), rng.uniform(0.1, 3.0, 9)
    one, other = (
        Step(method, ("a", "b")).learn(tuple(by_weight(s, x, w, at) for s in method.statistics))
        for w in (weights, np.ldexp(weights, power))
    )
    for name in one.fitted.axes():
        np.testing.assert_array_equal(getattr(one.fitted, name), getattr(other.fitted, name))


@pytest.mark.parametrize("powers", [(-900, 0), (0, -900), (-900, -500), (-205, -195)])
def test_parts_of_weights_in_units_far_apart(powers: tuple[int, int]) -> None:
    """What counts next to nothing changes nothing; near the limit of what is scaled, both count."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10, 2))
    weights = np.concatenate([np.full(5, 2.0 ** powers[0]), np.full(5, 2.0 ** powers[1])])
    share = weights / weights.max()
    centred = x - share @ x / share.sum()
    expected = (centred * share[:, None]).T @ centred / share.sum()
    got = by_weight(Comoments(), x, weights, 5)
    np.testing.assert_allclose(got.covariance(0)[0], expected, rtol=1e-13)
    np.testing.assert_allclose(by_weight(Moments(), x, weights, 5).variance(0)[0], np.diag(expected), rtol=1e-13)


@pytest.mark.parametrize("method", [ZScore(), Whiten(), Decorrelate(), Spectral()], ids=repr)
def test_squares_that_weights_make_too_small_are_refused_by_name(method: Method) -> None:
    """The one row that is far away counts next to nothing."""
    x, weights = np.array([[0.0, 1.0], [1e-62, 2.0], [0.0, 5.0]]), np.array([1.0, 1e-200, 1.0])
    step = Step(method, ("light", "fine"))
    with pytest.raises(BadDataError, match=r"squared deviations in light \("):
        step.learn(step.measure(Block.of(x, weights)))
