"""Decorrelation and whitening: against their formulas in 60 decimal digits, against scikit-learn, and their laws."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, NotInvertibleError, UsageError
from normcli.methods import Method, _graded
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.whiten import Kind, Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Step
from tests.conftest import examples, longer

KINDS: tuple[Kind, ...] = ("zca", "pca", "zca-cor", "pca-cor", "cholesky")
SETS = ("iris", "wine", "breast_cancer", "diabetes", "longley")
every_kind = pytest.mark.parametrize("kind", KINDS)
every_set = pytest.mark.parametrize("name", SETS)


# -- in 60 digits ------------------------------------------------------------------------------------------------
Exact = list[list[Decimal]]


@dataclass(frozen=True)
class Oracle:
    """Σ of a data set, and what the formulas make of it, rounded at the very end."""

    sigma: Exact
    eigenvalues: list[Decimal]  # of Σ, falling
    vectors: Exact  # U, by columns
    correlation_values: list[Decimal]  # of P
    correlation_vectors: Exact  # G, by columns

    @property
    def s(self) -> list[Decimal]:
        return [self.sigma[j][j].sqrt() for j in range(len(self.sigma))]

    def whitening(self, kind: Kind, rank: int | None = None) -> Array:
        """W of the K greatest directions."""
        return doubles(self.exact_whitening(kind, rank))

    def exact_whitening(self, kind: Kind, rank: int | None = None) -> Exact:
        d = len(self.sigma)
        if kind == "cholesky":
            return lower_inverse(cholesky(self.sigma))
        of_correlation = kind.endswith("-cor")
        values = (self.correlation_values if of_correlation else self.eigenvalues)[:rank]
        vectors = self.correlation_vectors if of_correlation else self.vectors
        w = [[vectors[i][k] / value.sqrt() for i in range(d)] for k, value in enumerate(values)]  # θ^−½ Gᵀ
        if kind.startswith("zca"):
            w = [
                [sum((vectors[i][k] * row[j] for k, row in enumerate(w)), Decimal(0)) for j in range(d)]
                for i in range(d)
            ]
        return [[v / (self.s[j] if of_correlation else 1) for j, v in enumerate(row)] for row in w]


def doubles(matrix: Sequence[Sequence[Decimal]]) -> Array:
    return np.array([[float(v) for v in row] for row in matrix])


def covariance(x: Array) -> Exact:
    n, columns = len(x), [[Decimal(v) for v in column] for column in x.T.tolist()]
    centred = [[v - sum(column) / n for v in column] for column in columns]
    half = [[sum(map(Decimal.__mul__, a, b), Decimal(0)) / n for b in centred[: i + 1]] for i, a in enumerate(centred)]
    return [[half[max(i, j)][min(i, j)] for j in range(len(half))] for i in range(len(half))]


def eigen(matrix: Exact) -> tuple[list[Decimal], Exact]:
    """Eigenvalues, falling, and eigenvectors by columns, by cyclic Jacobi rotations."""
    a, d = [row[:] for row in matrix], len(matrix)
    v = [[Decimal(i == j) for j in range(d)] for i in range(d)]
    for _ in range(60):
        if all(a[p][q] ** 2 <= abs(a[p][p] * a[q][q]) * Decimal("1e-80") for p in range(d) for q in range(p)):
            break
        for p in range(d):
            for q in range(p + 1, d):
                if a[p][q] == 0:
                    continue
                theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
                t = (1 if theta >= 0 else -1) / (abs(theta) + (theta * theta + 1).sqrt())
                c = 1 / (t * t + 1).sqrt()
                s = t * c
                for row in a:
                    row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
                a[p], a[q] = (
                    [c * x - s * y for x, y in zip(a[p], a[q], strict=True)],
                    [s * x + c * y for x, y in zip(a[p], a[q], strict=True)],
                )
                for row in v:
                    row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
    order = sorted(range(d), key=lambda k: -a[k][k])
    return [a[k][k] for k in order], [[row[k] for k in order] for row in v]


def cholesky(matrix: Exact) -> Exact:
    """L, lower, with L Lᵀ the matrix."""
    d = len(matrix)
    low = [[Decimal(0)] * d for _ in range(d)]
    for i in range(d):
        for j in range(i + 1):
            left = matrix[i][j] - sum(low[i][k] * low[j][k] for k in range(j))
            low[i][j] = left.sqrt() if i == j else left / low[j][j]
    return low


def lower_inverse(low: Exact) -> Exact:
    d = len(low)
    out = [[Decimal(0)] * d for _ in range(d)]
    for j in range(d):
        for i in range(j, d):
            out[i][j] = (Decimal(i == j) - sum(low[i][k] * out[k][j] for k in range(j, i))) / low[i][i]
    return out


@cache
def data(name: str) -> Array:
    """(rows, features) of a real data set."""
    if name == "longley":
        path = Path(__file__).parents[1] / "data" / "longley.csv"
        return np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]
    from sklearn import datasets

    return np.asarray(getattr(datasets, f"load_{name}")().data, np.float64)


@cache
def oracle(name: str) -> Oracle:
    with localcontext(prec=60):
        sigma = covariance(data(name))
        s = [sigma[j][j].sqrt() for j in range(len(sigma))]
        correlation = [[v / s[i] / s[j] for j, v in enumerate(row)] for i, row in enumerate(sigma)]
        return Oracle(sigma, *eigen(sigma), *eigen(correlation))


# -- got ---------------------------------------------------------------------------------------------------------
def fitted(method: Method, x: Any, names: Sequence[str] | None = None) -> Step:
    """Fitted on blocks of 50 rows."""
    x = np.asarray(x, np.float64)
    return fit_blocks(method, np.split(x, range(50, len(x), 50)), names or [f"x{j}" for j in range(x.shape[1])])


def normalized(method: Method, x: Array, of: Array | None = None) -> Array:
    return fitted(method, x).fitted(Block.of(x if of is None else of))


def matrix_of(step: Step) -> Array:
    """W, (outputs, features), as the factors give it."""
    learned = asdict(step.fitted)
    forth = (learned["basis"][0] / learned["spread"][0]) @ learned["rotation"][0]
    return np.asarray((forth / learned["scale"][0][:, None]).T)


def deviation_from_sphere(y: Array, ddof: int = 0) -> float:
    """max |cov − I|"""
    return float(np.abs(np.cov(y.T, ddof=ddof) - np.eye(y.shape[1])).max())


def up_to_sign(y: Array, like: Array) -> Array:
    return y * np.sign(np.sum(y * like, axis=0))


# -- whitening ---------------------------------------------------------------------------------------------------
@every_set
@every_kind
def test_whitened_data_have_covariance_one(kind: Kind, name: str) -> None:
    assert deviation_from_sphere(normalized(Whiten(kind=kind), data(name))) <= 1e-9
    assert deviation_from_sphere(normalized(Whiten(kind=kind, ddof=1), data(name)), ddof=1) <= 1e-9


@every_set
@every_kind
def test_w_sigma_w_is_one(kind: Kind, name: str) -> None:
    """By the exact Σ: nothing of the fit's own rounding can hide in it. 1e-11 is what the factors are for."""
    with localcontext(prec=60):
        w = [[Decimal(v) for v in row] for row in matrix_of(fitted(Whiten(kind=kind), data(name))).tolist()]
        sigma = oracle(name).sigma
        half = [[sum(map(Decimal.__mul__, row, column), Decimal(0)) for column in sigma] for row in w]
        product = doubles([[sum(map(Decimal.__mul__, a, b), Decimal(0)) for b in w] for a in half])
    np.testing.assert_allclose(product, np.eye(len(product)), rtol=0, atol=1e-11)


