"""The limits of drift: what is common to the requests that compare data with those that were fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.jobs.facts import (
    CHECK,
    LEARNS,
)
from normcli.jobs.requests import Request, option
from normcli.jobs.values import between
from normcli.limits import Limits

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True, init=False, repr=False, eq=False)
class Watches(Request):
    """When data have drifted, beyond which of these limits; None: as they are by default."""

    max_shift: float | None = option(None, group="drift", needs=(CHECK, LEARNS), check=between(0, integer=False))
    max_scale_ratio: float | None = option(None, group="drift", needs=(CHECK, LEARNS), check=between(1, integer=False))
    max_outside: float | None = option(None, group="drift", needs=(CHECK, LEARNS), check=between(0, 1, integer=False))
    max_missing: float | None = option(None, group="drift", needs=(CHECK, LEARNS), check=between(0, 1, integer=False))

    def limits(self, min_rows: int) -> Limits:
        """Those that were given, and for the others what there is by default."""
        limits = {n: getattr(self, n) for n in Watches.options() if n.startswith("max_")}
        return Limits(**{n: value for n, value in limits.items() if value is not None}, min_rows=min_rows)
