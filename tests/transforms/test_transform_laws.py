"""Laws that every transform of the folder keeps, by what the methods learn."""

import pickle

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import registry
from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import NotInvertibleError
from normcli.methods import Method
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.minmax import MinMax
from normcli.methods.quantile import Quantile
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.transforms import Transform
from normcli.transforms.fills import Fills
from tests.least_options import least

DATA = np.random.default_rng(6).normal(size=(40, 3)) @ np.random.default_rng(7).normal(size=(3, 3)) + [8.0, 5.0, 1e6]
NAMES = ["a", "b", "c"]


def defaults(name: str) -> Method:
    """A method of the folder with as few options as it can have; those required are 1."""
    kind = registry.only("methods", name)
    method: Method = msgspec.convert(dict.fromkeys(least(kind), 1), kind)
    return method


METHODS: list[Method] = [
    *map(defaults, registry.names("methods")),
    MinMax(range=(-1.0, 1.0)), MinMax(clip=True), ZScore(center=False), Unit(norm="max"), Unit(norm=3.0),
    Quantile(distribution="normal"), Quantile(resolution=10),
    Decorrelate(components=2), Whiten(kind="pca", components=1), Whiten(kind="zca-cor"), Whiten(rank=2),
]  # fmt: skip
TRANSFORMS: list[Transform] = [fit_blocks(m, [DATA], NAMES).fitted for m in METHODS]
every_transform = pytest.mark.parametrize("transform", TRANSFORMS, ids=[repr(m) for m in METHODS])


def test_every_transform_of_the_folder_is_learned_by_some_method() -> None:
    assert {registry.name_of(t) for t in TRANSFORMS} == set(registry.names("transforms"))


def rows_with_gaps() -> Array:
    x = DATA.copy()
    x[[2, 2, 9], [0, 1, 2]] = np.nan
    return x


@every_transform
def test_a_transform_is_pure(transform: Transform) -> None:
    """The same block gives the same bytes, and is left as it was; so is what was learned."""
    x = rows_with_gaps()
    block, before, learned = Block.of(x), x.tobytes(), pickle.dumps([getattr(transform, n) for n in transform.axes()])
    first = transform(block)
    assert transform(block).tobytes() == first.tobytes()
    assert np.asarray(x).tobytes() == before
    assert block.values.tobytes() == np.asfortranarray(x).tobytes()
    assert pickle.dumps([getattr(transform, n) for n in transform.axes()]) == learned


@every_transform
@given(at=st.lists(st.integers(0, 40), max_size=4).map(sorted))
def test_a_row_knows_nothing_of_its_neighbours(transform: Transform, at: list[int]) -> None:
    x = rows_with_gaps()
    pieces = [transform(Block.of(piece)) for piece in np.split(x, at)]
    whole = transform(Block.of(x))
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=1e-13, atol=1e-14 * np.nanmax(np.abs(whole)))


@every_transform
def test_a_block_of_columns_is_a_block_of_a_matrix(transform: Transform) -> None:
    x = rows_with_gaps()
    of_columns = Block(tuple(column.copy() for column in x.T))
    np.testing.assert_array_equal(transform(of_columns), transform(Block.of(x)))


@every_transform
def test_no_rows_give_no_rows(transform: Transform) -> None:
    y = transform(Block.of(np.empty((0, 3))))
    assert y.shape == (0, len(transform.outputs(NAMES)))


@every_transform
def test_results_are_float64_column_by_column(transform: Transform) -> None:
    y = transform(Block.of(DATA))
    assert y.dtype == np.float64
    assert y.shape == (len(DATA), len(transform.outputs(NAMES)))
    assert y.flags.f_contiguous


@every_transform
def test_only_missing_values_are_missing(transform: Transform) -> None:
    assert np.isfinite(transform(Block.of(DATA))).all()
    y = transform(Block.of(rows_with_gaps()))
    complete = ~np.isnan(rows_with_gaps()).any(axis=1)
    assert np.isfinite(y[complete]).all()
    assert np.isnan(y[~complete]).any(axis=1).all() or isinstance(transform, Fills)


@every_transform
def test_a_row_of_nothing_is_missing_altogether(transform: Transform) -> None:
    y = transform(Block.of(np.full((2, 3), np.nan)))
    assert np.isnan(y).all() or isinstance(transform, Fills)


@every_transform
def test_zero_is_never_negative(transform: Transform) -> None:
    x = np.vstack([DATA, np.zeros((1, 3)), -np.zeros((1, 3)), DATA.min(axis=0), DATA.max(axis=0)])
    y = transform(Block.of(x))
    assert not np.signbit(y[y == 0]).any()


@every_transform
def test_a_transform_pickles_also_after_use(transform: Transform) -> None:
    expected = transform(Block.of(DATA))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(transform))(Block.of(DATA)), expected)


@every_transform
def test_inverse_undoes_or_says_why_not(transform: Transform) -> None:
    """check_invertible and inverse agree."""
    y = Block.of(transform(Block.of(DATA)))
    try:
        transform.check_invertible()
    except NotInvertibleError as e:
        with pytest.raises(NotInvertibleError, match=e.message):
            transform.inverse(y)
        return
    back = transform.inverse(y)
    assert back.dtype == np.float64
    assert (np.abs(back - DATA) <= 1e-10 * np.abs(DATA).max(axis=0)).all()


@every_transform
def test_outputs_are_told_apart(transform: Transform) -> None:
    outputs = transform.outputs(NAMES)
    assert len(set(outputs)) == len(outputs)
