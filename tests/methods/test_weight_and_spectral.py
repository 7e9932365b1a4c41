"""Lengths of columns and of whole tables: against numpy, and the identities that define them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.methods import Method
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.spectral import Spectral
from normcli.methods.unit import Unit
from normcli.methods.weight import Weight
from normcli.methods.whiten import Whiten
from tests.cli.conftest import Workspace, workspace

__all__ = ["workspace"]

P: dict[Any, float] = {"l1": 1.0, "l2": 2.0, "max": np.inf, 3.5: 3.5}


def normalized(method: Method, x: Array, of: Array | None = None) -> Array:
    step = fit_blocks(method, np.array_split(x, 3), [f"x{j}" for j in range(x.shape[1])])
    return step.fitted(Block.of(x if of is None else of))


def test_both_are_pytorchs() -> None:
    """weight_norm with dim=1, and spectral_norm after its power iterations have come to rest."""
    reference = json.loads((Path(__file__).parents[1] / "data" / "torch" / "matrices.json").read_text())
    x, weight, spectral = (np.array(reference[k]) for k in ("x", "weight", "spectral"))
    got = normalized(Weight(gain=tuple(reference["gain"])), x)
    assert np.abs(got - weight).max() <= 1e-12
    assert np.abs(normalized(Spectral(), x) - spectral).max() <= 1e-12


# -- weight ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("norm", P)
def test_a_weight_column_has_the_length_asked_for(norm: Any, real: Array) -> None:
    gains = tuple(np.linspace(-2.0, 3.0, real.shape[1]).tolist())
    for unit in (1.0, 1e200, 1e-200):
        y = normalized(Weight(norm=norm), real * unit)
        np.testing.assert_allclose(np.linalg.norm(y, P[norm], axis=0), 1.0, rtol=1e-14)
        np.testing.assert_allclose(y, real / np.linalg.norm(real, P[norm], axis=0), rtol=1e-13)
    y = normalized(Weight(norm=norm, gain=gains), real)
    np.testing.assert_allclose(np.linalg.norm(y, P[norm], axis=0), np.abs(gains), rtol=1e-14)
    np.testing.assert_allclose(y, gains * normalized(Weight(norm=norm), real), rtol=1e-15)


def test_lengths_are_uncentred_and_to_the_last_digits_at_an_offset() -> None:
    x = 1e12 + np.arange(9.0)[:, None]
    exact = sum(int(v) ** 2 for v in x[:, 0].tolist()) ** 0.5
    assert normalized(Weight(), x, np.array([[exact]]))[0, 0] == pytest.approx(1.0, rel=3e-16)


def test_weights_come_back_and_zeros_and_gaps_stay(real: Array) -> None:
    x = np.column_stack([real, np.zeros(len(real))])
    x[3, 0] = np.nan
    gains = tuple((-1.5) ** j for j in range(x.shape[1]))
    learned = fit_blocks(Weight(gain=gains), [x], [f"x{j}" for j in range(x.shape[1])]).fitted
    y = learned(Block.of(x))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(x))
    np.testing.assert_array_equal(y[:, -1], 0.0)
    np.testing.assert_allclose(np.sqrt(np.nansum(y**2, axis=0))[:-1], np.abs(gains[:-1]), rtol=1e-14)
    np.testing.assert_allclose(learned.inverse(Block.of(y)), x, rtol=1e-15)


def test_weights_by_row_are_unit_rows_times_a_gain(real: Array) -> None:
    method = Weight(axis="row", gain=-2.5)
    assert method.statistics == ()
    np.testing.assert_allclose(normalized(method, real), -2.5 * normalized(Unit(), real), rtol=1e-15)


def test_gains_that_can_not_be() -> None:
    for method in (Weight(gain=0.0), Weight(gain=(1.0, 0.0)), Weight(gain=(1.0, 2.0), axis="row")):
        with pytest.raises(UsageError, match="--gain"):
            method.check()
    with pytest.raises(UsageError, match="`gain`: 2 numbers for 3 columns"):
        normalized(Weight(gain=(1.0, 2.0)), np.ones((4, 3)))
    with pytest.raises(BadDataError, match="beyond the range of a float in x1"):
        normalized(Weight(), np.array([[1.0, 1.7e308], [1.0, 1.7e308]]))


def test_gains_of_a_file_are_kept_and_its_path_is_not(workspace: Workspace) -> None:
    Path(workspace / "gain.json").write_text("[1, -2, 3]")
    workspace.succeeds("fit", "table.csv", "-m", "weight", "-c", "a,b,c", "--gain", "gain.json", "-p", "p.json")
    (step,) = json.loads((workspace / "p.json").read_bytes())["steps"]
    assert step["options"]["gain"] == [1.0, -2.0, 3.0]
    assert b"gain.json" not in (workspace / "p.json").read_bytes()
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out.csv")
    workspace.succeeds("apply", "out.csv", "-p", "p.json", "--inverse", "-o", "back.csv")
    assert (workspace / "back.csv").read_bytes() == (workspace / "table.csv").read_bytes().replace(b'"007"', b"007")
    assert "2" in workspace.fails(2, "fit", "table.csv", "-m", "weight", "-c", "a,b", "--gain", "gain.json")


# -- spectral ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("unit", [1.0, 1e-140, 1e140])
def test_the_greatest_singular_value_becomes_1(real: Array, unit: float) -> None:
    x = real * unit
    np.testing.assert_allclose(normalized(Spectral(), x), real / np.linalg.svd(real)[1][0], rtol=1e-13)


def test_uncentred_at_an_offset_and_in_units_far_apart() -> None:
    x = np.random.default_rng(2).normal(size=(300, 4)) * [1e-9, 1.0, 1e5, 1e5] + [0.0, 1e12, -1e12, 3.0]
    y = normalized(Spectral(), x)
    assert np.linalg.svd(y)[1][0] == pytest.approx(1.0, rel=1e-14)


def test_only_complete_rows_take_part_and_come_out() -> None:
    x = np.random.default_rng(2).normal(size=(30, 3))
    gaps = np.vstack([x, [[np.nan, 1e9, 1.0]]])
    y = normalized(Spectral(), gaps)
    np.testing.assert_allclose(y[:30], normalized(Spectral(), x), rtol=1e-15)
    assert np.isnan(y[30]).all()
    np.testing.assert_array_equal(normalized(Spectral(), np.zeros((4, 2))), np.zeros((4, 2)))
    with pytest.raises(BadDataError, match="no row is complete"):
        normalized(Spectral(), np.full((3, 2), np.nan))


# -- identities --------------------------------------------------------------------------------------------------
def test_whitening_is_centring_then_sphering(real: Array) -> None:
    """The mean plays no part in W: whitening centred rows is whitening, and W is the covariance's inverse root."""
    x = np.random.default_rng(5).normal(size=(200, 4)) @ np.random.default_rng(6).normal(size=(4, 4)) + [1, 2, 3, 400]
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x.T, ddof=0))
    sphered = centred @ (vectors / np.sqrt(values)) @ vectors.T
    np.testing.assert_allclose(normalized(Whiten(), x), sphered, atol=1e-10)
    np.testing.assert_allclose(normalized(Whiten(), x), normalized(Whiten(), centred), atol=1e-10)


def test_the_variances_of_decorrelated_data_are_the_eigenvalues(real: Array) -> None:
    sigma = np.atleast_2d(np.cov(real.T, ddof=0))
    got = np.cov(normalized(Decorrelate(), real).T, ddof=0)
    values = np.linalg.eigvalsh(sigma)[::-1]
    np.testing.assert_allclose(got, np.diag(values), atol=1e-12 * values[0])
