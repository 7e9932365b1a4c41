"""What both sides of the kernel's interface must agree about."""

import ctypes
import re

import pytest

from normcli.kernel.columns import _Columns as Columns
from normcli.kernel.cuts import _Counts as CutCounts
from normcli.kernel.cuts import _Cuts as Cuts
from normcli.kernel.matrix import _Comoments as Comoments
from normcli.kernel.sketches import _Merge as Merge
from normcli.kernel.sketches import _Samples as Samples
from normcli.kernel.sketches import _Sketches as Sketches
from normcli.kernel.text import _Column as Column
from tests.kernel.library import SOURCES, Block, Layout, Output, Table, compiler

HEADER = (SOURCES / "kernel.h").read_text(encoding="utf-8")


@pytest.mark.skipif(not compiler(), reason="no C compiler: the kernel is not tested")
def test_library_says_which_one_it_is(request: pytest.FixtureRequest) -> None:
    assert f"#define NK_INTERFACE {request.getfixturevalue('kernel').interface} " in HEADER


@pytest.mark.parametrize(
    ("structure", "name"),
    [
        (Layout, "nk_layout"),
        (Block, "nk_block"),
        (Column, "nk_column"),
        (Table, "nk_table"),
        (Output, "nk_output"),
        (Columns, "nk_columns"),
        (Comoments, "nk_comoments"),
        (Sketches, "nk_sketches"),
        (Merge, "nk_merge"),
        (Samples, "nk_samples"),
        (Cuts, "nk_cuts"),
        (CutCounts, "nk_counts"),
    ],
)
def test_structures_have_the_sizes_that_the_header_states(structure: type[ctypes.Structure], name: str) -> None:
    stated = re.search(rf"}} {name}; /\* (\d+) \*/", HEADER)
    assert stated
    assert ctypes.sizeof(structure) == int(stated[1])
