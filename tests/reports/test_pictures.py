"""Pictures: what is drawn is what numpy counts, and matrices are what linear algebra says."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from normcli import api
from normcli.blocks.block import Block
from normcli.drift.measures import measures
from normcli.methods import Method
from normcli.methods.batch import Batch
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.quantile import Quantile
from normcli.methods.spectral import Spectral
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.reports import page
from normcli.reports.distribution import BINS, Bins, Distribution
from normcli.reports.drift_bars import ONE, drift_bars
from normcli.reports.heat_map import MOST, heat_map
from normcli.reports.histogram import BASE, LEFT, RIGHT, TOP, histogram
from normcli.reports.keys import key_table
from normcli.reports.matrices import correlation_of, covariance_after
from normcli.reports.measures import MeasuredDrift
from normcli.reports.quantile_plot import SHARES, of_new
from normcli.reports.scales import Scale, digits_of, number, share
from normcli.reports.scree import scree
from normcli.reports.summaries import summaries
from normcli.reports.svg import polyline, staircase
from normcli.stats.comoments import Comoments
from tests.conftest import examples
from tests.reports.conftest import checked, fitted

RNG = np.random.default_rng(4)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def alone(values: Any) -> Distribution:
    """Of values that stand for a row each."""
    array = np.asarray(values, np.float64)
    return Distribution.of(array, np.ones(len(array)))


def heights(data: str, edges: np.ndarray) -> list[float]:
    """The heights of the bins between edges that a path of moves h and v has."""
    x, y = map(float, re.match(r"M(\S+) (\S+?)(?=[hv]|$)", data).groups())  # type: ignore[union-attr]
    tops = {}
    for kind, amount in re.findall(r"([hv])(-?[\d.]+)", data):
        if kind == "v":
            y += float(amount)
        else:
            tops[round(x, 1)] = y
            x += float(amount)
    starts, ends = sorted(tops), [*sorted(tops)[1:], x]
    found = []
    for left in np.round(edges[:-1], 1).tolist():
        at = [tops[s] for s, e in zip(starts, ends, strict=True) if s - 0.05 <= left < e - 0.05]
        found.append(BASE - at[0] if at else 0.0)
    return found


# -- histograms --------------------------------------------------------------------------------------------------
@given(st.lists(FINITE, min_size=1, max_size=50), st.lists(FINITE, max_size=50))
@settings(max_examples=examples(400, part=8))
def test_bins_hold_all_rows_but_those_beyond_them(fit: list[float], new: list[float]) -> None:
    sides = [alone(fit), *([alone(new)] if new else [])]
    bins = Bins.over(sides[0], sides[1] if new else None)
    assert 1 <= bins.count <= BINS
    assert bins.scale.low < bins.scale.high
    for side in sides:
        lines = side.frequent()
        lines = lines[(lines >= bins.scale.low) & (lines <= bins.scale.high)]
        inside = (side.values >= bins.scale.low) & (side.values <= bins.scale.high)
        counted = (
            side.within(bins, lines).sum()
            + side.shares(lines[(lines >= bins.scale.low) & (lines <= bins.scale.high)]).sum()
        )
        assert counted == pytest.approx(inside.mean(), abs=1e-9)
    assert "nan" not in histogram("x", sides[0], sides[1] if new else None).picture()


def test_the_heights_of_a_histogram_are_the_counts_of_numpy() -> None:
    values = RNG.normal(size=200)
    drawn = histogram("x", alone(values))
    data = re.search(r'class="f" d="([^"]*)"', drawn.body)[1]  # type: ignore[index]
    bins = Bins.over(alone(values), None)
    counts = np.histogram(values, np.linspace(bins.scale.low, bins.scale.high, BINS + 1))[0]
    edges = np.linspace(LEFT, RIGHT, BINS + 1)
    assert heights(data, edges) == pytest.approx((BASE - TOP) * counts / counts.max(), abs=0.51)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=32))
@settings(max_examples=examples(200, part=5))
def test_a_staircase_has_the_heights_that_it_is_given(tops: list[int]) -> None:
    edges = np.linspace(LEFT, RIGHT, len(tops) + 1)
    data = staircase(edges, BASE - np.array(tops, np.float64), BASE)
    assert heights(data, edges) == tops if any(tops) else data == ""


def test_whole_numbers_fall_evenly_into_bins_and_a_tenth_of_the_rows_is_a_line() -> None:
    bins = Bins.over(alone(np.arange(100)), None)
    assert (bins.scale, bins.count) == (Scale(-0.5, 99.5), 25)
    of = alone([0.0] * 12 + list(range(1, 89)))
    assert of.frequent().tolist() == [0.0]
    assert 'class="fl"' in histogram("x", of).body
    assert 'class="fl"' not in histogram("x", alone(np.arange(5) + 0.5)).body  # a fifth each, of one row


def test_a_long_tail_does_not_take_the_picture_but_new_data_beside_the_fit_are_in_it() -> None:
    far = alone([*RNG.normal(size=997), 1e6, -1e6, 2e6])
    assert Bins.over(far, None).scale.high < 10
    near = alone(RNG.normal(size=500))
    both = Bins.over(near, alone(RNG.normal(size=500) + 8)).scale
    assert both.high > 9
    assert Bins.over(near, alone(RNG.normal(size=500) + 1e9)).scale.high < 20
    assert "beyond the picture" in histogram("x", near, alone(RNG.normal(size=500) + 1e9)).picture()


@given(st.lists(FINITE, min_size=1, max_size=40), st.integers(0, 100))
@settings(max_examples=examples(200, part=5))
def test_quantiles_of_single_rows_are_those_of_numpy(values: list[float], percent: int) -> None:
    with np.errstate(all="ignore"):
        wanted = np.quantile(np.array(values) / 4, percent / 100)  # whose differences do not overflow
        found = alone(np.array(values) / 4).quantiles(np.array([percent / 100]))[0]
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9 * max(map(abs, values)))


def test_moments_of_a_distribution_are_those_of_its_rows() -> None:
    values = RNG.normal(size=100) * 1e200
    of = alone(values)
    assert of.mean() == pytest.approx(values.mean())
    assert of.deviation() == pytest.approx(1e200 * (values / 1e200).std())


# -- normalized --------------------------------------------------------------------------------------------------
def test_normalized_values_on_a_line_share_the_picture_and_others_have_their_own() -> None:
    matrix = RNG.lognormal(size=(200, 1))
    same = page(fitted(matrix, ZScore()))
    assert same.count("<use ") == 1
    other = page(fitted(matrix, Quantile(distribution="normal", resolution=100)))
    assert other.count("<use ") == 0
    (column,) = summaries(fitted(matrix, ZScore()), fitted(matrix, ZScore()).sketches, None, None)
    assert column.normalized is not None
    assert column.normalized.values == pytest.approx(np.sort((matrix[:, 0] - matrix.mean()) / matrix.std()))


@pytest.mark.parametrize("method", [Whiten(), Unit(), Decorrelate()])
def test_what_depends_on_other_columns_has_no_picture_by_itself(method: Method) -> None:
    found = checked(page(fitted(RNG.normal(size=(100, 3)), method)))
    assert "not those of one column" in found.text("article")


# -- quantiles and drift -----------------------------------------------------------------------------------------
def test_equal_distributions_lie_on_the_diagonal() -> None:
    of = alone(RNG.normal(size=200))
    drawn = of_new(of, of)
    data = re.search(r'class="n" d="([^"]*)"', drawn)[1]  # type: ignore[index]
    across = LEFT + (RIGHT - LEFT) * Scale(*of.quantiles(SHARES)[[0, -1]].tolist()).at(of.quantiles(SHARES))
    up = BASE - (across - LEFT) / (RIGHT - LEFT) * (BASE - TOP)
    assert data == polyline(across, up)


def test_a_bar_crosses_the_line_where_its_measure_is_drift() -> None:
    def bar(value: float, limit: float, floor: float | None) -> tuple[float, str]:
        nothing = math.nan if floor is None else floor
        drawn = drift_bars(
            [MeasuredDrift("ks", measures()["ks"], value, limit, nothing, value > max(limit, floor or 0))]
        )
        return float(re.search(r"M0 10h([\d.]+)", drawn)[1]), drawn  # type: ignore[index]

    assert bar(0.1, 0.1, None)[0] == ONE
    assert bar(0.15, 0.1, 0.3)[0] == ONE / 2
    assert 'class="t" d="M40 ' in bar(0.15, 0.1, 0.3)[1]
    assert "Beyond what would be drift: ks" in bar(0.5, 0.1, 0.2)[1]
    unknown = drift_bars([MeasuredDrift("ks", measures()["ks"], math.nan, 0.1, math.nan, False)])
    assert "No measure of drift is known" in unknown


# -- matrices ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["zca", "pca", "zca-cor", "pca-cor", "cholesky"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_after_whitening_the_covariance_is_the_identity(kind: Any, ddof: int) -> None:
    matrix = RNG.normal(size=(500, 5)) @ RNG.normal(size=(5, 5)) * [1, 10, 1e4, 1e-3, 1]
    step = fitted(matrix, Whiten(kind=kind, ddof=ddof)).steps[0]
    state = next(s for s in step.states if isinstance(s, Comoments))
    correlation, deviations = correlation_of(state, ddof)
    assert correlation == pytest.approx(np.corrcoef(matrix.T), abs=1e-12)
    after = covariance_after(step, correlation, deviations)
    assert after == pytest.approx(np.eye(5), abs=1e-9)
    assert after == pytest.approx(np.cov(step.normalized(Block.of(matrix)).T, ddof=ddof), abs=1e-9)


def test_matrix_methods_show_correlations_and_a_scree_each_with_its_table() -> None:
    matrix = RNG.normal(size=(300, 4)) * [1, 2, 3, 4]
    for method, words in ((Decorrelate(), "variance of each component"), (Spectral(), "eigenvalues")):
        found = checked(page(fitted(matrix, method)))
        assert words in found.text("figcaption")
        assert found.text("summary").count("as a table") == (3 if isinstance(method, Decorrelate) else 2)


def test_heat_maps_are_drawn_to_64_columns() -> None:
    few, many = (fitted(RNG.normal(size=(200, d)), Spectral()) for d in (MOST, MOST + 1))
    assert "Correlation before of 64 columns" in page(few)
    assert "Correlation before" not in page(many)
    assert "Heat maps are drawn to 64 columns; here are 65." in page(many)


def test_a_heat_map_fills_each_cell_once_by_its_sign() -> None:
    matrix = np.array([[1.0, -0.5, 0.05], [-0.5, 1.0, 0.4], [0.05, 0.4, 1.0]])
    drawn = heat_map("r", matrix, ("a", "b", "c"))
    area = {
        k: sum(int(w) for w in re.findall(r"h(\d+)v1", d)) for k, d in re.findall(r'class="(h\w+)" d="([^"]*)"', drawn)
    }
    assert area == {"hp5": 3, "hn2": 2, "hp2": 2} or area == {"hp5": 3, "hn2": 2, "hp1": 2}
    assert "farthest from 0 off the diagonal are a and b, −0.5" in drawn


def test_the_cumulated_variance_ends_at_all_of_it() -> None:
    drawn = scree(np.array([0.4, 0.3, 0.2, 0.1]))
    assert "the first has 40 %, all 4 have 100 %, the first 3 at least 90 %" in drawn


# -- batches and keys --------------------------------------------------------------------------------------------
def test_batch_methods_show_where_running_statistics_ended_and_say_that_there_is_no_trace() -> None:
    found = checked(page(fitted(RNG.normal(size=(200, 2)), Batch(batch_size=50))))
    assert "after 4 batches of 50 rows" in found.text("p")
    assert "not kept in a parameter file" in found.text("p")


def test_small_multiples_are_of_the_largest_keys_and_the_most_different(tmp_path: Any) -> None:
    rows = np.repeat(np.arange(40), np.arange(40) + 5)
    x = RNG.normal(size=len(rows)) + 6.0 * (rows == 13)
    data = tmp_path / "k.csv"
    data.write_text("key,x\n" + "".join(f"k{k},{v}\n" for k, v in zip(rows, x, strict=True)))
    parameters = api.fit(data, "zscore", by="key")
    found = checked(page(parameters))
    largest = [f"key=k{k}" for k in range(39, 29, -1)]
    assert found.texts["h4"] == [*largest, "key=k13"]
    of = key_table(parameters)
    assert of is not None
    group = parameters.keys.index(("k13",)) + 1
    assert of.means[group, 0] == pytest.approx((x[rows == 13].mean() - x.mean()) / x.std())


def test_a_few_rows_are_not_different_by_chance() -> None:
    parameters = fitted(RNG.normal(size=(100, 1)), ZScore())
    step = parameters.steps[0]
    one = step.measure(Block.of(np.array([[2.0]])))
    states = tuple(type(a).stacked([a, b]) for a, b in zip(step.states, one, strict=True))
    by = replace(parameters, steps=(step.learn(states, ("", "k")),), by=("k",), keys=(("a",),), key_rows=(1,))
    assert "No key differs by more than chance may do." in checked(page(by)).text("p")


# -- numbers -----------------------------------------------------------------------------------------------------
@given(FINITE, st.integers(1, 17))
def test_a_number_as_text_is_it_rounded(x: float, digits: int) -> None:
    read = float(number(x, digits).replace("−", "-").replace(",", ""))
    assert read == pytest.approx(float(f"{x:.{digits}g}"), rel=1e-15, abs=0)


@given(FINITE, FINITE)
def test_ticks_lie_on_their_scale_and_differ(a: float, b: float) -> None:
    scale = Scale.around(min(a, b), max(a, b))
    ticks = scale.ticks()
    places = scale.at(np.array([x for x, _ in ticks]))
    assert 2 <= len(ticks) <= 4
    assert ((places >= -1e-9) & (places <= 1 + 1e-9)).all()


def test_numbers_in_words() -> None:
    values = (0.0, 1234567.0, -0.00001234, 0.1, float("nan"), float("inf"), 1e12, 12345.678)
    assert list(map(number, values)) == ["0", "1.2346e6", "−1.234e−5", "0.1", "–", "∞", "1e12", "12,346"]
    assert list(map(share, (0.0, 0.5, 1e-7, None, -0.02))) == ["0 %", "50 %", "<0.01 %", "–", "−2 %"]
    assert (digits_of(0.0, 1.0), digits_of(1e12, 1e12 + 1), digits_of(3.0, 3.0)) == (5, 17, 5)