@every_set
@every_kind
def test_each_kind_is_its_formula(kind: Kind, name: str) -> None:
    """Uσ⁻¹Uᵀ, σ⁻¹Uᵀ, GΘ^−½Gᵀs⁻¹, Θ^−½Gᵀs⁻¹ and L⁻¹, compared on the data, where 1 is a standard deviation."""
    x = data(name)
    centred = x - doubles([[sum(map(Decimal, column)) / len(x) for column in x.T.tolist()]])
    expected = centred @ oracle(name).whitening(kind).T
    got = normalized(Whiten(kind=kind), x)
    if kind.startswith("pca"):
        got = up_to_sign(got, expected)
    assert np.abs(got - expected).max() <= 1e-8


@every_set
def test_cholesky_is_triangular_with_a_positive_diagonal(name: str) -> None:
    w = matrix_of(fitted(Whiten(kind="cholesky"), data(name)))
    assert (np.diag(w) > 0).all()
    above = np.triu(w, 1) * np.sqrt(np.diag(doubles(oracle(name).sigma)))
    assert np.abs(above).max() <= 1e-9 * np.abs(w * np.sqrt(np.diag(doubles(oracle(name).sigma)))).max()


@every_set
@pytest.mark.parametrize("kind", ["zca", "zca-cor"])
def test_sphering_turns_nothing(kind: Kind, name: str) -> None:
    """W of zca is symmetric and positive definite; of zca-cor it is so times 1/s."""
    w = matrix_of(fitted(Whiten(kind=kind), data(name)))
    if kind == "zca-cor":
        w = w * np.sqrt(np.diag(doubles(oracle(name).sigma)))
    np.testing.assert_allclose(w, w.T, rtol=0, atol=1e-9 * np.abs(w).max())
    assert (np.diag(w) > 0).all()


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_pca_is_sklearns(name: str) -> None:
    from sklearn.decomposition import PCA

    x = data(name)
    expected = PCA(whiten=True, svd_solver="full").fit_transform(x)
    got = up_to_sign(normalized(Whiten(kind="pca", ddof=1), x), expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@every_set
def test_pca_leaves_no_more_than_sklearns(name: str) -> None:
    from sklearn.decomposition import PCA

    x = data(name)
    theirs = deviation_from_sphere(PCA(whiten=True, svd_solver="full").fit_transform(x), ddof=1)
    assert deviation_from_sphere(normalized(Whiten(kind="pca", ddof=1), x), ddof=1) <= max(theirs, 1e-10)


@every_set
@every_kind
def test_whitening_is_centring_then_sphering(kind: Kind, name: str) -> None:
    x = data(name)
    np.testing.assert_allclose(
        normalized(Whiten(kind=kind), normalized(Center(), x)), normalized(Whiten(kind=kind), x), rtol=0, atol=1e-8
    )


@every_set
@pytest.mark.parametrize("kind", ["zca-cor", "pca-cor"])
def test_kinds_of_the_correlation_do_not_see_units(kind: Kind, name: str) -> None:
    x = data(name)
    units = np.ldexp(1.0, np.arange(x.shape[1]) * 7 - 40)
    expected = normalized(Whiten(kind=kind), x)
    np.testing.assert_allclose(normalized(Whiten(kind=kind), x * units), expected, rtol=0, atol=1e-9)
    of_scores = normalized(Whiten(kind=kind[:3]), normalized(ZScore(), x))
    if kind == "pca-cor":
        of_scores = up_to_sign(of_scores, expected)
    np.testing.assert_allclose(of_scores, expected, rtol=0, atol=1e-8)


@every_kind
@pytest.mark.parametrize("unit", [1e100, 1e-100, 2.0**200])
def test_whitening_does_not_see_one_unit_for_all(kind: Kind, unit: float) -> None:
    x = data("iris")
    expected = normalized(Whiten(kind=kind), x)
    np.testing.assert_allclose(normalized(Whiten(kind=kind), x * unit), expected, rtol=0, atol=1e-9)


@every_kind
@pytest.mark.parametrize("offset", [1e8, 1e10])
def test_whitening_at_an_offset(kind: Kind, offset: float) -> None:
    x = offset + np.random.default_rng(5).normal(size=(500, 4)) @ np.random.default_rng(6).normal(size=(4, 4))
    assert deviation_from_sphere(normalized(Whiten(kind=kind), x)) <= 1e-11


@every_kind
def test_a_row_that_misses_a_value_takes_no_part_and_comes_out_missing(kind: Kind) -> None:
    x = data("iris").copy()
    x[[3, 77], [0, 2]] = np.nan
    gone = np.isnan(x).any(axis=1)
    y = normalized(Whiten(kind=kind), x)
    np.testing.assert_array_equal(np.isnan(y), np.broadcast_to(gone[:, None], y.shape))
    np.testing.assert_allclose(y[~gone], normalized(Whiten(kind=kind), x[~gone]), rtol=0, atol=1e-12)


# -- decorrelation -----------------------------------------------------------------------------------------------
@every_set
def test_decorrelated_variances_are_the_eigenvalues_and_fall(name: str) -> None:
    """Each to 1e-9, and the correlation between components to as much, though the eigenvalues span 12 decades."""
    y = normalized(Decorrelate(), data(name))
    expected = np.array([float(v) for v in oracle(name).eigenvalues])
    np.testing.assert_allclose(y.var(axis=0), expected, rtol=1e-9)
    assert (np.diff(y.var(axis=0)) < 0).all()
    np.testing.assert_allclose(np.corrcoef(y.T), np.eye(y.shape[1]), rtol=0, atol=1e-9)


@every_set
def test_decorrelation_is_its_formula(name: str) -> None:
    """(x − mean) · V, compared in standard deviations of each component."""
    x, exact = data(name), oracle(name)
    centred = x - doubles([[sum(map(Decimal, column)) / len(x) for column in x.T.tolist()]])
    expected = centred @ doubles(exact.vectors)
    got = up_to_sign(normalized(Decorrelate(), x), expected)
    assert (np.abs(got - expected) <= 1e-8 * expected.std(axis=0)).all()


@every_set
def test_decorrelation_only_turns(name: str) -> None:
    v = matrix_of(fitted(Decorrelate(), data(name)))
    np.testing.assert_allclose(v @ v.T, np.eye(len(v)), rtol=0, atol=1e-13)


def test_decorrelation_is_sklearns_pca() -> None:
    from sklearn.decomposition import PCA

    x = data("iris")
    expected = PCA(svd_solver="full").fit_transform(x)
    np.testing.assert_allclose(up_to_sign(normalized(Decorrelate(), x), expected), expected, rtol=0, atol=1e-12)


def test_decorrelation_takes_constants_and_dependent_columns() -> None:
    x = data("iris")
    y = normalized(Decorrelate(), np.column_stack([x, np.full(len(x), 3.0), x[:, 0] + x[:, 1]]))
    np.testing.assert_allclose(y[:, 4:], 0, atol=1e-12)
    np.testing.assert_allclose(np.cov(y[:, :4].T) - np.diag(np.var(y[:, :4], axis=0, ddof=1)), 0, atol=1e-12)


def test_ddof_does_not_turn_components() -> None:
    x = data("wine")
    np.testing.assert_allclose(
        normalized(Decorrelate(ddof=1), x), normalized(Decorrelate(), x), rtol=0, atol=1e-9 * np.abs(x).max()
    )


# -- signs and names ---------------------------------------------------------------------------------------------
@every_set
@pytest.mark.parametrize("method", [Decorrelate(), Whiten(kind="pca"), Whiten(kind="pca-cor")], ids=repr)
def test_the_first_of_the_largest_entries_of_an_eigenvector_is_positive(method: Method, name: str) -> None:
    w = matrix_of(fitted(method, data(name)))
    if method == Whiten(kind="pca-cor"):
        w = w * np.sqrt(np.diag(doubles(oracle(name).sigma)))
    for row in w:
        large = np.flatnonzero(np.abs(row) >= (1 - 2.0**-20) * np.abs(row).max())
        assert row[large[0]] > 0


@pytest.mark.parametrize("method", [Decorrelate(), Whiten(kind="pca"), Whiten(kind="pca-cor")], ids=repr)
def test_rounding_does_not_choose_the_sign_of_a_tie(method: Method) -> None:
    """Two columns give eigenvectors (1, 1) and (1, −1): whichever is larger in the last bit, the first is positive."""
    u = np.random.default_rng(8).normal(size=(400, 1))
    v = np.random.default_rng(9).normal(size=(400, 1))
    for order in (slice(None), slice(None, None, -1)):
        x = np.vstack([np.hstack([u + v, u - v]), np.hstack([u - v, u + v])])[order]
        w = matrix_of(fitted(method, x))
        assert (w[:, 0] > 0).all()


@pytest.mark.parametrize("method", [Decorrelate(), Whiten(kind="pca"), Whiten(kind="pca-cor")], ids=repr)
def test_components_are_called_by_their_number(method: Method) -> None:
    assert fitted(method, data("iris")).outputs == ("pc1", "pc2", "pc3", "pc4")


@pytest.mark.parametrize("kind", ["zca", "zca-cor", "cholesky"])
def test_other_kinds_keep_the_names(kind: Kind) -> None:
    assert fitted(Whiten(kind=kind), data("iris")).outputs == ("x0", "x1", "x2", "x3")


def test_the_prefix_is_ones_own() -> None:
    assert fitted(Decorrelate(prefix="axis", components=2), data("iris")).outputs == ("axis1", "axis2")
    assert fitted(Whiten(kind="pca", prefix="axis", components=1), data("iris")).outputs == ("axis1",)


# -- --components, --rank ----------------------------------------------------------------------------------------
@every_set
@pytest.mark.parametrize("kept", [1, 2, 4])
def test_components_are_the_first_of_all(kept: int, name: str) -> None:
    x = data(name)
    np.testing.assert_array_equal(
        matrix_of(fitted(Decorrelate(components=kept), x)), matrix_of(fitted(Decorrelate(), x))[:kept]
    )
    for kind in ("pca", "pca-cor"):
        some, every = Whiten(kind=kind, components=kept), Whiten(kind=kind)
        np.testing.assert_allclose(normalized(some, x), normalized(every, x)[:, :kept], rtol=0, atol=1e-12)


@every_set
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.95, 0.999, 1 - 1e-12])
def test_a_share_keeps_as_few_components_as_explain_it(share: float, name: str) -> None:
    exact = oracle(name)
    for kind, values in (("pca", exact.eigenvalues), ("pca-cor", exact.correlation_values)):
        shares = np.cumsum([float(v) for v in values]) / float(sum(values))
        step = fitted(Whiten(kind=kind, components=share), data(name))
        assert len(step.outputs) == int(np.count_nonzero(shares < share)) + 1


