"""What column-wise methods learn from extrema and moments: centres and scales, and which columns are unfit."""

import numpy as np

from normcli.blocks.record import Array
from normcli.errors import BadDataError
from normcli.methods import States, listed
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Terms, Transform
from normcli.transforms.affine import Affine

LARGEST, SMALLEST = 1e150, 1e-150  # deviations whose squares stay well inside a float's range
LEAST_SQUARES = 1e-303  # of squares times weights, which may be less than SMALLEST squared: of which no digit is lost
LEAST_WEIGHT = 1e-290  # in all
RESCALE_WEIGHTS = "multiply all weights by a constant"


def means(states: States) -> tuple[Array, Array]:
    """(groups, columns) mean as high and low part, within [min, max] if they are known; the minimum if constant, NaN
    without values."""
    m, x = states[Moments], states[Extrema]
    if x.is_unknown:
        return np.where(m.count > 0, m.mean, np.nan), np.where(m.count > 0, m.mean_low, np.nan)
    low_end, high_end = m.mean + m.mean_low < x.least, m.mean + m.mean_low > x.greatest
    hi = np.clip(m.mean, x.least, x.greatest)
    lo = np.where(low_end | high_end | (hi != m.mean), 0.0, m.mean_low)
    constant = x.least == x.greatest
    hi, lo = np.where(constant, x.least, hi), np.where(constant, 0.0, lo)
    return np.where(m.count > 0, hi, np.nan), np.where(m.count > 0, lo, np.nan)


def deviations(states: States, ddof: int) -> Array:
    """(groups, columns) standard deviation; 0 where constant. Raises BadDataError for columns whose squares leave the
    range of a float, or with too few values."""
    m, x = states[Moments], states[Extrema]
    varies = m.squares > 0.0 if x.is_unknown else x.least < x.greatest
    refuse_unsquarable(states, m.mean)
    short = states.which(varies & (m.count <= ddof))
    if short:
        raise BadDataError(
            f"--ddof {ddof} leaves nothing to divide by in {listed(short)}: too few values",
            "a smaller --ddof, or more rows",
        )
    return np.where(varies, np.sqrt(m.variance(ddof)), 0.0)


def refuse_unsquarable(states: States, mean: Array) -> None:
    """Raises BadDataError for columns whose largest deviation from their mean has no square in a float's range, or
    whose weights are too small for it."""
    x = states[Extrema]
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.maximum(x.greatest - mean, mean - x.least)
    bad = states.which((x.least < x.greatest) & ~((largest <= LARGEST) & (largest >= SMALLEST)))
    if bad:
        raise BadDataError(
            f"deviations outside {SMALLEST:g} to {LARGEST:g} can't be squared: {listed(bad)}",
            states.hint("rescale these columns", "use minmax or maxabs"),
        )
    if Moments in states.of:
        count, squares = states[Moments].count, states[Moments].squares
    else:
        from normcli.stats.comoments import Comoments

        if Comoments not in states.of:  # batches have no weights
            return
        c = states[Comoments]
        count, squares = np.broadcast_to(c.count[:, None], c.mean.shape), np.diagonal(c.products, axis1=1, axis2=2)
    refuse_light(states, count)
    lost = states.which((x.least < x.greatest) & (count > 0) & (squares < LEAST_SQUARES))
    if lost:
        raise BadDataError(f"the weights are too small for the squared deviations in {listed(lost)}", RESCALE_WEIGHTS)


def refuse_light(states: States, count: Array) -> None:
    """Raises BadDataError for columns whose values count so little that products with their weights lose digits."""
    light = states.which((count > 0) & (count < LEAST_WEIGHT))
    if light:
        raise BadDataError(f"the weights add up to less than {LEAST_WEIGHT:g} in {listed(light)}", RESCALE_WEIGHTS)


def ranges(states: States) -> Array:
    """(groups, columns) max − min. Raises BadDataError for columns where it overflows."""
    x = states[Extrema]
    return spans(states, x.least, x.greatest, "max − min")


def spans(states: States, low: Array, high: Array, what: str) -> Array:
    """(groups, columns) high − low. Raises BadDataError for columns where it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        width = high - low
    bad = states.which((low <= high) & ~np.isfinite(width))
    if bad:
        raise BadDataError(f"{what} is beyond the range of a float in {listed(bad)}", states.hint())
    return width


def terms_of(learned: Transform, center: str = "", scale: str = "") -> Terms:
    """Terms of an affine transform, under these names for its center and scale; an empty name omits one."""
    columns = learned.terms().columns
    pairs = ((center, "center"), (scale, "scale"))
    return Terms({name: columns[field] for name, field in pairs if name and field in columns})


def affine(states: States, center: Array, center_low: Array, scale: Array) -> Affine:
    """The transform; a scale of exactly 0 becomes 1, and parameters of columns without values are NaN."""
    empty = states[Moments].count == 0

    def known(a: Array) -> Array:
        return np.where(empty, np.nan, a) + 0.0

    return Affine(known(center), known(center_low), known(np.where(scale == 0.0, 1.0, scale)))
