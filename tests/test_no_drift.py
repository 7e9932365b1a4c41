"""The fitted data show no drift: every method and plan, format, keys and weights, by check and by apply --check."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pytest

from normcli import registry
from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.jobs.run_report_file import run_report
from tests import inside
from tests.conftest import longer
from tests.formats.files import suffix, takes, write
from tests.least_options import least

FORMATS = [f for f in registry.names("formats") if takes(f, pa.table({"t": ["x"]}))]  # keys are texts
WITH_LISTS = [f for f in FORMATS if takes(f, pa.table({"l": pa.nulls(1, pa.list_(pa.float64()))}))]
GROUPING: list[tuple[str, ...]] = [
    (), ("--by", "k"), ("--weights", "w"), ("--by", "k,j", "--weights", "w"), ("--weights", "v"),
]  # fmt: skip
ROWS = 60


# -- data --------------------------------------------------------------------------------------------------------
def table(columns: dict[str, Any], rows: int = ROWS) -> pa.Table:
    """Columns, NaN where missing, and what rows are grouped and weighted by: whole numbers with 0, and fractions."""
    rng = np.random.default_rng(rows)
    keys = {"k": ["u", "v", "w"], "j": ["x", None]}
    made = {name: pa.array([texts[i % len(texts)] for i in range(rows)], pa.string()) for name, texts in keys.items()}
    made |= {"w": pa.array((np.arange(rows) // 6 + 1) % 3.0), "v": pa.array(rng.uniform(0.1, 2.0, rows))}
    return pa.table(
        made | {n: x if isinstance(x, pa.Array) else pa.array(x, from_pandas=True) for n, x in columns.items()}
    )


def numbers() -> dict[str, Array]:
    """Four kinds of columns, all positive, two of them with gaps."""
    rng = np.random.default_rng(1)
    x = np.abs(rng.normal(size=(4, ROWS)) * [[1], [10], [0.1], [5]] + [[2], [100], [1e6], [0]])
    x[[0, 3]] = np.where(rng.uniform(size=(2, ROWS)) < 0.15, np.nan, x[[0, 3]])
    return dict(zip("abcd", x, strict=True))


def lists() -> dict[str, Any]:
    """Of every type of list, one with gaps."""
    rng = np.random.default_rng(2)
    x, gaps = np.abs(rng.normal(size=(3, ROWS, 5))), rng.uniform(size=ROWS) < 0.1
    e = [None if gap else row for gap, row in zip(gaps, x[0].tolist(), strict=True)]
    f = pa.array(x[1].tolist(), pa.list_(pa.float64(), 5))
    return {"e": pa.array(e), "f": f, "g": pa.array(x[2, :, :3].tolist(), pa.large_list(pa.float32()))}


# -- methods and plans -------------------------------------------------------------------------------------------
def words(method: str) -> tuple[str, ...]:
    """With the options that it can't do without, and batches of which there are several."""
    kind: Any = registry.only("methods", method)
    needed = [name.replace("_", "-") for name in least(kind)]
    batches = ["--batch-size", "7"] if "batch_size" in kind.__struct_fields__ else []
    return ("-m", method, *(w for name in needed for w in (f"--{name}", "1")), *batches)


METHODS = [words(name) for name in registry.names("methods")]
OPTIONS: list[tuple[str, ...]] = [
    ("-m", "whiten", "--rank", "auto"), ("-m", "whiten", "--kind", "pca", "--components", "2"),
    ("-m", "whiten", "--kind", "zca-cor", "--eps", "0.1"), ("-m", "robust", "--exact"),
    ("-m", "batch", "--norm", "l1", "--batch-size", "5"), ("-m", "batch", "--channels", "1", "--momentum", "none"),
    ("-m", "weight", "--norm", "max"), ("-m", "batch", "--mean-only", "--start", "torch"),
    ("-m", "batch-renorm", "--batch-size", "2", "--momentum", "1"),
]  # fmt: skip
PLANS = [
    "whiten:e:kind='pca',components=2 unit:e",
    "whiten:f:kind='pca',components=0.9 layer:f",
    "asinh:e decorrelate:e:components=2 rms:e",
    "asinh:g zscore:g unit:g",
    "log1p:a,b zscore:a,b,c unit:a,c",
    "log1p:c,d asinh:c robust:c whiten:a,d:kind='pca',prefix='p' unit:p1,p2",
    "batch:e:batch_size=7 batch:a,b:batch_size=5 unit:e",
    "weight:e quantile:a minmax:b,c spectral:f",
    "whiten:e,f:rank='auto' unit:e,f",
    "log1p:a unit:e",
    "unit:e layer:f",
]


