"""What methods learn from sketches of quantiles."""

from normcli.blocks.record import Array
from normcli.errors import BadDataError
from normcli.methods import States
from normcli.stats.extrema import Extrema
from normcli.stats.quantiles import Quantiles


def quantiles(states: States, shares: Array, *, exact: bool) -> Array:
    """(groups, features, shares) NaN where there is no value. Raises BadDataError where only exact ones will do."""
    x, sketches = states[Extrema], states[Quantiles]
    if exact and not sketches.is_exact:
        raise BadDataError(
            "the exact quantiles of several parts can't be had from those of each",
            "fit all inputs at once, or without --exact",
        )
    return sketches.quantiles(shares, x.least, x.greatest)
