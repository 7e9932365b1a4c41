"""Quantiles from sketches."""

from normcli.blocks.record import Array
from normcli.errors import BadDataError
from normcli.methods import States
from normcli.stats.extrema import Extrema
from normcli.stats.quantiles import Quantiles


def quantiles(states: States, shares: Array, *, exact: bool) -> Array:
    """(groups, features, shares) quantiles, NaN without values. Raises BadDataError if `exact` ones are unavailable."""
    x, sketches = states[Extrema], states[Quantiles]
    if exact and not sketches.is_exact:
        raise BadDataError(
            "the exact quantiles of several parts can't be had from those of each",
            "fit all inputs at once, or without --exact",
        )
    return sketches.quantiles(shares, x.least, x.greatest)