@pytest.mark.parametrize("method", [Decorrelate(components=5), Whiten(kind="pca", components=5)], ids=repr)
def test_more_components_than_there_are_is_an_error(method: Method) -> None:
    with pytest.raises(BadDataError, match="`components` 5"):
        fitted(method, data("iris"))


@pytest.mark.parametrize("kind", ["zca", "zca-cor", "cholesky"])
def test_components_are_for_kinds_that_have_them(kind: Kind) -> None:
    with pytest.raises(UsageError, match="--components"):
        Whiten(kind=kind, components=2).check()


@every_set
@pytest.mark.parametrize("kind", ["zca", "pca", "zca-cor", "pca-cor"])
def test_rank_k_whitens_the_k_greatest_directions(kind: Kind, name: str) -> None:
    """W of the first K eigenvectors; W Σ Wᵀ is then a projection of rank K, and for the pca kinds the identity."""
    x = data(name)
    centred = x - doubles([[sum(map(Decimal, column)) / len(x) for column in x.T.tolist()]])
    got, expected = normalized(Whiten(kind=kind, rank=2), x), centred @ oracle(name).whitening(kind, rank=2).T
    assert got.shape == expected.shape
    if kind.startswith("pca"):
        got = up_to_sign(got, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)
    product = np.cov(got.T, ddof=0)
    if kind == "zca":
        np.testing.assert_allclose(product @ product, product, rtol=0, atol=1e-9)
    assert np.linalg.matrix_rank(product, tol=1e-6) == 2


