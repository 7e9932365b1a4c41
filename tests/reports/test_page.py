"""The page as a whole: one strict document, of the same bytes, whatever the columns are called and hold."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.drift import DriftMonitor
from normcli.errors import printable
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.batch import Batch
from normcli.methods.minmax import MinMax
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Measured, Parameters, Step
from normcli.parameters.sketches import ColumnSketches, K
from normcli.reports import NewData, page
from normcli.reports.page import MOST
from normcli.reports.style import DARK, LIGHT, style
from normcli.reports.summaries import summaries
from tests.conftest import examples
from tests.reports.conftest import checked, fitted, sketches

RNG = np.random.default_rng(18)
MATRIX = RNG.normal(size=(300, 3))
NAMES = (
    "<script>alert(1)</script>",
    "a&b \"quoted\" 'single'",
    "שלום\u202eעולם",
    "n" * 300,
    "line\nbreak\x00",
    "\ud800",
)
HOSTILE = st.text(st.sampled_from("<>&\"'/=-! \u202e\x00\n\ud800é漢script"), min_size=1, max_size=30)


def compared(parameters: Parameters, matrix: np.ndarray) -> NewData:
    """New data with these values, as a check would compare them."""
    monitor = DriftMonitor(parameters)
    with np.errstate(all="ignore"):
        states = tuple(step.measure(Block.of(matrix)) for step in monitor.measuring.steps)
    monitor.add(Measured(states, None, len(matrix), 0, []), can_end_segment=True)
    comparison = monitor.compared(len(matrix))
    return NewData("new.csv", comparison, sketches(matrix, parameters.needs()))


# -- one document ------------------------------------------------------------------------------------------------
NEEDED = {
    "group": {"groups": 2}, "instance": {"channels": 2}, "batch-instance": {"channels": 2},
    "switchable": {"channels": 2}, "clip": {"high": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", registry.names("methods"))
def test_every_method_has_a_page(name: str) -> None:
    method = registry.only("methods", name)(**NEEDED.get(name, {}))
    matrix = RNG.lognormal(size=(300, 4))
    parameters = fitted(matrix, method)
    found = checked(page(parameters, compared(parameters, matrix) if method.statistics else None))
    assert name in found.text("h1")
    assert sum(tag == "article" for tag, _ in found.tags) == 4


@pytest.mark.parametrize("method", [ZScore(), MinMax(), Whiten(), Batch(batch_size=64)])
def test_a_page_is_one_strict_document_that_loads_nothing(method: Method) -> None:
    parameters = fitted(MATRIX, method)
    for new in (None, compared(parameters, MATRIX * 3 + 1)):
        found = checked(page(parameters, new, ["be careful"]))
        assert "be careful" in found.text("li")
        assert re.search(r"sha256:0", found.text("code"))
        formula = (type(method).__doc__ or "").partition("\n")[0]
        assert formula in found.text("dd")


@given(names=st.lists(HOSTILE, min_size=1, max_size=3, unique=True), note=HOSTILE)
@settings(max_examples=examples(60, part=6))
def test_any_text_is_shown_as_it_is_and_is_never_markup(names: list[str], note: str) -> None:
    parameters = replace(fitted(MATRIX[:40, : len(names)], ZScore(), names), note=note)
    found = checked(page(parameters, None, [note]))
    for name in names:
        assert printable(name) in found.text("h3")
    assert printable(note) in found.text("dd")


def test_hostile_names_are_escaped_in_every_part() -> None:
    matrix = RNG.normal(size=(200, len(NAMES)))
    parameters = fitted(matrix, Whiten(), NAMES)
    text = page(parameters, compared(parameters, matrix * 4))
    found = checked(text)
    assert "<script" not in text
    for name in NAMES:
        assert printable(name) in found.text("bdi")
    assert "n" * 300 in {a.get("title") for tag, a in found.tags if tag == "bdi"}


def test_the_same_arguments_give_the_same_text() -> None:
    parameters = fitted(MATRIX, ZScore())
    new = compared(parameters, MATRIX + 2)
    assert page(parameters, new) == page(parameters, new)
    again = fitted(MATRIX.copy(), ZScore())
    assert page(again, compared(again, MATRIX + 2)) == page(parameters, new)


# -- what columns hold -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", [MinMax(range=(-1.0, 1.0)), MinMax(clip=True)])
def test_columns_of_any_values_are_drawn(method: Method) -> None:
    n = 100
    values = {
        "constant": np.full(n, 7.0),
        "empty": np.full(n, np.nan),
        "one value": np.append(np.full(n - 1, np.nan), 3.0),
        "two values": np.tile([0.0, 1.0], n // 2),
        "huge": RNG.normal(size=n) * 1e307,
        "tiny": RNG.normal(size=n) * 1e-307,
        "far": 1e12 + RNG.random(n),
        "zeros": np.where(RNG.random(n) < 0.9, 0.0, RNG.lognormal(size=n)),
        "cauchy": RNG.standard_cauchy(n) * 1e5,
        "whole": np.arange(n) - 50.0,
    }
    matrix = np.column_stack(list(values.values()))
    parameters = fitted(matrix, method, list(values))
    found = checked(page(parameters, compared(parameters, matrix[::-1] / 2)))
    assert not re.search(r"\bnan\b|\binf\b", found.text("main"))
    assert sum(tag == "article" for tag, _ in found.tags) == len(values)


def test_a_file_without_sketches_says_how_to_have_them() -> None:
    found = checked(page(replace(fitted(MATRIX, ZScore()), sketches=None)))
    assert "--no-sketch" in found.text("dd")
    assert "No sketch" in found.text("article")
    weighted = replace(fitted(MATRIX, ZScore()), sketches=None, weights="w")
    assert "weights are whole" in checked(page(weighted)).text("dd")
    blank = replace(fitted(MATRIX, ZScore()), sketches=ColumnSketches(("x0", "x1", "x2")))
    assert "No sketch" in checked(page(blank)).text("article")


def test_normalized_ends_are_those_of_the_least_and_the_greatest_value() -> None:
    """Which the sketch of many values may have dropped."""
    x = np.append(RNG.uniform(2.0, 3.0, size=20_000), [0.0, 10.0])
    text = page(fitted(x[:, None], MinMax()))
    assert re.search("<th>min<td>0<td>0<", text)
    assert re.search("<th>max<td>10<td>1<", text)


def shows(text: str, name: str) -> list[str]:
    """The cells of a row of the table of the only column."""
    (row,) = re.findall(f"<tr><th>{name}((?:<td>[^<]*)*)", text)
    return [cell for cell in row.split("<td>") if cell]


@pytest.mark.parametrize("rows", [K, 20_000])
def test_what_a_sketch_says_is_marked_and_its_error_is_on_the_page(rows: int) -> None:
    """Quantiles of more values than a sketch holds; what is known exactly has no mark."""
    text = page(fitted(RNG.normal(50.0, 4.0, size=(rows, 1)), ZScore()))
    for name in ("5 %", "25 %", "median", "75 %", "95 %"):
        assert [cell.startswith("≈ ") for cell in shows(text, name)] == [rows > K] * 2
    assert shows(text, "mean")[1] == "0"
    assert shows(text, "std")[1] == "1"
    assert not [cell for name in ("mean", "std", "min", "max") for cell in shows(text, name) if "≈" in cell]
    assert ("ranks are off by less than 1.6 %" in text) == (rows > K)


@pytest.mark.parametrize("name", registry.names("methods"))
def test_a_normalized_mean_and_deviation_without_a_mark_are_those_of_the_values(name: str) -> None:
    """Of every method, far from zero and wide; zscore is among those of which they are known."""
    matrix = np.random.default_rng(1).lognormal(size=(4_000, 4)) * [1, 1e-3, 1e5, 1] + [0, 7, 1e6, 1e9]
    kind = registry.only("methods", name)
    for options in (NEEDED.get(name, {}), {"ddof": 1}, {"target_mean": 5, "target_std": 2}, {"clip": True}):
        if not {*options} <= {*kind.__struct_fields__} or not {*NEEDED.get(name, {})} <= {*options}:
            continue
        parameters = fitted(matrix, kind(**options))
        (step,) = parameters.steps
        with np.errstate(all="ignore"):
            after = step.normalized(Block.of(matrix))
        columns = summaries(parameters, parameters.sketches, None, None)
        for j, column in enumerate(columns):
            known = {n: x for n, x in column.normalized_figures.items() if n in ("mean", "std") and np.isfinite(x)}
            assert known or name not in ("zscore", "center")
            scale = np.abs(after[:, j]).max()
            for which, of in (("mean", np.mean), ("std", np.std)):
                if which in known:
                    assert known[which] == pytest.approx(of(after[:, j]), rel=1e-9, abs=1e-9 * scale), (name, which)


def test_of_steps_one_after_the_other_it_is_that_of_the_last() -> None:
    """Only where all of them are affine, and the first one learned from the values as they come."""
    matrix = RNG.lognormal(3.0, 1.0, size=(4_000, 1))
    first = fitted(matrix, ZScore())
    more = {kind: fitted(first.steps[0].normalized(Block.of(matrix)), kind).steps[0] for kind in (MinMax(), Asinh())}
    for kind, step in more.items():
        both = replace(first, steps=(*first.steps, step))
        (column,) = summaries(both, both.sketches, None, None)
        after = step.normalized(Block.of(first.steps[0].normalized(Block.of(matrix))))
        if kind == MinMax():
            assert column.normalized_figures["mean"] == pytest.approx(after.mean(), rel=1e-12)
            assert column.normalized_figures["std"] == pytest.approx(after.std(), rel=1e-12)
        assert ("mean" in column.normalized_figures) == (kind == MinMax())


def test_what_steps_fill_counts_as_normalized(tmp_path: Path) -> None:
    x = np.array([[1.0], [np.nan], [np.nan], [5.0], [9.0], [np.nan]])
    for steps in (["fill", "zscore"], ["zscore", "fill"]):
        parameters = fit_of(x, steps, tmp_path)
        (column,) = summaries(parameters, parameters.sketches, None, None)
        assert column.normalized is not None
        after = normcli.apply(parameters, pa.table({"a": x[:, 0]})).column("a").to_numpy()
        assert column.normalized.total == 6
        assert column.normalized_figures == {"min": after.min(), "max": after.max(), "missing": 0.0}
        assert column.normalized.deviation() == pytest.approx(after.std(), rel=1e-12)


def test_a_value_that_a_step_refuses_leaves_normalized_out(tmp_path: Path) -> None:
    parameters = fit_of(np.array([[1.0], [3.0]]), ["center", "log1p"], tmp_path)
    (column,) = summaries(parameters, parameters.sketches, None, None)
    assert column.normalized is None
    assert "center" in checked(page(parameters)).text("h1")


def fit_of(x: Array, methods: list[str], folder: Path) -> Parameters:
    """A plan of steps on a column (rows, 1) called a."""
    plan = folder / f"{methods[0]}.toml"
    plan.write_text("".join(f'[[steps]]\nmethod = "{method}"\n' for method in methods))
    return normcli.fit(pa.table({"a": x[:, 0]}), plan=plan)


def test_a_method_that_learns_nothing_has_a_page() -> None:
    method = registry.only("methods", "layer")()
    step = Step(method, ("a", "b")).learn(())
    found = checked(page(Parameters((step,), (), digest="sha256:1")))
    assert "layer" in found.text("h1")


# -- order and size ----------------------------------------------------------------------------------------------
def test_columns_are_in_order_of_drift_the_farthest_first() -> None:
    parameters = fitted(MATRIX, ZScore())
    found = checked(page(parameters, compared(parameters, MATRIX + np.array([0.1, 0.7, 1.5]))))
    assert [int(a["href"][2:]) for tag, a in found.tags if tag == "a"] == [2, 1, 0]  # type: ignore[index]
    assert "drift" in found.text("b")


def test_a_column_that_was_constant_or_empty_says_so_where_it_has_drifted() -> None:
    matrix = np.column_stack([np.full(100, 7.0), np.full(100, np.nan), RNG.normal(size=100)])
    parameters = fitted(matrix, ZScore())
    found = checked(page(parameters, compared(parameters, RNG.normal(size=(100, 3)))))
    assert found.text("h3").count("drift: was constant") == 1
    assert found.text("h3").count("drift: had no value") == 1
    few = checked(page(parameters, compared(parameters, RNG.normal(size=(20, 3)))))
    assert few.text("h3").count("too few values for a verdict") == 3


def test_200_columns_are_drawn_and_the_rest_are_in_the_table() -> None:
    parameters = fitted(RNG.normal(size=(30, MOST + 7)), ZScore())
    found = checked(page(parameters))
    assert sum(tag == "article" for tag, _ in found.tags) == MOST
    assert "7 more are in the table above" in found.text("p")
    assert all(f"x{j}" in found.text("table") for j in range(MOST + 7))


def test_100_columns_with_new_data_take_300_kb_at_most() -> None:
    matrix = RNG.lognormal(size=(2000, 100)) * np.arange(1, 101)
    parameters = fitted(matrix, ZScore(), [f"sensor_{j:03d}" for j in range(100)])
    assert len(page(parameters).encode()) <= 250_000
    assert len(page(parameters, compared(parameters, matrix[:700] * 1.1)).encode()) <= 300_000


# -- colours -----------------------------------------------------------------------------------------------------
def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [c / 255 for c in bytes.fromhex(colour[1:])]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_and_lines_have_the_contrast_that_wcag_wants(colours: dict[str, str]) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for ground in ("ground", "raised"):
        assert min(contrast(colours[name], colours[ground]) for name in ("text", "quiet", "accent")) >= 4.5
        assert min(contrast(colours[name], colours[ground]) for name in ("edge", "accent", "warm")) >= 3.0
    assert contrast(colours["accent"], colours["area"]) >= 3.0  # the outline over the area


def test_both_ends_of_a_heat_map_grow_darker_and_no_colour_is_red_or_green() -> None:
    for colours, text in ((LIGHT, style()), (DARK, style().split("prefers-color-scheme:dark", 1)[1])):
        for sign in "pn":
            levels = [re.search(rf"--{sign}{i}:(#\w{{6}})", text)[1] for i in range(1, 6)]  # type: ignore[index]
            steps = [contrast(level, colours["ground"]) for level in levels]
            assert all(a < b for a, b in pairwise(steps))
        for name in ("accent", "warm"):
            red, green, blue = bytes.fromhex(colours[name][1:])
            is_green, is_red = green > 1.2 * max(red, blue), red > 2.5 * max(green, blue)
            assert (is_green, is_red) == (False, False)
