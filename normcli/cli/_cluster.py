"""The options that say where data are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from normcli import registry
from normcli.cli._command import OneOf

F = TypeVar("F", bound=Callable[..., Any])


def cluster_options(function: F) -> F:
    """The options that say where data are read."""
    for decorate in (
        click.option(
            "--insecure-scheduler",
            is_flag=True,
            help="Allow tcp://, not encrypted, to another machine",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Of the cluster; default: DASK_SCHEDULER_ADDRESS",
        ),
        click.option(
            "--engine",
            type=OneOf(registry.names("engines")),
            metavar="NAME",
            default="threads",
            help="threads, or dask: a cluster (help cluster)",
        ),
    ):
        function = decorate(function)
    return function