@every_set
@pytest.mark.parametrize("kind", ["zca", "pca", "zca-cor", "pca-cor"])
def test_rank_auto_is_full_rank_where_there_is(kind: Kind, name: str) -> None:
    np.testing.assert_array_equal(
        normalized(Whiten(kind=kind, rank="auto"), data(name)), normalized(Whiten(kind=kind), data(name))
    )


@pytest.mark.parametrize("kind", ["zca", "pca", "zca-cor", "pca-cor"])
def test_rank_auto_whitens_what_there_is(kind: Kind) -> None:
    x = data("iris")
    dependent = np.column_stack([x, np.full(len(x), 3.0), x[:, 0] + x[:, 1]])
    y = normalized(Whiten(kind=kind, rank="auto"), dependent)
    cov = np.cov(y.T, ddof=0)
    if kind.startswith("pca"):
        np.testing.assert_allclose(cov, np.eye(4), rtol=0, atol=1e-9)
    else:
        assert y.shape[1] == 6
        np.testing.assert_allclose(cov @ cov, cov, rtol=0, atol=1e-9)
        assert np.trace(cov) == pytest.approx(4)


def test_a_rank_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BadDataError, match=r"`rank` 4.*3 of 4"):
        fitted(Whiten(rank=4), np.column_stack([data("iris")[:, :3], data("iris")[:, 0]]))


