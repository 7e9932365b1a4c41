"""batch, batch-renorm, batch-instance and switchable: against PyTorch, and their papers' equations written plainly."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, NotInvertibleError, UsageError
from normcli.methods import Method
from normcli.methods.batch import Batch
from normcli.methods.batch_instance import BatchInstance
from normcli.methods.batch_renorm import BatchRenorm
from normcli.methods.layer import Layer
from normcli.methods.switchable import Switchable
from normcli.parameters import Step
from normcli.stats.running import Running
from tests.methods import exact

TORCH: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "torch" / "references.json").read_text())
DRAW = np.random.default_rng(9)
X = DRAW.normal(size=(23, 6)) * [1, 2, 3, 1, 1, 1] + [0, 5, -1, 2, 2, 2]  # three channels of two positions
B, M, EPS = 5, 0.1, 1e-5


def fitted(method: Method, x: Any = X) -> Step:
    return fit_blocks(method, np.array_split(np.asarray(x), 3), [f"x{j}" for j in range(np.shape(x)[1])])


def applied(method: Method, x: Any = X, *, training: bool = False) -> Array:
    transform = fitted(method, x).fitted
    return (transform.training() if training else transform)(Block.of(x))


# -- against PyTorch ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_is_pytorchs(momentum: float | None) -> None:
    method = Batch(
        batch_size=TORCH["batch_size"], momentum=momentum, start="torch" if momentum else None,
        channels=TORCH["channels"],
        gamma=tuple(TORCH["gamma"]), beta=tuple(TORCH["beta"]),
    )  # fmt: skip
    wanted, x = TORCH["batch"][str(momentum)], TORCH["x"]
    np.testing.assert_allclose(applied(method, x), wanted["evaluation"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(applied(method, x, training=True), wanted["training"], rtol=0, atol=1e-12)


# -- the papers' equations, one batch after the other ------------------------------------------------------------
def batches(x: Array, size: int = B) -> list[Array]:
    """Channel by channel: (rows, channels, positions)."""
    parts = [x[a : a + size] for a in range(0, len(x), size)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return [p.reshape(len(p), 3, -1) for p in parts]


def ran(numbers: list[Array], m: float | None = M) -> Array:
    """A running average that forgets what it began with."""
    if m is None:
        return np.mean(numbers, axis=0)
    r = np.zeros_like(numbers[0])
    for number in numbers:
        r = (1 - m) * r + m * number
    return r / (1 - (1 - m) ** len(numbers))


def whole(parts: list[Array]) -> Array:
    return np.concatenate([p.reshape(len(p), -1) for p in parts])


def unbiased(p: Array) -> Array:
    return p.var(axis=(0, 2), ddof=1)


@pytest.mark.parametrize("momentum", [0.1, 0.9, 1.0, None])
@pytest.mark.parametrize("size", [2, 5, 11, 22, 100])
def test_batch_runs(size: int, momentum: float | None) -> None:
    parts = batches(X, size)
    mean, var = ran([p.mean(axis=(0, 2)) for p in parts], momentum), ran([unbiased(p) for p in parts], momentum)
    got = applied(Batch(batch_size=size, momentum=momentum, channels=3))
    z = (X.reshape(-1, 3, 2) - mean[:, None]) / np.sqrt(var + EPS)[:, None]
    np.testing.assert_allclose(got, z.reshape(X.shape), rtol=1e-13, atol=1e-13)
    trained = [(p - p.mean((0, 2), keepdims=True)) / np.sqrt(p.var((0, 2), keepdims=True) + EPS) for p in parts]
    got = applied(Batch(batch_size=size, momentum=momentum, channels=3), training=True)
    np.testing.assert_allclose(got, whole(trained), rtol=1e-13, atol=1e-13)


def test_batch_of_sizes() -> None:
    """--norm l1 (Wu et al. 2018), and mean-only (Salimans and Kingma 2016)."""

    def s(p: Array) -> Array:
        return np.sqrt(np.pi / 2) * np.abs(p - p.mean((0, 2), keepdims=True)).mean(axis=(0, 2))

    parts = batches(X)
    mean, size = ran([p.mean(axis=(0, 2)) for p in parts]), ran([s(p) for p in parts])
    z = (X.reshape(-1, 3, 2) - mean[:, None]) / (size + EPS)[:, None]
    np.testing.assert_allclose(applied(Batch(batch_size=B, norm="l1", channels=3)), z.reshape(X.shape), rtol=1e-12)
    trained = [(p - p.mean((0, 2), keepdims=True)) / (s(p) + EPS)[:, None] for p in parts]
    got = applied(Batch(batch_size=B, norm="l1", channels=3), training=True)
    np.testing.assert_allclose(got, whole(trained), rtol=1e-12, atol=1e-14)
    centred = (X.reshape(-1, 3, 2) - mean[:, None]).reshape(X.shape)
    got = applied(Batch(batch_size=B, mean_only=True, channels=3))
    np.testing.assert_allclose(got, centred, rtol=1e-12, atol=1e-14)
    trained = [p - p.mean((0, 2), keepdims=True) for p in parts]
    got = applied(Batch(batch_size=B, mean_only=True, channels=3), training=True)
    np.testing.assert_allclose(got, whole(trained), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("limits", [(3.0, 5.0), (1.1, 0.05), (1.0, 0.0), (1e300, 1e300), (None, 0.01), (1.01, None)])
def test_batch_renorm(limits: tuple[float | None, float | None]) -> None:
    """Ioffe (2017), algorithm 1, by what was learned."""
    rmax, dmax = limits
    parts = batches(X)
    mean = ran([p.mean(axis=(0, 2)) for p in parts])[:, None]
    sigma = ran([np.sqrt(p.var(axis=(0, 2)) + EPS) for p in parts])[:, None]
    method = BatchRenorm(batch_size=B, channels=3, rmax=rmax, dmax=dmax, gamma=2.0, beta=(1.0, 2.0, 3.0))
    running = ((X.reshape(-1, 3, 2) - mean) / sigma * 2.0 + np.array([[1.0], [2.0], [3.0]])).reshape(X.shape)
    np.testing.assert_allclose(applied(method), running, rtol=1e-12, atol=1e-13)
    trained = []
    for p in parts:
        own, by = p.mean((0, 2), keepdims=True), np.sqrt(p.var((0, 2), keepdims=True) + EPS)
        most, furthest = rmax or np.inf, np.inf if dmax is None else dmax
        r, d = np.clip(by / sigma, 1 / most, most), np.clip((own - mean) / sigma, -furthest, furthest)
        trained.append(((p - own) / by * r + d) * 2.0 + np.array([[1.0], [2.0], [3.0]]))
    got = applied(method, training=True)
    np.testing.assert_allclose(got, whole(trained), rtol=1e-12, atol=1e-13)
    if limits == (1e300, 1e300):
        np.testing.assert_allclose(got, running, rtol=1e-12, atol=1e-13)


def test_renorm_without_limits_is_the_running_form_exactly() -> None:
    method = BatchRenorm(batch_size=B, rmax=None, dmax=None)
    np.testing.assert_array_equal(applied(method, training=True), applied(method))


def instances(x: Array) -> Array:
    t = x.reshape(-1, 3, 2)
    return (t - t.mean(axis=2, keepdims=True)) / np.sqrt(t.var(axis=2, keepdims=True) + EPS)


@pytest.mark.parametrize("training", [False, True])
def test_batch_instance(training: bool) -> None:
    """Nam and Kim (2018), eq. 4."""
    rho = np.array([0.0, 0.25, 1.0])[:, None]
    parts = batches(X)
    mean, var = ran([p.mean(axis=(0, 2)) for p in parts])[:, None], ran([unbiased(p) for p in parts])[:, None]
    of_batch = (X.reshape(-1, 3, 2) - mean) / np.sqrt(var + EPS)
    if training:
        z = [(p - p.mean((0, 2), keepdims=True)) / np.sqrt(p.var((0, 2), keepdims=True) + EPS) for p in parts]
        of_batch = np.concatenate(z)
    wanted = (rho * of_batch + (1 - rho) * instances(X)) * np.array([[1], [2], [3]]) - 0.5
    method = BatchInstance(batch_size=B, channels=3, rho=(0.0, 0.25, 1.0), gamma=(1.0, 2.0, 3.0), beta=-0.5)
    got = applied(method, training=training)
    np.testing.assert_allclose(got, wanted.reshape(X.shape), rtol=1e-12, atol=1e-12)


def switched(x: Array, logits: Any, others: Any, mean: Array, var: Array) -> Array:
    """Luo et al. (2019), eq. 3, (rows, channels, positions) by batch statistics that go with it."""
    w, v = (np.exp(k) / np.exp(k).sum() for k in (np.array(logits), np.array(others)))
    means = x.mean(axis=2, keepdims=True), x.mean(axis=(1, 2), keepdims=True), mean
    variances = x.var(axis=2, keepdims=True), x.var(axis=(1, 2), keepdims=True), var
    middle = sum(a * b for a, b in zip(w, means, strict=True))
    return (x - middle) / np.sqrt(sum(a * b for a, b in zip(v, variances, strict=True)) + EPS)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("logits", "others"), [((0, 0, 0), (0, 0, 0)), ((1.0, -2.0, 0.5), (0.3, 0.0, -1.0)), ((900.0, 0.0, -900.0),) * 2]
)
def test_switchable(logits: Any, others: Any, training: bool) -> None:
    parts = batches(X)
    if training:
        wanted = [
            switched(p, np.subtract(logits, max(logits)), others - np.max(others), p.mean((0, 2), keepdims=True),
                     p.var((0, 2), keepdims=True)) for p in parts
        ]  # fmt: skip
    else:
        mean, var = ran([p.mean(axis=(0, 2)) for p in parts])[:, None], ran([unbiased(p) for p in parts])[:, None]
        t = X.reshape(-1, 3, 2)
        wanted = [switched(t, np.subtract(logits, max(logits)), others - np.max(others), mean, var)]
    method = Switchable(batch_size=B, channels=3, mean_weights=logits, var_weights=others)
    got = applied(method, training=training)
    np.testing.assert_allclose(got, np.concatenate(wanted).reshape(X.shape), rtol=1e-12, atol=1e-12)


def test_switchable_in_training_does_not_depend_on_what_was_learned() -> None:
    """Weights do not sum to 1 to the bit: it would be seen at means that are far from those of the batch."""
    method = Switchable(batch_size=B, channels=3, mean_weights=(1.0, -2.0, 0.5), var_weights=(0.3, 0.0, -1.0))
    names = [f"x{j}" for j in range(6)]
    near, far = (fit_blocks(method, [X + shift], names).fitted.training()(Block.of(X)) for shift in (0.0, 1e6))
    np.testing.assert_array_equal(far, near)


def test_switchable_with_all_weight_on_the_layer_is_layer() -> None:
    method = Switchable(channels=3, mean_weights=(-800.0, 0.0, -800.0), var_weights=(-800.0, 0.0, -800.0))
    np.testing.assert_allclose(applied(method), applied(Layer()), rtol=1e-13, atol=1e-13)


# -- against fractions -------------------------------------------------------------------------------------------
FAR = {
    "mean 100, deviation 0.01": 100.0 + 0.01 * DRAW.normal(size=(30, 6)),
    "offset 2000": 2000.0 + DRAW.normal(size=(30, 6)),
    "1e30 in float32": (1e30 * DRAW.normal(size=(30, 6))).astype(np.float32).astype(np.float64),
}


@pytest.mark.parametrize("x", FAR.values(), ids=FAR)
def test_batch_is_right_to_13_digits(x: Array) -> None:
    rows = [list(map(exact.Fraction, row)) for row in x.tolist()]
    parts = [rows[a : a + 10] for a in range(0, 30, 10)]
    columns = [[[row[j] for row in part] for part in parts] for j in range(6)]
    trained = [[exact.standardized(part, EPS) for part in column] for column in columns]
    wanted = [[z for part in column for z in part] for column in trained]
    got = applied(Batch(batch_size=10), x, training=True)
    assert exact.furthest(got.T.tolist(), wanted) <= 1e-13
    wanted = []
    for column in columns:
        mean = exact.mean([exact.mean(part) for part in column])
        by = exact.root(exact.mean([exact.variance(part, 1) for part in column]) + exact.Fraction(EPS))
        wanted.append([(v - mean) / by for part in column for v in part])
    got = applied(Batch(batch_size=10, momentum=None), x)
    assert exact.furthest(got.T.tolist(), wanted) <= 1e-13


@pytest.mark.parametrize("x", [FAR["mean 100, deviation 0.01"], FAR["offset 2000"]], ids=["100", "2000"])
@pytest.mark.parametrize("training", [False, True])
def test_mixtures_do_not_cancel(x: Array, training: bool) -> None:
    """Whatever is added to all values; what it takes from them in rounding is not ours."""
    shift = np.rint(x.mean())
    near = x - shift  # exact, or nearly
    for method in (Switchable(batch_size=10, channels=3), BatchInstance(batch_size=10, channels=3)):
        got, wanted = applied(method, x, training=training), applied(method, near, training=training)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-13 * np.abs(wanted).max())


# -- edges -------------------------------------------------------------------------------------------------------
def test_a_last_row_joins_the_batch_before() -> None:
    x = X[:11]
    step = fitted(Batch(batch_size=5), x)
    (running,) = (s for s in step.states if isinstance(s, Running))
    assert (running.updates == 2).all()
    got = applied(Batch(batch_size=5, eps=0.0), x, training=True)[5:]
    np.testing.assert_allclose(got, (x[5:] - x[5:].mean(axis=0)) / x[5:].std(axis=0), rtol=1e-13, atol=1e-13)


def test_a_batch_with_one_value_is_no_update() -> None:
    x = X.copy()
    x[5:9, 0] = x[5:10, 1] = np.nan
    without = np.delete(X[:, :1], np.s_[5:10], axis=0)
    got, wanted = fitted(Batch(batch_size=5), x).fitted, fitted(Batch(batch_size=5), without).fitted
    for name in ("mean", "scale"):
        np.testing.assert_allclose(getattr(got, name)[0, 0], getattr(wanted, name)[0, 0], rtol=1e-14)
    y = got.training()(Block.of(x))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    assert y[9, 0] == 0.0


def test_no_batch_with_two_values_is_refused_but_where_torch_begins() -> None:
    x = [[1.0, 5.0], [np.nan, 6.0], [2.0, 7.0], [np.nan, 9.0]]
    with pytest.raises(BadDataError, match="no batch has two values in x0"):
        fitted(Batch(batch_size=2), x)
    learned: Any = fitted(Batch(batch_size=2, start="torch", eps=0.0), x).fitted
    assert (learned.mean[0, 0], learned.scale[0, 0]) == (0.0, 1.0)


@pytest.mark.parametrize("method", [BatchInstance(batch_size=4, channels=3), Switchable(batch_size=4, channels=3)])
@pytest.mark.parametrize("training", [False, True])
def test_a_row_that_misses_a_value_has_its_place_but_counts_for_nothing(method: Method, training: bool) -> None:
    x = X.copy()
    x[2, 3] = np.nan
    emptied = x.copy()
    emptied[2] = np.nan
    got = applied(method, x, training=training)
    assert np.isnan(got[2]).all()
    np.testing.assert_array_equal(got, applied(method, emptied, training=training))


def test_a_constant_column_in_batches_is_exact() -> None:
    x = np.column_stack([np.full(23, 0.1), X[:, 0]])
    for training in (False, True):
        assert not applied(Batch(batch_size=5, eps=0.0), x, training=training)[:, 0].any()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_squares_of_a_batch_beyond_a_float_are_told_not_zero() -> None:
    huge = np.array([[1e200, 1.0] * 3, [-1e200, 2.0] * 3, [3e200, 4.0] * 3])
    for method in (Batch(batch_size=5), Switchable(batch_size=5, channels=3), BatchInstance(batch_size=5, channels=3)):
        assert np.isinf(fitted(method).fitted.training()(Block.of(huge))).any()


@pytest.mark.parametrize("method", [Batch(batch_size=5), BatchRenorm(batch_size=5), Batch(batch_size=5, norm="l1")])
def test_running_forms_can_be_undone_and_training_can_not(method: Method) -> None:
    step = fitted(method)
    back = step.fitted.inverse(Block.of(step.fitted(Block.of(X))))
    np.testing.assert_allclose(back, X, rtol=0, atol=1e-13)
    with pytest.raises(NotInvertibleError, match="batch"):
        step.fitted.training().inverse(Block.of(X))
    with pytest.raises(NotInvertibleError, match="γ of 0"):
        fitted(Batch(gamma=0.0)).fitted.check_invertible()


def test_training_is_for_methods_of_batches() -> None:
    with pytest.raises(UsageError, match="--training"):
        fitted(Layer()).fitted.training()


@pytest.mark.parametrize("momentum", [0.1, None])
def test_halves_cut_between_batches_merge_to_the_whole(momentum: float | None) -> None:
    blank = Running(size=5, momentum=momentum)
    halves, together = blank.of(Block.of(X[:10])).merge(blank.of(Block.of(X[10:]))), blank.of(Block.of(X))
    for name in blank.axes():
        np.testing.assert_allclose(getattr(halves, name), getattr(together, name), rtol=1e-14, atol=1e-15)
