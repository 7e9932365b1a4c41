"""How far new data may be from those that were fitted."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Past one of these is drift."""

    max_shift: float = 0.5  # of the mean, in fitted standard deviations
    max_scale_ratio: float = 2.0  # of the standard deviations, the larger by the smaller
    max_outside: float = 0.01  # share of values beyond the fitted range, or of rows whose key was not fitted
    max_missing: float = 0.05  # how much more is missing, as a share
    min_rows: int = 30  # fewer are too few for a verdict