def test_rank_does_not_go_with_cholesky() -> None:
    with pytest.raises(UsageError, match="--rank"):
        Whiten(kind="cholesky", rank=2).check()


# -- --eps, --shrinkage ------------------------------------------------------------------------------------------
@every_kind
@pytest.mark.parametrize("eps", [1e-6, 0.1, 10.0])
def test_eps_is_added_before_dividing(kind: Kind, eps: float) -> None:
    """To σ² (zca, pca), to θ (the -cor kinds), to Σ (cholesky)."""
    x = data("iris")
    sigma = np.cov(x.T, ddof=0)
    s = np.sqrt(np.diag(sigma))
    of_correlation = kind.endswith("-cor")
    values, vectors = np.linalg.eigh(sigma / s / s[:, None] if of_correlation else sigma)
    half = (vectors / np.sqrt(values + eps)).T[::-1]
    if kind == "cholesky":
        w = np.linalg.inv(np.linalg.cholesky(sigma + eps * np.eye(4)))
    else:
        w = vectors[:, ::-1] @ half if kind.startswith("zca") else half
        w = w / s if of_correlation else w
    expected = (x - x.mean(axis=0)) @ w.T
    got = normalized(Whiten(kind=kind, eps=eps), x)
    if kind.startswith("pca"):
        got = up_to_sign(got, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)


@every_kind
@pytest.mark.parametrize("share", [0.1, 1.0])
@every_set
def test_shrinkage_whitens_the_shrunk_covariance(kind: Kind, share: float, name: str) -> None:
    """(1 − a)Σ + a·tr(Σ)/d·I, of the correlation for the -cor kinds: W times it times Wᵀ is the identity."""
    from sklearn.covariance import shrunk_covariance

    sigma = np.cov(data(name).T, ddof=0)
    s = np.sqrt(np.diag(sigma)) if kind.endswith("-cor") else np.ones(len(sigma))
    shrunk = shrunk_covariance(sigma / s / s[:, None], shrinkage=share)
    w = matrix_of(fitted(Whiten(kind=kind, shrinkage=share), data(name))) * s
    np.testing.assert_allclose(w @ shrunk @ w.T, np.eye(len(w)), rtol=0, atol=1e-9)


@every_kind
def test_no_shrinkage_and_no_eps_change_no_bit(kind: Kind) -> None:
    expected = normalized(Whiten(kind=kind), data("wine"))
    np.testing.assert_array_equal(normalized(Whiten(kind=kind, shrinkage=0.0, eps=0.0), data("wine")), expected)


@every_kind
@every_set
def test_oas_shrinks_as_much_as_sklearn_says(kind: Kind, name: str) -> None:
    from sklearn.covariance import oas

    x = data(name)
    seen = (x - x.mean(axis=0)) / x.std(axis=0) if kind.endswith("-cor") else x
    share = float(oas(seen)[1])
    np.testing.assert_allclose(
        normalized(Whiten(kind=kind, shrinkage="oas"), x),
        normalized(Whiten(kind=kind, shrinkage=share), x),
        rtol=0, atol=1e-9,
    )  # fmt: skip


