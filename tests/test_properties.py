"""What holds of the whole program, for tables, methods, options, formats and threads that nobody has chosen."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normcli.blocks.record import Array
from normcli.errors import BadDataError, NotInvertibleError, UsageError
from normcli.parameters import Parameters
from normcli.parameters import file as params
from tests import inside

Values = list[float | None]


# -- tables ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Table:
    """Columns of numbers, which are selected, and of texts, which are not."""

    numbers: dict[str, Values]
    texts: dict[str, list[str]]
    whole: frozenset[str] = frozenset()  # columns of int64

    @property
    def rows(self) -> int:
        return len(next(iter(self.numbers.values())))

    def part(self, rows: slice) -> "Table":
        numbers = {n: x[rows] for n, x in self.numbers.items()}
        return replace(self, numbers=numbers, texts={n: x[rows] for n, x in self.texts.items()})

    def arrow(self) -> pa.Table:
        kinds = {n: pa.int64() if n in self.whole else pa.float64() for n in self.numbers}
        made = {n: pa.array(x, kinds[n]) for n, x in self.numbers.items()}
        return pa.table(made | {n: pa.array(x, pa.string()) for n, x in self.texts.items()})

    def write(self, path: Path) -> Path:
        """As the suffix says."""
        if path.suffix == ".parquet":
            pq.write_table(self.arrow(), path)
        elif path.suffix == ".arrow":
            pyarrow.feather.write_feather(self.arrow(), str(path), compression="uncompressed")
        elif path.suffix == ".ndjson":
            path.write_text("".join(json.dumps(row) + "\n" for row in self.arrow().to_pylist()), "utf-8")
        else:
            path.write_text(self.csv(), "utf-8", newline="")
        return path

    def csv(self) -> str:
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        shown = {n: [("" if v is None else repr(v)) for v in x] for n, x in self.numbers.items()} | self.texts
        writer.writerows([list(shown), *zip(*shown.values(), strict=True)])
        return out.getvalue()


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)  # \r stands in CSV as it is quoted
TEXTS = TEXT.filter(lambda t: not t.isspace()).map(lambda t: "x" + t)  # never a number, never missing
SHAPES: Mapping[str, Callable[[Array], Array]] = {
    "tame": lambda x: 10.0 * x,
    "far": lambda x: 1e8 + x,
    "very far": lambda x: 1e12 + np.abs(x),
    "small": lambda x: 1e-9 * x,
    "large": lambda x: 1e9 * x,
    "skew": lambda x: np.exp(x),
    "whole": lambda x: np.rint(100.0 * x),
    "few": lambda x: np.rint(x),
    "constant": lambda x: np.full_like(x, 3.25),
    "zero": lambda x: np.zeros_like(x),
}


@st.composite
def tables(draw: st.DrawFn, gaps: bool = True, least: int = 2) -> Table:
    rows, count = draw(st.integers(least, 40)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = draw(st.lists(st.sampled_from(list(SHAPES)), min_size=count, max_size=count))
    numbers, whole = dict[str, Values](), set[str]()
    for j, shape in enumerate(shapes):
        x = SHAPES[shape](rng.normal(size=rows))
        gone = rng.random(rows) < (draw(st.sampled_from([0.0, 0.0, 0.1, 0.6])) if gaps else 0.0)
        gone[0] = False  # by which types are told
        of_int = shape in ("whole", "few") and draw(st.booleans())
        whole |= {f"n{j}"} if of_int else set()
        numbers[f"n{j}"] = [None if g else int(v) if of_int else float(v) for v, g in zip(x, gone, strict=True)]
    texts = {f"t{j}": draw(st.lists(TEXTS, min_size=rows, max_size=rows)) for j in range(draw(st.integers(0, 2)))}
    return Table(numbers, texts, frozenset(whole))


# -- methods -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Asked:
    """A method with options, and how near restored values are: of the largest of their column."""

    words: tuple[str, ...]
    near: float = 1e-12
    back: bool = True  # can be undone
    parts: bool = True  # its fits merge

    def __repr__(self) -> str:
        return " ".join(self.words)


METHODS = [  # none that puts values of any size beside a number: -4 + 1e-10 keeps six digits of it, whatever we do
    Asked(("center",)), Asked(("mean-range",)), Asked(("minmax",)), Asked(("minmax", "--range", "-3", "7")),
    Asked(("minmax", "--clip"), back=False), Asked(("maxabs",)), Asked(("zscore",)),
    Asked(("zscore", "--no-center", "--target-std", "2.5")), Asked(("zscore", "--target-mean", "-4")),
    Asked(("zscore", "--no-scale")),
    Asked(("robust",)), Asked(("robust", "--quantiles", "0.1", "0.9", "--unit-variance")),
    Asked(("quantile", "--resolution", "7"), back=False), Asked(("power",), 1e-9), Asked(("asinh",), 1e-9, parts=False),
    Asked(("log1p",), 1e-9, parts=False), Asked(("weight",)), Asked(("weight", "--norm", "l1", "--gain", "-2")),
    Asked(("weight", "--axis", "row"), back=False, parts=False), Asked(("spectral",), 1e-10), Asked(("unit",),
    back=False, parts=False),
    Asked(("unit", "--norm", "3.5"), back=False, parts=False), Asked(("decorrelate",), 1e-10),
    Asked(("whiten", "--eps", "0.5"), 1e-10), Asked(("whiten", "--kind", "pca", "--shrinkage", "0.3"), 1e-10),
    Asked(("whiten", "--kind", "zca-cor"), 1e-10), Asked(("whiten", "--kind", "pca-cor", "--rank", "auto"), back=False),
    Asked(("whiten", "--kind", "cholesky", "--shrinkage", "oas"), 1e-10), Asked(("rms",), back=False, parts=False),
    Asked(("layer",), back=False, parts=False), Asked(("group", "--groups", "1"), back=False, parts=False),
    Asked(("instance", "--channels", "1"), back=False, parts=False), Asked(("batch", "--batch-size", "4"), 1e-10,
    parts=False),
    Asked(("batch-renorm", "--batch-size", "5"), 1e-10, parts=False),
    Asked(("batch-instance", "--channels", "1", "--batch-size", "4"), back=False, parts=False),
    Asked(("switchable", "--channels", "1", "--batch-size", "4"), back=False, parts=False),
]  # fmt: skip
FORMATS = ("csv", "parquet", "arrow", "ndjson")
threads = st.integers(1, 3).map(lambda n: ("--threads", str(n)))


def fitted(asked: Asked, data: Path, params_file: Path, *more: str) -> Parameters | None:
    """The plan of a fit, or None where the data are unfit for it, in words."""
    try:
        inside.run("fit", data, "-m", *asked.words, "-c", "n*", "-p", params_file, *more)
    except (BadDataError, UsageError, click.UsageError):
        return None
    return params.read(params_file.read_bytes())


# -- there and back ----------------------------------------------------------------------------------------------
def comes_back(table: Table, asked: Asked, kind: str, workers: tuple[str, str]) -> bool:
    """Whether there was anything to look at."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        data = table.write(folder / f"in.{kind}")
        plan = fitted(asked, data, folder / "p.json", *workers)
        if plan is None:
            return False
        made, back = folder / "made.parquet", folder / "back.parquet"
        try:
            inside.run("apply", data, "-p", folder / "p.json", "-o", made, *workers)
        except BadDataError:
            return False  # a value that the method has no result for
        assert pq.read_metadata(made).num_rows == table.rows
        try:
            inside.run("apply", made, "-p", folder / "p.json", "--inverse", "-o", back, *workers)
        except NotInvertibleError:
            assert not asked.back or "--rank" in asked.words or _deficient(plan)
            return True
        given, restored = table.arrow(), pq.read_table(back)
        assert restored.column_names == given.column_names
        for n in table.texts:
            assert restored[n].to_pylist() == given[n].to_pylist()
        whole_rows = any(s.method.by_row for s in plan.steps) or asked.words[0] == "spectral"
        complete = np.all([[v is not None for v in x] for x in table.numbers.values()], axis=0)
        for n, x in table.numbers.items():
            here = np.array([math.nan if v is None else v for v in x], np.float64)
            there = restored[n].cast(pa.float64()).to_numpy(zero_copy_only=False)
            known = complete if whole_rows else ~np.isnan(here)
            assert (np.isnan(there[known]) == np.isnan(here[known])).all(), n
            if asked.back:
                scale = _largest(table) if asked.near > 1e-12 and len(table.numbers) > 1 else np.nanmax(np.abs(here))
                off = np.abs(there - here)[known & ~np.isnan(here)]
                assert (off <= asked.near * max(float(scale), 1e-300)).all(), (n, off.max(), scale)
        return True


