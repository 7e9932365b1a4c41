"""What holds of any combination of options, methods, formats, numbers of inputs and contents.

The rows of a covering array, in which any two values meet that can, and in make soak rows at random, in which three
do: each through fit, apply, fit -o, the inverse, a pipe and check.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.conftest import longer
from tests.covering.arrays import PlanStep, covering_array, random_rows
from tests.covering.cases import FACTORS, LEARN_NOTHING, METHODS, PLANS, Case, excluded
from tests.covering.contents import BINARY, CONTENTS, decoded, encoded
from tests.covering.runs import Run, run

OLD = b"what was there before"
AT_ONCE = 40  # rows to a test of make soak
SOME, PARTS = 48, 4  # rows of make test, in so many tests
EXACT = ("center", "mean-range", "minmax", "maxabs", "zscore", "robust", "weight")  # restored within 1e-12·max|column|


# -- a case in a directory ---------------------------------------------------------------------------------------
class Trial:
    """A case, its inputs in the working directory, and what its runs have said."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.folder = case, folder
        self.content = CONTENTS[case.content]()
        self.pieces = self.content.pieces(1 if case.inputs == "1" else int(case.inputs[0]))
        self.names = self._write_inputs()
        if case.method in PLANS:
            columns = f"columns = {json.dumps(list(self.content.numbers))}\n"
            steps = PLANS[case.method].split("[[steps]]\n")
            first, last = f"[[steps]]\n{columns}{steps[0]}", f"[[steps]]\n{steps[1]}"
            selects = "" if "components" in steps[0] else columns
            folder.joinpath("plan.toml").write_text(first + last.replace("[[steps]]\n", f"[[steps]]\n{selects}"))

    def _write_inputs(self) -> list[str]:
        below, names = "directory" in self.case.inputs, []
        for i, piece in enumerate(self.pieces):
            format = self.case.format_of(i)
            names.append(f"{'in/' if below else ''}{i}.{format}")
            path = self.folder / names[-1]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encoded(piece, format))
        return ["in"] if below else names

    @property
    def selection(self) -> list[str]:
        if self.case.method in PLANS:
            return []
        if self.case.selection == "names":
            return [word for name in self.content.numbers for word in ("-c", name)]
        return [word for name in ("t", "k", "k2", "w") for word in ("-x", name)]

    def output(self, name: str) -> str:
        return f"{name}/" if self.case.into_directory else f"{name}.{self.case.written}"

    def outputs(self, name: str) -> dict[str, bytes]:
        """What came out, by its path below where it was to be."""
        path = self.folder / self.output(name)
        if path.is_dir():
            return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.name[0] != "."}
        return {"": path.read_bytes()} if path.exists() else {}

    def tables(self, name: str) -> list[pa.Table]:
        path = self.folder / self.output(name)
        files = sorted(p for p in path.rglob("*") if p.name[0] != ".") if path.is_dir() else [path]
        return [decoded(file) for file in files]

    def fit(self, params: str, *more: str, inputs: list[str] | None = None, stdin: bytes = b"") -> Run:
        words = ("fit", *(self.names if inputs is None else inputs), *self.case.learning, *self.selection)
        return run(self.folder, *words, *self.case.reading, "-p", params, *more, stdin=stdin)

    def apply(self, output: str, *more: str, inputs: list[str] | None = None, stdin: bytes = b"") -> Run:
        given = (*(self.names if inputs is None else inputs), "-p", "p.json", "-o", output, *self.case.writing)
        return run(self.folder, "apply", *given, *self.case.reading, *self.case.applying, *more, stdin=stdin)

    def check_clean(self) -> None:
        """No temporary file is left."""
        left = [p for p in self.folder.rglob(".normcli-*") if p.name != ".normcli-manifest"]
        assert not left, left


# -- laws --------------------------------------------------------------------------------------------------------
def hold(choice: PlanStep, folder: Path) -> str:
    """All laws of one case; how far it went."""
    trial = Trial(Case(choice), folder)
    fitted = targets_stay(trial, "p.json", lambda: trial.fit("p.json"))
    if fitted.code:
        ordinary = trial.content.plain and not (trial.content.bad and not trial.case.skip) and not trial.case.warnings
        assert not ordinary or _unfit(fitted), fitted
        assert trial.fit("p2.json", "-o", trial.output("both"), *trial.case.writing).code == fitted.code
        return "fit refused"
    from_pipe_is_the_same(trial)
    says_the_same_in_parquet(trial)
    fitted_data_show_no_drift(trial)
    more = [f"--check={trial.case.check}"] if trial.case.check else []
    applied = targets_stay(trial, trial.output("out"), lambda: trial.apply(trial.output("out"), *more))
    fit_and_apply_in_one(trial, applied)
    trial.check_clean()
    pipe_comes_out_the_same(trial, applied)
    if applied.code:
        return "apply refused"
    rows_add_up(trial, applied)
    return comes_back(trial)