@every_kind
@pytest.mark.parametrize("unit", [1e100, 1e-100])
def test_oas_does_not_see_one_unit_for_all(kind: Kind, unit: float) -> None:
    """Deviations up to 1e150 and down to 1e-150 are promised, and OAS has fourth powers of them."""
    x = data("iris")
    method = Whiten(kind=kind, shrinkage="oas")
    np.testing.assert_allclose(normalized(method, x * unit), normalized(method, x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", [Whiten(eps=0.1), Whiten(shrinkage=0.1), Whiten(kind="cholesky", eps=0.1)], ids=repr)
def test_regularized_data_need_no_full_rank(method: Method) -> None:
    x = data("iris")
    y = normalized(method, np.column_stack([x, np.full(len(x), 3.0), x[:, 0]]))
    assert y.shape == (150, 6)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y[:, 4], 0, atol=1e-12)


# -- what is refused ---------------------------------------------------------------------------------------------
def refused(method: Method, x: Array, names: Sequence[str]) -> str:
    with pytest.raises(BadDataError) as caught:
        fitted(method, x, list(names))
    return caught.value.message


def blamed(message: str, names: Sequence[str]) -> list[str]:
    """The columns that the end of a message lists."""
    listed = message.rsplit(": ", 1)[-1].split(", ")
    return [n for n in names if n in listed]


@every_kind
def test_missing_rank_is_refused_with_the_rank_and_the_columns_at_fault(kind: Kind) -> None:
    x = data("iris")
    names = ["one", "flat", "two", "sum", "three", "twice"]
    dependent = np.column_stack([x[:, 0], np.full(150, 3.0), x[:, 1], x[:, 0] + x[:, 1], x[:, 2], 2 * x[:, 2]])
    message = refused(Whiten(kind=kind), dependent, names)
    assert "3 of 6" in message
    assert blamed(message, names) == ["flat", "sum", "twice"]


@every_kind
def test_leaving_out_the_columns_at_fault_makes_the_rest_fit(kind: Kind) -> None:
    rng = np.random.default_rng(12)
    free = rng.normal(size=(300, 5))
    x = np.column_stack([free, free @ rng.normal(size=(5, 4)), np.ones(300)])[:, rng.permutation(10)]
    names = [f"x{j}" for j in range(10)]
    left = [j for j, n in enumerate(names) if n not in blamed(refused(Whiten(kind=kind), x, names), names)]
    assert len(left) == 5
    assert deviation_from_sphere(normalized(Whiten(kind=kind), x[:, left])) <= 1e-11


def test_some_column_is_named_where_no_single_pivot_is_small() -> None:
    """Kahan's matrix: nearly singular, though no column is nearly a combination of those before it."""
    d, c = 13, 0.9
    triangle = np.diag(np.sqrt(1 - c * c) ** np.arange(d)) @ (np.eye(d) - c * np.triu(np.ones((d, d)), 1))
    normal = np.random.default_rng(1).normal(size=(500, d))
    orthogonal = np.linalg.qr(normal - normal.mean(axis=0))[0] * np.sqrt(500)
    names = [f"x{j}" for j in range(d)]
    message = refused(Whiten(), orthogonal @ triangle, names)
    assert "12 of 13" in message
    assert blamed(message, names)


@every_kind
def test_units_far_apart_are_no_missing_rank(kind: Kind) -> None:
    x = data("iris") * [1e-9, 1e12, 1.0, 1e-3]
    assert deviation_from_sphere(normalized(Whiten(kind=kind), x)) <= 1e-9


@every_kind
@pytest.mark.parametrize("rows", [2, 3, 4])
def test_fewer_rows_than_columns_are_said_to_be_few(kind: Kind, rows: int) -> None:
    message = refused(Whiten(kind=kind), data("iris")[::40][:rows], "abcd")
    assert f"{rows - 1} of 4" in message
    assert f"{rows} complete rows" in message


def test_rows_that_miss_values_do_not_count_as_rows() -> None:
    x = data("iris").copy()
    x[3:, 0] = np.nan
    assert "3 complete rows" in refused(Whiten(), x, "abcd")
    x[:, 0] = np.nan
    assert "0 complete rows" in refused(Whiten(), x, "abcd")
    assert refused(Decorrelate(), x, "abcd").startswith("0 complete rows: in each row a selected value is missing")


@pytest.mark.parametrize("method", [Whiten(ddof=3), Decorrelate(ddof=3)], ids=repr)
def test_too_few_rows_for_ddof_are_refused(method: Method) -> None:
    assert "`ddof` 3" in refused(method, data("iris")[:3, :1], "a")


def test_constants_alone_are_refused() -> None:
    assert "constant" in refused(Whiten(), np.ones((9, 2)), "ab")


@pytest.mark.parametrize("method", [Whiten(), Decorrelate()], ids=repr)
@pytest.mark.parametrize("values", [[-1.1e150, 1.1e150], [-1e308, 1e308], [0.0, 1e-151], [1e-320, 2e-320]])
def test_deviations_that_have_no_square_are_refused_by_name(method: Method, values: list[float]) -> None:
    x = np.column_stack([np.arange(8.0), np.tile(values, 4)])
    message = refused(method, x, ["fine", "unfit"])
    assert "unfit" in message
    assert "fine" not in message.replace("unfit", "")


# -- units far apart, and what adds no rank ----------------------------------------------------------------------
UNITS = ((1.0, 1e-15, 1e15), (1e-8, 1e8, 1.0), (1e3, 1e-3, 1.0), (1e140, 1e-140, 1.0))
every_unit = pytest.mark.parametrize("units", UNITS, ids=str)
four_kinds = pytest.mark.parametrize("kind", ["zca", "pca", "zca-cor", "pca-cor"])


def mixed(units: Sequence[float], rows: int = 30) -> Array:
    """(rows, columns) correlated, in these units."""
    rng = np.random.default_rng(21)
    d = len(units)
    return np.asarray(rng.normal(size=(rows, d)) @ (np.eye(d) + 0.5 * rng.normal(size=(d, d))) * units)


def exact_scores(x: Array, kind: Kind | None, rank: int | None = None) -> Array:
    """What a whitening makes of the fitted rows, in 400 digits; without a kind, decorrelation by deviations."""
    with localcontext(prec=400):
        sigma = covariance(x)
        s = [sigma[j][j].sqrt() for j in range(len(sigma))]
        correlation = [[v / s[i] / s[j] for j, v in enumerate(row)] for i, row in enumerate(sigma)]
        oracle = Oracle(sigma, *eigen(sigma), *eigen(correlation))
        columns = [[Decimal(v) for v in column] for column in x.T.tolist()]
        rows = zip(*([v - sum(c) / len(c) for v in c] for c in columns), strict=True)
        w = oracle.exact_whitening(kind or "pca", rank)
        return doubles([[sum(map(Decimal.__mul__, row, by), Decimal(0)) for by in w] for row in rows])


@every_unit
@every_kind
def test_each_kind_is_its_formula_in_units_far_apart(kind: Kind, units: tuple[float, ...]) -> None:
    x = mixed(units)
    expected = exact_scores(x, kind)
    got = normalized(Whiten(kind=kind), x)
    if kind.startswith("pca"):
        got = up_to_sign(got, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)


@every_unit
@pytest.mark.parametrize("kind", ["zca", "pca"])
def test_rank_k_is_its_formula_in_units_far_apart(kind: Kind, units: tuple[float, ...]) -> None:
    x = mixed(units)
    expected, got = exact_scores(x, kind, rank=2), normalized(Whiten(kind=kind, rank=2), x)
    if kind == "pca":
        got = up_to_sign(got, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)


@every_unit
def test_decorrelation_is_its_formula_in_units_far_apart(units: tuple[float, ...]) -> None:
    """Each component to its own deviation."""
    x = mixed(units)
    expected, got = exact_scores(x, None), normalized(Decorrelate(), x)
    got = up_to_sign(got / got.std(axis=0), expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)


CONSTANT = st.floats(-1e6, 1e6)
METHODS: list[Method] = [
    *(Whiten(kind=kind, rank=rank) for kind in KINDS[:4] for rank in ("auto", 2)),
    *(Whiten(kind=kind, components=2) for kind in ("pca", "pca-cor")),
    Decorrelate(),
    Decorrelate(components=2),
]


@pytest.mark.parametrize("method", METHODS, ids=repr)
@settings(max_examples=examples(20))
@given(powers=st.lists(st.integers(-60, 60), min_size=2, max_size=4), at=st.integers(0, 4), value=CONSTANT)
def test_a_constant_column_changes_nothing_of_others(method: Method, powers: list[int], at: int, value: float) -> None:
    x = mixed([2.0**p for p in powers])
    at = min(at, len(powers))
    alone, beside = normalized(method, x), normalized(method, np.insert(x, at, value, axis=1))
    if alone.shape[1] == len(powers) and not isinstance(method, Decorrelate) and not method.kind.startswith("pca"):
        assert not beside[:, at].any()
        beside = np.delete(beside, at, axis=1)
    np.testing.assert_allclose(beside[:, : alone.shape[1]] / alone.std(axis=0), alone / alone.std(axis=0), atol=1e-11)


@four_kinds
@settings(max_examples=examples(20))
@given(powers=st.lists(st.integers(-60, 60), min_size=2, max_size=4), to=st.integers(-60, 60), of=st.integers(0, 3))
def test_a_copy_in_other_units_adds_no_direction(kind: Kind, powers: list[int], to: int, of: int) -> None:
    """Over the directions that there are, the covariance is one: for zca kinds, it is the projection on them."""
    x = mixed([2.0**p for p in powers])
    d = len(powers)
    y = normalized(Whiten(kind=kind, rank="auto"), np.column_stack([x, np.ldexp(x[:, of % d], to)]))
    cov = np.cov(y.T, ddof=0).reshape(y.shape[1], y.shape[1])
    if kind.startswith("pca"):
        np.testing.assert_allclose(cov, np.eye(d), rtol=0, atol=1e-11)
    else:
        np.testing.assert_allclose(cov @ cov, cov, rtol=0, atol=1e-11)
        assert np.trace(cov) == pytest.approx(d, abs=1e-10)


@pytest.mark.parametrize("kind", ["zca-cor", "pca-cor", "cholesky"])
@given(powers=st.lists(st.integers(-400, 400), min_size=3, max_size=3))
def test_powers_of_two_as_units_change_no_bit_of_what_does_not_see_them(kind: Kind, powers: list[int]) -> None:
    x = mixed([1.0, 1.0, 1.0])
    got = normalized(Whiten(kind=kind), np.ldexp(x, powers))
    expected = normalized(Whiten(kind=kind), x)
    np.testing.assert_allclose(got, expected, rtol=0, atol=0 if kind.endswith("-cor") else 1e-12)


def test_many_columns_in_units_far_apart() -> None:
    rng = np.random.default_rng(22)
    x = mixed(10.0 ** rng.uniform(-15, 15, 60), rows=400)
    for kind in ("zca", "pca"):
        assert deviation_from_sphere(normalized(Whiten(kind=kind), x)) <= 1e-11
    y = normalized(Decorrelate(), x)
    np.testing.assert_allclose(np.corrcoef(y.T), np.eye(60), rtol=0, atol=1e-10)
    assert (np.diff(y.std(axis=0)) < 0).all()


@pytest.mark.parametrize("units", [(-2, 5), (-3, 3), (-15, 15), (-140, 140)], ids=str)
@pytest.mark.parametrize("copies", [10, *longer(0)])
def test_few_sweeps_part_units_far_apart(monkeypatch: pytest.MonkeyPatch, units: tuple[int, int], copies: int) -> None:
    rng = np.random.default_rng(24)
    x = rng.normal(size=(400, 120)) @ (np.eye(120) + 0.5 * rng.normal(size=(120, 120)))
    x = np.hstack([x, x[:, :copies]]) * 10.0 ** rng.uniform(*units, 120 + copies)
    for method in (Whiten(rank="auto"), Whiten(kind="pca", rank="auto"), Decorrelate()):
        expected = normalized(method, x)
        with monkeypatch.context() as m:
            m.setattr(_graded, "SWEEPS", 4)
            np.testing.assert_array_equal(normalized(method, x), expected)


@pytest.mark.parametrize("apart", [1.0, 1e3, 9e3])
def test_units_that_lapack_can_do_are_left_to_it(monkeypatch: pytest.MonkeyPatch, apart: float) -> None:
    """Also those of an embedding, whose spectrum falls far in one unit."""
    rng = np.random.default_rng(25)
    turned = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    x = rng.normal(size=(200, 40)) * np.geomspace(1.0, 1e-5, 40) @ turned
    x = x / x.std(axis=0) * np.geomspace(1.0, apart, 40)
    monkeypatch.delattr(_graded, "svd")
    for method in (*(Whiten(kind=kind) for kind in KINDS), Decorrelate()):
        normalized(method, x)
    with pytest.raises(AttributeError):
        normalized(Whiten(), x * np.geomspace(1.0, 1e5, 40))


def test_fewer_directions_than_columns_can_not_be_undone() -> None:
    x = data("iris")
    for method in (Whiten(rank=2), Whiten(kind="pca", rank=2), Whiten(kind="zca-cor", rank=2)):
        learned = fitted(method, x).fitted
        with pytest.raises(NotInvertibleError, match="only 2 of 4"):
            learned.check_invertible()


# -- components of data of less rank -----------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["pca", "pca-cor"])
@pytest.mark.parametrize("components", [1, 5, 11, 0.5, 0.999999])
def test_components_that_there_are_need_no_full_rank(kind: Kind, components: float) -> None:
    x = np.random.default_rng(23).normal(size=(12, 20))
    y = normalized(Whiten(kind=kind, components=components), x)
    assert y.shape[1] == components if isinstance(components, int) else y.shape[1] <= 11
    cov = np.cov(y.T, ddof=0).reshape(y.shape[1], y.shape[1])
    np.testing.assert_allclose(cov, np.eye(len(cov)), rtol=0, atol=1e-11)
    np.testing.assert_array_equal(y, normalized(Whiten(kind=kind, rank="auto", components=components), x))
    assert "only 11" in refused(Whiten(kind=kind, components=12), x, [f"x{j}" for j in range(20)])


@pytest.mark.parametrize(
    ("method", "free"),
    [
        (Whiten(), ["--rank auto", "--eps", "--shrinkage"]),
        (Whiten(kind="cholesky"), ["--eps", "--shrinkage"]),
        (Whiten(shrinkage=0.0), ["--rank auto", "--eps"]),
        (Whiten(kind="cholesky", shrinkage=0.0), ["--eps"]),
        (Whiten(kind="cholesky", shrinkage=0.0, eps=1e-300), []),
    ],
    ids=repr,
)
def test_hints_offer_what_was_not_given(method: Whiten, free: list[str]) -> None:
    x = data("iris")[:, [0, 1, 0]]
    for step in (Step(method, ("a", "b", "c")), Step(method, ("emb",), length=3)):
        states = step.measure(Block.of(x))
        with pytest.raises(BadDataError) as caught:
            step.learn(states)
        hint = caught.value.hint
        assert [flag for flag in ("--rank auto", "--eps", "--shrinkage") if flag in hint] == free
        assert ("-x" in hint) == (step.length is None)


def test_hints_for_lists_do_not_speak_of_columns() -> None:
    step = Step(ZScore(), ("emb",), length=2)
    with pytest.raises(BadDataError, match=r"emb\[1\]") as caught:
        step.learn(step.measure(Block.of([[1.0, 1e200], [2.0, -1e200]])))
    assert "-x" not in caught.value.hint
