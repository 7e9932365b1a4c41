"""Completions for a shell: names in files on this machine. Nothing is reported as an error, since the command line is
not complete yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from normcli import formats
from normcli.errors import NormcliError
from normcli.io import inputs, sources, stores
from normcli.jobs.inspect import spelled
from normcli.parameters import file as params

LARGEST = 1 << 26  # bytes of a parameter file that is read for its keys


def column_names(
    paths: Iterable[str], from_: str | None, format_options: Mapping[str, Any], *, numbers: bool
) -> list[str]:
    """Those of the first file that can be read: all of them, or those of `numbers`, and lists of them."""
    names_of_first = _first(paths, lambda path: _columns(path, from_, format_options, numbers=numbers))
    return names_of_first or []


def keys(paths: Iterable[str]) -> list[str]:
    """Those of the first parameter file that can be read, as rows of CSV."""
    keys_of_first = _first(
        paths, lambda path: [spelled(key) for key in params.read_file(path, example="", largest=LARGEST).keys]
    )
    return keys_of_first or []


def _first(paths: Iterable[str], read: Callable[[str], list[str]]) -> list[str] | None:
    for path in paths:
        try:
            if not stores.is_uri(path):
                return read(path)
        except (NormcliError, OSError, ValueError):
            continue
    return None


def _columns(path: str, from_: str | None, format_options: Mapping[str, Any], *, numbers: bool) -> list[str]:
    first = inputs.find([path], lambda name: bool(from_ or formats.by_suffix(name))).inputs[0].path
    if first is None or not os.path.isfile(first):  # a pipe can be read only once
        return []
    source = sources.open_source(first)
    format = formats.of_source(source, from_)
    reader = formats.record(format).open(source, formats.options(format, format_options.items()))
    names = [f.name for f in reader.description.schema if not numbers or f.may_be_number or f.list_of]
    source.close()
    return names