def targets_stay(trial: Trial, target: str, work: Callable[[], Run]) -> Run:
    """A target of a run that fails is what it was before."""
    path = trial.folder / target
    if not target.endswith("/"):
        path.write_bytes(OLD)
    done = work()
    if not target.endswith("/"):
        assert (path.read_bytes() == OLD) == (done.code != 0), done
    trial.check_clean()
    return done


UNFIT = re.compile(
    r"no log1p of|constant|too few for|no batch has two values|the rank is|no numeric column is selected|"
    r"deviation beyond|below 1e-150|of one column each|only \d+ of \d+|is empty|components|"
    r"no row is complete"
)


def _unfit(fitted: Run) -> bool:
    """Whether an ordinary table was unfit for a method, in words that are known."""
    error = fitted.lines("error")[0]
    return (fitted.code == 65 and UNFIT.search(error) is not None) or (
        fitted.code == 2 and " does not divide " in error
    )


def from_pipe_is_the_same(trial: Trial) -> None:
    """The same bytes from a pipe give the same parameter file; several files, the same but for rounding."""
    data = encoded(trial.content, trial.case.format)
    piped = trial.fit("pipe.json", "--from", trial.case.format.partition(".")[0], inputs=["-"], stdin=data)
    assert piped.code == 0 or len(trial.pieces) > 1 or trial.case.warnings or "--exact" in trial.case.method, piped
    if piped.code or trial.case.method in LEARN_NOTHING:
        return
    one, other = (json.loads((trial.folder / n).read_bytes()) for n in ("p.json", "pipe.json"))
    if len(trial.pieces) == 1:
        assert one == other, trial.case.choice
    else:
        assert near(_learned(one), _learned(other), 1e-9), (_learned(one), _learned(other))


def _learned(document: dict[str, Any]) -> Any:
    """What people read of a parameter file, but for types, which text does not tell of a column without values."""
    return document["rows"], document["skipped"], [_without_types(step["columns"]) for step in document["steps"]]


