"""Values between cuts by the kernel: the counts of numpy, whatever the values, the cuts and their distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import kernel
from normcli.blocks.block import Block
from normcli.blocks.cuts import ColumnCuts
from normcli.blocks.record import Array
from tests.conftest import examples
from tests.kernel.test_columns import switched

pytestmark = pytest.mark.skipif(kernel.library() is None, reason="there is no kernel here")
HARD = [-0.0, 0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.0, 1.0 + 2.0**-52, 1e300, -1.7976931348623157e308]
KINDS = st.sampled_from(["normal", "heavy", "integers", "offset", "hard", "constant", "halves"])


def values(rng: np.random.Generator, kind: str, count: int) -> Array:
    x = rng.normal(size=count)
    of_kind = {
        "normal": x,
        "heavy": np.exp(60.0 * x) * np.sign(rng.normal(size=count)),
        "integers": np.rint(3.0 * x),
        "offset": 1e9 + x,
        "hard": rng.choice([*HARD, 1.7976931348623157e308], count),
        "constant": np.full(count, -7.5),
        "halves": np.where(x < 0.3, 0.0, x),
    }
    return of_kind[kind]


@settings(max_examples=examples(120, part=4), deadline=None)
@given(
    seed=st.integers(0, 1 << 16), kinds=st.lists(KINDS, min_size=1, max_size=4),
    rows=st.sampled_from([0, 1, 7, 8, 511, 512, 513, 4095, 4096, 9000]),
    cuts=st.sampled_from([0, 1, 2, 63, 64, 65, 300, 5000]), gaps=st.sampled_from([0.0, 0.01, 0.9, 1.0]),
)  # fmt: skip
def test_values_below_cuts_are_as_many_as_by_numpy(
    seed: int, kinds: list[str], rows: int, cuts: int, gaps: float
) -> None:
    rng = np.random.default_rng(seed)
    columns, at = [], []
    for j, kind in enumerate(kinds):
        x = values(rng, kind, rows)
        among = x if seed % 3 else values(rng, kinds[0], rows)
        at.append(np.unique(rng.choice(among, cuts >> j) if rows else values(rng, kind, cuts >> j)))
        x[rng.uniform(size=rows) < gaps] = np.nan
        columns.append(x)
    if seed % 5 == 0:
        at[-1] = None
    of_columns, block = ColumnCuts(tuple(at)), Block(tuple(columns))
    with switched("off"):
        expected = ColumnCuts(tuple(at)).below(block)
    for one, other in zip(of_columns.below(block), expected, strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