def _largest(table: Table) -> float:
    return max(abs(v) for x in table.numbers.values() for v in x if v is not None)


def _deficient(plan: Parameters) -> bool:
    return any(type(s.fitted).__name__ == "Linear" for s in plan.steps)


# -- formats -----------------------------------------------------------------------------------------------------
def same_everywhere(table: Table, asked: Asked, workers: tuple[str, str]) -> bool:
    """A file of each format says the same, but for the digest of what was read, and the types of what has none."""
    with TemporaryDirectory() as name:
        folder, said = Path(name), []
        for kind in FORMATS:
            said.append(_said(fitted(asked, table.write(folder / f"in.{kind}"), folder / f"{kind}.json", *workers)))
        assert all(s == said[0] for s in said[1:]), [k for k, s in zip(FORMATS, said, strict=True) if s != said[0]]
        return said[0] is not None


def _said(plan: Parameters | None) -> Any:
    if plan is None:
        return None
    document = json.loads(params.write(plan))
    numbers = {f["name"]: f["type"] for f in document["schema"] if f["name"].startswith("n")}
    return document["rows"], document["skipped"], numbers, document["steps"]


# -- parts -------------------------------------------------------------------------------------------------------
def parts_are_the_whole(table: Table, asked: Asked, cut: int) -> bool:
    with TemporaryDirectory() as name:
        folder = Path(name)
        at = max(1, min(cut, table.rows - 1))
        pieces = [table.part(slice(0, at)), table.part(slice(at, None))]
        paths = [p.write(folder / f"part{i}.parquet") for i, p in enumerate(pieces)]
        plans = [fitted(asked, p, folder / f"part{i}.json") for i, p in enumerate(paths)]
        try:
            inside.run("fit", *paths, "-m", *asked.words, "-c", "n*", "-p", folder / "whole.json")
        except (BadDataError, UsageError, click.UsageError):
            return False
        if None in plans:
            return False
        inside.run(
            "merge", *(folder / f"part{i}.json" for i in range(2)), "-o", folder / "merged.json", "--allow-duplicates"
        )
        assert (folder / "merged.json").read_bytes() == (folder / "whole.json").read_bytes()
        inside.run("fit", "--update", "-p", folder / "part0.json", paths[1], "--recount")
        assert (folder / "part0.json").read_bytes() == (folder / "whole.json").read_bytes()
        return True


