"""fill, winsorize and clip: what they learn."""

from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.methods.clip import Clip
from normcli.methods.fill import Fill
from normcli.methods.winsorize import Winsorize

RNG = np.random.default_rng(21)
DATA = RNG.lognormal(size=(6001, 3))
GAPS = np.where(RNG.uniform(size=DATA.shape) < 0.2, np.nan, DATA)
NAMES = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (Fill(), {"strategy": "mean"}),
        (Fill(with_="median", exact=True), {"strategy": "median"}),
        (Fill(with_=-2.5), {"strategy": "constant", "fill_value": -2.5}),
    ],
)
def test_fills_as_scikit_learn_imputes(method: Fill, options: dict[str, Any]) -> None:
    expected = SimpleImputer(**options).fit_transform(GAPS)
    result = fit_blocks(method, [GAPS[:4000], GAPS[4000:]], NAMES).fitted(Block.of(GAPS))
    np.testing.assert_allclose(result, expected, rtol=1e-14)
    np.testing.assert_array_equal(result[~np.isnan(GAPS)], GAPS[~np.isnan(GAPS)])


def held(method: Winsorize | Clip, x: Array) -> Array:
    return fit_blocks(method, [x], NAMES).fitted(Block.of(x))


def test_holds_values_within_quantiles_of_numpy() -> None:
    low, high = np.nanquantile(GAPS, (0.02, 0.9), axis=0)
    np.testing.assert_array_equal(held(Winsorize(quantiles=(0.02, 0.9), exact=True), GAPS), np.clip(GAPS, low, high))


@pytest.mark.parametrize(("low", "high"), [(0.5, 1.5), (None, 1.0), (0.7, None)])
def test_holds_values_within_limits_of_which_one_is_enough(low: float | None, high: float | None) -> None:
    np.testing.assert_array_equal(held(Clip(low=low, high=high), GAPS), np.clip(GAPS, low, high))