def near(a: Any, b: Any, tolerance: float) -> bool:
    """Of plain values: whether numbers are, and all else is the same."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(near(a[k], b[k], tolerance) for k in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(near(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if float in map(type, (a, b)) and {type(a), type(b)} <= {float, int}:
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    return bool(a == b)


def says_the_same_in_parquet(trial: Trial) -> None:
    """Text and Parquet of one content say the same numbers; text does not say that a column without values is of
    numbers, so that it must be named."""
    if trial.case.content == "no value" and trial.case.selection != "names":
        return
    if trial.case.format in BINARY or trial.content.bad or len(trial.pieces) > 1 or trial.case.skip:
        return
    (trial.folder / "same.parquet").write_bytes(encoded(trial.content, "parquet"))
    done = trial.fit("same.json", inputs=["same.parquet"])
    assert done.code == 0, done
    one, other = (json.loads((trial.folder / n).read_bytes()) for n in ("p.json", "same.json"))
    for document in (one, other):
        for key in ("digest", "inputs", "schema"):
            document.pop(key, None)
    assert _without_types(one) == _without_types(other), trial.case.choice


def _without_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_types(v) for k, v in value.items() if k != "type"}
    return [_without_types(v) for v in value] if isinstance(value, list) else value


def fitted_data_show_no_drift(trial: Trial) -> None:
    """To a check with the defaults, of however few rows."""
    words = ["check", *trial.names, "-p", "p.json", *trial.case.reading]
    done = run(
        trial.folder, *[w for w in words if w not in ("--werror",)], *([] if trial.case.least else ["--min-rows", "0"])
    )
    assert done.code == 0, done


def fit_and_apply_in_one(trial: Trial, applied: Run) -> None:
    """fit -o writes what fit and then apply do."""
    case = trial.case
    if case.applying or case.check:
        return
    done = trial.fit("p2.json", "-o", trial.output("both"), *case.writing)
    assert (done.code == 0) == (applied.code == 0), (done, applied)
    if done.code == 0:
        assert (trial.folder / "p2.json").read_bytes() == (trial.folder / "p.json").read_bytes()
        assert trial.outputs("both") == trial.outputs("out"), case.choice
        said = [{k: r.report[k] for k in ("rows_in", "rows_out", "rows_rejected")} for r in (done, applied) if r.report]
        assert said[0] == said[1]
    else:
        assert trial.case.into_directory or not trial.outputs("both"), done


def rows_add_up(trial: Trial, applied: Run) -> None:
    """Rows in are rows out and rows rejected, and so the report says."""
    report, bad = applied.report, trial.content.bad + (trial.case.content == "infinite" and not trial.case.infinite)
    assert report is not None
    assert report["rows_in"] == trial.content.rows + trial.content.bad
    assert report["rows_rejected"] == (bad if trial.case.skip else 0)
    assert report["rows_out"] == report["rows_in"] - report["rows_rejected"]
    assert report["rows_out"] == sum(table.num_rows for table in trial.tables("out"))


def pipe_comes_out_the_same(trial: Trial, applied: Run) -> None:
    """One file, a pipe, several pieces and a mixture of formats come out as the same text, or the same table; or are
    refused alike."""
    case, data = trial.case, encoded(trial.content, trial.case.format)
    if case.into_directory or case.check or (case.training and len(trial.pieces) > 1):
        return
    piped = trial.apply(f"piped.{case.written}", "--from", case.format.partition(".")[0], inputs=["-"], stdin=data)
    assert piped.code == applied.code, (piped, applied)
    if piped.code:
        return
    if len(trial.pieces) == 1:
        assert (trial.folder / f"piped.{case.written}").read_bytes() == trial.outputs("out")[""]
    else:
        one, other = decoded(trial.folder / f"piped.{case.written}"), trial.tables("out")[0]
        assert near(_numeric(one), _numeric(other), 1e-9), case.choice


def _numeric(table: pa.Table) -> dict[str, list[Any]]:
    """Columns, of which those of text that are numbers are; NaN as a word, for it is not itself."""
    return {n: [_number(v) for v in table[n].to_pylist()] for n in table.column_names}


def _number(value: Any) -> Any:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return "NaN" if math.isnan(number) else number


def comes_back(trial: Trial) -> str:
    """What is restored is what was, within rounding, or refused in words; texts are what they were."""
    case, content = trial.case, trial.content
    words = ["apply", trial.output("out").rstrip("/"), "-p", "p.json", "--inverse", "-o", trial.output("back")]
    words += [*(["--column-suffix", case.suffix] if case.suffix and not case.only else []), *case.keys.split()]
    if case.only and (case.by or case.suffix):
        return "applied"
    words += ["--inf", case.infinite] if case.infinite else []
    back = targets_stay(trial, trial.output("back"), lambda: run(trial.folder, *words))
    if back.code:
        assert not _must_come_back(trial), back
        return "not undone"
    restored = trial.tables("back")
    table = pa.concat_tables(restored, promote_options="permissive") if len(restored) > 1 else restored[0]
    if not case.only and table.num_rows == content.rows > 0:
        texts = [None if v == "" else v for v in table["t"].to_pylist()]
        assert texts == content.table["t"].to_pylist(), case.choice
    warned = bool(back.lines("warning"))
    complete = table.num_rows == content.rows > 0
    for name in content.numbers if _must_come_back(trial) and not warned and complete else ():
        there, here = _floats(table[name]), content.values(name)
        gone = np.isnan(here) | np.isinf(here)
        assert (np.isnan(there) | ~np.isnan(here) | (there == here)).all()
        scale = np.abs(here[~gone]).max(initial=0.0)
        tolerance = 1e-12 if case.dtype != "float32" and content.table.schema.field(name).type != pa.float32() else 1e-5
        off = np.abs(there - here)[~gone]
        assert (off <= tolerance * scale).all(), (name, off.max(), scale, case.choice)
    return "undone"


def _must_come_back(trial: Trial) -> bool:
    case = trial.case
    name = case.method.split()[0]
    centred = case.dtype == "float32" and case.content in ("far off", "heavy", "units")
    return name in EXACT and not any(o in case.method for o in ("--clip", "row")) and not centred and not case.keys


def _floats(column: pa.ChunkedArray) -> Any:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return np.array(column.to_pylist(), np.float64)
    values = [math.nan if v is None or v == "" else float(v) for v in column.to_pylist()]
    return np.array(values, np.float64)


# -- all of them -------------------------------------------------------------------------------------------------
@cache
def pairs(count: int | None = None) -> list[PlanStep]:
    """The rows of the covering array, or so many of them: the first cover most."""
    return list(islice(covering_array(FACTORS, excluded), count))


def at_random(part: int) -> list[PlanStep]:
    return random_rows(FACTORS, excluded, AT_ONCE, seed=part)


def tried(rows: list[PlanStep], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number, choice in enumerate(rows):
        here = folder / str(number)
        here.mkdir()
        monkeypatch.chdir(here)
        try:
            counts[hold(choice, here)] += 1
        except BaseException as e:
            given = {f: v for f, v in choice.items() if v != FACTORS[f][0]}
            e.add_note(f"row {number}: {given}")
            raise
    return counts


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_some_of_all_pairs(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any) -> None:
    counts = tried(pairs(SOME)[part::PARTS], tmp_path, monkeypatch)
    assert counts["undone"] + counts["not undone"] + counts["applied"] > counts.total() / 2, counts
    record_counts(counts, record_property)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(25))
def test_all_pairs(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any) -> None:
    record_counts(tried(pairs()[part::25], tmp_path, monkeypatch), record_property)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", longer(*range(50)))
def test_three_at_random(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any) -> None:
    record_counts(tried(at_random(part), tmp_path, monkeypatch), record_property)


def record_counts(counts: Counter[str], record_property: Any) -> None:
    refused = counts["fit refused"] + counts["apply refused"]
    record_property("faults", {"covering array": [counts.total(), counts.total() - refused, refused, 0]})


def test_every_method_is_tried() -> None:
    from normcli import registry

    assert {m.split()[0] for m in METHODS} == {*registry.names("methods")}