def plan(text: str, path: Path) -> tuple[str, ...]:
    """As a file of TOML: method:columns:options, step after step."""
    steps = []
    for step in text.split():
        method, columns, *options = step.split(":")
        chosen = ", ".join(f'"{name}"' for name in columns.split(","))
        given = options[0].replace("=", " = ").replace(",", ", ") if options else ""
        steps.append(f'[[steps]]\nmethod = "{method}"\ncolumns = [{chosen}]\noptions = {{ {given} }}\n')
    path.write_text("".join(steps))
    return "--plan", str(path)


# -- the law -----------------------------------------------------------------------------------------------------
@dataclass
class Trial:
    """A fit in a folder, and what is said of the same data afterwards."""

    folder: Path
    printed: Callable[[], str]

    def fits(self, inputs: Sequence[Path], *flags: str) -> bool:
        """Whether the data are fit for it."""
        try:
            inside.run("fit", *inputs, *flags, "-p", self.folder / "p.json")
        except (BadDataError, UsageError, click.UsageError):
            return False
        return True

    def check(self, inputs: Sequence[Path], *flags: str) -> dict[str, Any]:
        """What check says, which is no drift. Raises DriftError."""
        self.printed()
        inside.run("check", *inputs, "-p", self.folder / "p.json", "--json", *flags)
        said: dict[str, Any] = json.loads(self.printed())
        assert said["drift"] is False
        assert not [c for c in said["changes"] if c["what"] != "new"]
        return said

    def apply(self, inputs: Sequence[Path], *flags: str, judged: bool = True) -> None:
        """The same by apply, into one output and into a directory."""
        for how, output in (("--check", "o.arrows"), ("--check=warn", "o/")):
            where = ("-p", self.folder / "p.json", "-o", f"{self.folder}/{output}", "--to", "arrows")
            inside.run("apply", *inputs, how, *where, *flags)
            assert run_report.result.drift is (False if judged else None)
            assert not [text for text in run_report.result.warnings if "drift: " in text]


@pytest.fixture
def trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Trial:
    return Trial(tmp_path, lambda: capsys.readouterr().out)


def same(said: dict[str, Any]) -> None:
    """The figures of a comparison are those of equal data."""
    for column in said["columns"]:
        assert abs(column["shift"] or 0.0) <= 1e-9
        assert abs((1.0 if column["scale_ratio"] is None else column["scale_ratio"]) - 1.0) <= 0.05  # of a sketch
        assert all((column[name] or 0.0) <= 0.05 for name in ("ks", "wasserstein", "psi"))
        assert (column["outside"] or 0.0, column["missing_change"] or 0.0) == (0.0, 0.0)
        assert column["data"]["count"] == column["fitted"]["count"]
    for what in ("incomplete", "unseen_keys"):
        assert (said[what] or {}).get("change", 0.0) == (said[what] or {}).get("rows", 0) == 0


