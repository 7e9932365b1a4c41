"""The request to show what is in the columns of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normcli.jobs.requests import option
from normcli.jobs.requests._showing import Shows

if TYPE_CHECKING:
    from normcli.columns import Infinite


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class DescribeRequest(Shows):
    """To see what is in the columns of data."""

    command = "describe"
    columns: tuple[str, ...] = option((), group="columns")
    exclude: tuple[str, ...] = option((), group="columns")
    infinite: Infinite = "missing"  # no option: infinite values are counted apart