# -- rows and texts ----------------------------------------------------------------------------------------------
BAD_LINES = ("1,2,3,4,5,6,7,8,9", "only")


def rows_add_up(table: Table, asked: Asked, bad: list[int], workers: tuple[str, str]) -> bool:
    """Bad rows among good ones: what comes out is the good ones, and their texts character for character."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        clean = table.write(folder / "clean.csv")
        if fitted(asked, clean, folder / "p.json") is None:
            return False
        header = table.csv().split("\n", 1)[0]
        rows = [table.part(slice(i, i + 1)).csv().split("\n", 1)[1] for i in range(table.rows)]
        several = len(table.numbers) + len(table.texts) > 1
        for at in sorted((min(b, len(rows)) for b in bad), reverse=True):
            rows.insert(at, BAD_LINES[at % 2 if several else 0] + "\n")
        (folder / "dirty.csv").write_text(header + "\n" + "".join(rows), "utf-8", newline="")
        skip = ("--on-bad-row", "skip", "--rejects", folder / "rejects", "--run-report", folder / "r.json")
        try:
            inside.run("apply", clean, "-p", folder / "p.json", "-o", folder / "one.csv", *workers)
        except BadDataError:
            return False
        inside.run("apply", folder / "dirty.csv", "-p", folder / "p.json", "-o", folder / "two.csv", *skip, *workers)
        assert (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()
        assert len((folder / "rejects").read_bytes().splitlines()) == len(bad)
        out = list(csv.DictReader(io.StringIO((folder / "two.csv").read_bytes().decode(), newline="")))
        assert len(out) == table.rows
        for n, texts in table.texts.items():
            assert [row[n] for row in out] == texts
        return True


# -- all of them -------------------------------------------------------------------------------------------------
LAWS: dict[str, Any] = {
    "apply, then its inverse": (comes_back, {"table": tables(), "kind": st.sampled_from(FORMATS), "workers": threads}),
    "one content in four formats": (same_everywhere, {"table": tables(), "workers": threads}),
    "parts and the whole": (parts_are_the_whole, {"table": tables(least=8), "cut": st.integers(1, 39)}),
    "rows in and out": (
        rows_add_up,
        {"table": tables(), "bad": st.lists(st.integers(0, 40), max_size=3), "workers": threads},
    ),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("examples", [8, pytest.param(1500, marks=pytest.mark.soak)])
@pytest.mark.parametrize("law", LAWS)
def test_what_holds_of_any_table(law: str, examples: int, record_property: Callable[[str, object], None]) -> None:
    holds, drawn = LAWS[law]
    methods = [m for m in METHODS if m.parts] if holds is parts_are_the_whole else METHODS
    tried = {True: 0, False: 0}

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(asked=st.sampled_from(methods), **drawn)
    def each(**values: Any) -> None:
        tried[holds(**values)] += 1

    each()
    assert tried[True] > tried[False]
    record_property("faults", {f"whole program: {law}": [sum(tried.values()), tried[True], tried[False], 0]})