def some(cases: Sequence[Any], every: int) -> list[Any]:
    """All of them, most for soak: of each run of `every`, another one is for make test."""
    return [case if (i + i // every) % every == 0 else longer(case)[0] for i, case in enumerate(cases)]


@pytest.mark.parametrize("case", some(list(product([*METHODS, *OPTIONS], FORMATS, GROUPING)), 31), ids=str)
def test_of_every_method(case: tuple[tuple[str, ...], str, tuple[str, ...]], trial: Trial) -> None:
    method, kind, grouping = case
    data = [write(table(numbers()), trial.folder / f"in{suffix(kind)}")]
    if trial.fits(data, *method, "-c", "a,b,c,d", *grouping):
        same(trial.check(data))
        trial.apply(data)


@pytest.mark.parametrize("case", some(list(product(METHODS, WITH_LISTS, ("e", "e,f", "b,g,d"), GROUPING)), 61), ids=str)
def test_of_every_method_on_lists(case: tuple[tuple[str, ...], str, str, tuple[str, ...]], trial: Trial) -> None:
    method, kind, chosen, grouping = case
    data = [write(table(numbers() | lists()), trial.folder / f"in{suffix(kind)}")]
    if trial.fits(data, *method, "-c", chosen, *grouping):
        same(trial.check(data))
        trial.apply(data)


@pytest.mark.parametrize("case", some(list(product(PLANS, WITH_LISTS, GROUPING)), 11), ids=str)
def test_of_every_plan(case: tuple[str, str, tuple[str, ...]], trial: Trial) -> None:
    text, kind, grouping = case
    data = [write(table(numbers() | lists()), trial.folder / f"in{suffix(kind)}")]
    if trial.fits(data, *plan(text, trial.folder / "plan.toml"), *grouping):
        same(trial.check(data))
        trial.apply(data)


FEW = [*some(list(product((3, 26), [*METHODS, *OPTIONS])), 17), *longer(*product((1,), [*METHODS, *OPTIONS]))]


@pytest.mark.parametrize("case", FEW, ids=str)
def test_of_many_inputs(case: tuple[int, tuple[str, ...]], trial: Trial) -> None:
    """Batches run on from one into the next, though each is normalized into a file of its own."""
    rng, (rows, method) = np.random.default_rng(3), case
    columns = {"a": np.arange(78.0), "b": 9 + rng.normal(size=78), "c": rng.uniform(size=78)}
    whole, inputs = table(columns, 78), [trial.folder / "tree"]
    for i in range(78 // rows):
        part = trial.folder / f"tree/year={i // 5}/{i % 5}.csv"
        part.parent.mkdir(exist_ok=True, parents=True)
        write(whole.slice(i * rows, rows), part)
    for grouping in ((), ("--by", "year")):
        if trial.fits(inputs, *method, "-c", "a,b,c", *grouping):
            same(trial.check(inputs))
            trial.apply(inputs)


def test_of_batches_over_files_of_a_few_rows(trial: Trial) -> None:
    for i in range(20):
        (trial.folder / "in").mkdir(exist_ok=True)
        (trial.folder / f"in/{i}.csv").write_text("a\n" + "".join(f"{3 * i + j}\n" for j in range(3)))
    for method in ("batch", "batch-renorm"):
        assert trial.fits([trial.folder / "in"], "-m", method, "--batch-size", "16", "--momentum", "1")
        same(trial.check([trial.folder / "in"]))
        trial.apply([trial.folder / "in"])
        trial.apply([trial.folder / "in"], "--training")
        (trial.folder / "o/3.arrows").unlink()  # what goes on is judged as a whole
        where = ("-p", trial.folder / "p.json", "-o", f"{trial.folder}/o/", "--to", "arrows", "--training")
        inside.run("apply", trial.folder / "in", "--check=warn", *where, "--resume")
        assert run_report.result.drift is False


# -- edges -------------------------------------------------------------------------------------------------------
def edges() -> Iterator[tuple[str, dict[str, Array]]]:
    rng = np.random.default_rng(4)
    x, u, i = rng.normal(size=40), rng.uniform(size=40), np.arange(40.0)
    for size in (0.0, 1e8, 1e15, -3e15, 1e-12, 1e100, 1e-100, 1e150, 1e-160, 1e300, 5e-324):
        yield f"offset {size}", {"a": size + x, "b": size + u, "c": x[::-1]}
        yield f"scale {size}", {"a": size * x, "b": size * u, "c": x[::-1]}
        yield f"constant {size}", {"a": np.full(40, size * 1.1), "b": np.full(40, size * 0.3), "c": x}
        yield f"quantized {size}", {"a": size + i % 3, "b": size + (i % 2) * 0.125, "c": i // 9}
        yield f"one apart {size}", {"a": np.where(i == 7, np.nextafter(size * 1.1, np.inf), size * 1.1), "b": x, "c": u}
    yield "gaps", {"a": np.where(u < 0.5, np.nan, x), "b": np.where(x < 0, np.nan, u), "c": i}
    yield "no value in a column", {"a": np.full(40, np.nan), "b": x, "c": u}
    yield "no value", dict.fromkeys("abc", np.full(40, np.nan))
    yield "one value in a column", {"a": np.where(i == 5, 3.0, np.nan), "b": x, "c": u}
    yield "infinite", {"a": np.where(i % 7 == 5, np.inf, x), "b": u, "c": np.where(i == 3, -np.inf, 1.0)}
    yield "heavy", {"a": np.sinh(9 * x), "b": np.exp(50 * x), "c": i}
    yield "sorted", {"a": np.exp(i / 2), "b": i, "c": i // 20}
    yield "zeros", {"a": np.zeros(40), "b": np.where(i == 1, -0.0, 0.0), "c": i}
    yield "both ends of floats", {"a": np.where(i % 2, 1.7e308, -1.7e308), "b": np.where(i % 2, 5e-324, 0), "c": i}
    for rows in (1, 2, 3):
        yield f"{rows} rows", {"a": np.array([2.5, 2.5, np.nan])[:rows], "b": 1e9 + u[:rows], "c": x[:rows]}


EDGES = dict(edges())
LEARNERS = [
    w for w in [*METHODS, *OPTIONS] if w[1] not in ("asinh", "log1p", "unit", "layer", "rms", "group", "instance")
]


@pytest.mark.parametrize("case", some(list(product(EDGES, LEARNERS)), 197), ids=str)
def test_of_data_at_the_edges(case: tuple[str, tuple[str, ...]], trial: Trial) -> None:
    name, method = case
    rows = len(EDGES[name]["a"])
    data = [write(table(EDGES[name], rows), trial.folder / "in.csv")]
    for grouping in GROUPING:
        if trial.fits(data, *method, "-c", "a,b,c", "--inf", "missing", *grouping):
            trial.check(data, "--min-rows", "0", "--inf", "missing")
            trial.apply(data, "--inf", "missing", judged=rows >= 30)
