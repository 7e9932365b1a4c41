"""Selection of columns, and conversion of frames to blocks and back.

A frame holds decoded rows. `Frame` is the interface; each implementation is a file here: polars_frame for text formats,
arrow_frame for binary ones. Only these and the formats that create them know the library that holds the rows.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from normcli.columns.back import NUMERIC_WORD, Dtype, narrowed, put
from normcli.columns.frame import (
    Frame,
    cut,
    gathered,
    has_originals,
    ordered_as,
    with_texts,
    without_values,
)
from normcli.columns.numbers import Infinite, block, inexact
from normcli.columns.polars_columns import (
    all_series,
    beyond_integers,
    numbered_columns,
    series,
    text_frame,
    with_hidden,
    without_words,
)
from normcli.columns.schema import (
    Field,
    Schema,
    any_matched,
    arrow_fields,
    described,
    matched,
    names_in,
    parts,
    select,
)

if TYPE_CHECKING:
    from normcli.columns.conforming import conformed
    from normcli.columns.keyed import keys, weights
    from normcli.columns.lists import first_size, list_block, put_list
    from normcli.columns.stacking import joined, numeric, stacked
    from normcli.columns.texts import long_decimals, text_codes

__all__ = [
    "NUMERIC_WORD",
    "Dtype",
    "Field",
    "Frame",
    "Infinite",
    "Schema",
    "all_series",
    "any_matched",
    "arrow_fields",
    "beyond_integers",
    "block",
    "conformed",
    "cut",
    "described",
    "first_size",
    "gathered",
    "has_originals",
    "inexact",
    "joined",
    "keys",
    "list_block",
    "long_decimals",
    "matched",
    "names_in",
    "narrowed",
    "numbered_columns",
    "numeric",
    "ordered_as",
    "parts",
    "put",
    "put_list",
    "select",
    "series",
    "stacked",
    "text_codes",
    "text_frame",
    "weights",
    "with_hidden",
    "with_texts",
    "without_values",
    "without_words",
]
HOMES = {  # of what few runs need, and is imported when it is used
    "conformed": "conforming",
    **dict.fromkeys(("keys", "weights"), "keyed"),
    **dict.fromkeys(("first_size", "list_block", "put_list"), "lists"),
    **dict.fromkeys(("joined", "numeric", "stacked"), "stacking"),
    **dict.fromkeys(("long_decimals", "text_codes"), "texts"),
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'normcli.columns' has no attribute {name!r}")
    return getattr(import_module(f"normcli.columns.{HOMES[name]}"), name)
