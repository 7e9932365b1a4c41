"""Sparklines: histograms from sketches, in tables of a terminal that can show them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli.cli import _sparkline
from normcli.cli._sparkline import BARS, are_shown, sparkline
from normcli.parameters.histograms import BINS, heights
from tests.cli.conftest import Workspace
from tests.cli.test_tables import at_width

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60).map(sorted))
def test_bars_are_counts_in_bins_of_equal_width(values: list[int]) -> None:
    """Of a few values all are between the ends; numpy puts a value at an edge into the bin above it, too."""
    if values[0] == values[-1]:
        assert heights(np.array(values, float), np.ones(len(values))) == (1.0,)
        return
    counts, _ = np.histogram(values, BINS)
    assert heights(np.array(values, float), np.ones(len(values))) == pytest.approx(counts / counts.max())


@given(st.lists(finite, min_size=1, max_size=20).map(sorted))
def test_there_is_a_bar_at_each_end_whatever_the_values(values: list[float]) -> None:
    shares = heights(np.array(values) + 0.0, np.ones(len(values)))
    assert len(shares) in (1, BINS)
    assert min(shares[0], shares[-1]) > 0
    assert max(shares) == 1


def test_a_few_values_far_out_do_not_squeeze_the_others() -> None:
    values = np.append(np.arange(1000.0), 1e300)
    assert sparkline(heights(values, np.ones(1001))) == BARS[-1] * BINS


def test_a_bar_is_never_lower_than_its_share() -> None:
    assert sparkline([0, 1e-9, 1 / 8, 0.126, 0.5, 0.99, 1]) == " ▁▁▂▄██"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", None])
def test_bars_are_for_terminals_that_have_them(encoding: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, terminal: bool) -> None:
            self.encoding, self.terminal = encoding, terminal

        def isatty(self) -> bool:
            return self.terminal

    for terminal in (False, True):
        monkeypatch.setattr(_sparkline.sys, "stdout", Stream(terminal))
        assert are_shown() == (terminal and encoding == "utf-8")


def test_inspect_and_describe_draw_them_on_a_terminal_alone(workspace: Workspace) -> None:
    (workspace / "t.csv").write_text("a,b\n1,x\n1,y\n8,z\n")
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "-p", "p.json")
    for line in (("inspect", "p.json"), ("describe", "t.csv")):
        _, shown = at_width(workspace, 120, *line)
        row = next(text for text in reversed(shown) if text.startswith("a "))
        assert row.endswith("  █      ▄")
        assert "█" not in workspace.succeeds(*line).out.decode()


def test_check_draws_new_data_in_the_bins_of_the_fitted(workspace: Workspace) -> None:
    (workspace / "t.csv").write_text("a\n1\n1\n8\n")
    (workspace / "new.csv").write_text("a\n-5\n-5\n7\n9\n9\n9\n9\n")
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "-p", "p.json")
    _, shown = at_width(workspace, 160, "check", "new.csv", "-p", "p.json")
    row = next(text for text in shown if text.startswith("a "))
    assert row.endswith("  ▄     ▂█   █      ▄")
