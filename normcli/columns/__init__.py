"""Which columns, and frame to block and back.

A frame is decoded rows as the format's own library gives them: a polars DataFrame of text formats, an Arrow
RecordBatch of binary ones. In that, a column of text may be a dictionary, whatever it is in the schema of its reader and
of what is written. Nobody but this room knows both. In a polars frame a selected column is numeric or lists of
numbers, or is still text where it holds words that mean missing (NA): the format has made sure that nothing else is in
it.
"""

from normcli.columns.back import NUMERIC_WORD, Dtype, narrowed, put
from normcli.columns.conforming import conformed
from normcli.columns.fixed import Fixed, Rounding, Where, step
from normcli.columns.frames import (
    Frame,
    all_series,
    chosen_rows,
    contiguous,
    cut,
    gathered,
    has_originals,
    hidden,
    is_polars,
    long_decimals,
    names,
    numbered,
    numbered_columns,
    only,
    ordered_as,
    originals,
    rest,
    rows,
    series,
    some_rows,
    text_codes,
    text_frame,
    textless,
    to_arrow,
    to_polars,
    with_hidden,
    with_originals,
    with_texts,
    without_originals,
    without_values,
)
from normcli.columns.keyed import keys, weights
from normcli.columns.lists import first_size, list_block, put_list
from normcli.columns.numbers import Infinite, beyond_integers, block, inexact, types
from normcli.columns.packing import Packed, packed
from normcli.columns.schema import Field, Schema, arrow_fields, described, excluded, names_in, parts, select

__all__ = [
    "NUMERIC_WORD",
    "Dtype",
    "Field",
    "Fixed",
    "Frame",
    "Infinite",
    "Packed",
    "Rounding",
    "Schema",
    "Where",
    "all_series",
    "arrow_fields",
    "beyond_integers",
    "block",
    "chosen_rows",
    "conformed",
    "contiguous",
    "cut",
    "described",
    "excluded",
    "first_size",
    "gathered",
    "has_originals",
    "hidden",
    "inexact",
    "is_polars",
    "keys",
    "list_block",
    "long_decimals",
    "names",
    "names_in",
    "narrowed",
    "numbered",
    "numbered_columns",
    "only",
    "ordered_as",
    "originals",
    "packed",
    "parts",
    "put",
    "put_list",
    "rest",
    "rows",
    "select",
    "series",
    "some_rows",
    "step",
    "text_codes",
    "text_frame",
    "textless",
    "to_arrow",
    "to_polars",
    "types",
    "weights",
    "with_hidden",
    "with_originals",
    "with_texts",
    "without_originals",
    "without_values",
]
