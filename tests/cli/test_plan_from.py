"""Steps of a plan that were fitted before: they learn nothing, so that the others learn in one pass."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Workspace

SEVERAL = '[[steps]]\nmethod = "fill"\n[[steps]]\nmethod = "zscore"\n'
TAKEN = '[[steps]]\nfrom = "fill.json"\n[[steps]]\nmethod = "zscore"\n'


@pytest.fixture
def plans(workspace: Workspace) -> Workspace:
    x = np.random.default_rng(2).normal(size=(40, 2))
    gaps = np.arange(40) % 7 == 0
    columns = {"a": pa.array(x[:, 0], mask=gaps), "b": x[:, 1], "k": ["x", "y"] * 20}
    for name, rows in (("all", slice(None)), ("one", slice(0, 25)), ("two", slice(25, None))):
        part = {n: c[rows] for n, c in columns.items()}
        pq.write_table(pa.table(part), workspace / f"{name}.parquet")
    (workspace / "several.toml").write_text(SEVERAL)
    (workspace / "taken.toml").write_text(TAKEN)
    workspace.succeeds("fit", "all.parquet", "-m", "fill", "-p", "fill.json")
    return workspace


def learned(path: Path) -> list[object]:
    document = json.loads(path.read_text())
    return [step["learned"] for step in document["steps"]] + [document.get("keys")]


def test_a_fitted_step_gives_what_a_plan_of_several_passes_does_in_one(plans: Workspace) -> None:
    plans.succeeds("fit", "all.parquet", "--plan", "several.toml", "-p", "several.json")
    plans.succeeds("fit", "--plan", "taken.toml", "-p", "taken.json", stdin=(plans / "all.parquet").open("rb"))
    assert learned(plans / "taken.json") == learned(plans / "several.json")
    for name in ("taken", "several"):
        plans.succeeds("apply", "all.parquet", "-p", f"{name}.json", "-o", f"{name}.csv")
    assert (plans / "taken.csv").read_bytes() == (plans / "several.csv").read_bytes()
    plans.succeeds("check", "all.parquet", "-p", "taken.json")
    plans.succeeds("inspect", "taken.json")


def test_such_a_plan_is_updated_and_merged(plans: Workspace) -> None:
    for name in ("one", "two"):
        plans.succeeds("fit", f"{name}.parquet", "--plan", "taken.toml", "-p", f"{name}.json")
    plans.succeeds("fit", "one.parquet", "two.parquet", "--plan", "taken.toml", "-p", "both.json")
    plans.succeeds("merge", "one.json", "two.json", "-o", "merged.json")
    plans.succeeds("fit", "two.parquet", "--update", "--plan", "taken.toml", "-p", "one.json")
    assert (plans / "merged.json").read_bytes() == (plans / "both.json").read_bytes()
    assert (plans / "one.json").read_bytes() == (plans / "both.json").read_bytes()


def test_what_was_taken_from_other_fits_does_not_merge(plans: Workspace) -> None:
    plans.succeeds("fit", "one.parquet", "--plan", "taken.toml", "-p", "one.json")
    plans.succeeds("fit", "one.parquet", "-m", "fill", "-p", "fill.json")
    plans.succeeds("fit", "two.parquet", "--plan", "taken.toml", "-p", "two.json")
    assert "steps[0] was taken from another fit of fill" in plans.fails(65, "merge", "one.json", "two.json")
    assert "steps[0] was taken" in plans.fails(
        2, "fit", "two.parquet", "--update", "--plan", "taken.toml", "-p", "one.json"
    )


def test_plans_of_several_passes_are_not_updated_nor_merged(plans: Workspace) -> None:
    plans.succeeds("fit", "one.parquet", "--plan", "several.toml", "-p", "one.json")
    for words in (("merge", "one.json", "one.json"), ("fit", "two.parquet", "--update", "-p", "one.json")):
        error = plans.fails(2, *words)
        assert "one.json: a plan of 2 passes can't be" in error
        assert "from = " in error
    new = ("fit", "two.parquet", "--update", "--create", "--plan", "several.toml", "-p", "new.json")
    error = plans.fails(2, *new)
    assert "several.toml: a plan of 2 passes can't be updated" in error
    assert "a new one begins" not in error


def test_by_key_what_was_fitted_to_all_rows_is_the_same_for_all(plans: Workspace) -> None:
    plans.succeeds("fit", "all.parquet", "--by", "k", "--plan", "taken.toml", "-p", "taken.json")
    plans.succeeds("apply", "all.parquet", "-p", "fill.json", "-o", "filled.parquet")
    plans.succeeds("fit", "filled.parquet", "--by", "k", "-m", "zscore", "-p", "zscore.json")
    plans.succeeds("apply", "all.parquet", "-p", "taken.json", "-o", "taken.csv")
    plans.succeeds("apply", "filled.parquet", "-p", "zscore.json", "-o", "apart.csv")
    assert (plans / "taken.csv").read_bytes() == (plans / "apart.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (TAKEN.replace('"fill.json"', "3"), 2, "p.toml: steps[0].from: 3: must be a parameter file"),
        (TAKEN.replace("[[steps]]\n", "[[steps]]\ncolumns = ['a']\n", 1), 2, "steps[0].columns: is not for from"),
        (TAKEN.replace("fill.json", "none.json"), 66, "p.toml: steps[0].from: none.json: there is no such file"),
        (TAKEN.replace("fill.json", "p.toml"), 65, "p.toml: steps[0].from: p.toml: $: "),
        (TAKEN.replace("fill.json", "edited.json"), 65, "p.toml: steps[0].from: edited.json: $.digest: does not match"),
        (TAKEN.replace("fill.json", "keyed.json"), 2, "steps[0].from: keyed.json was fitted with --by"),
        (TAKEN.replace("fill.json", "other.json"), 65, "p.toml: steps[0]: all.parquet: no "),
    ],
)
def test_what_can_not_be_taken(plans: Workspace, text: str, code: int, said: str) -> None:
    plans.succeeds("fit", "all.parquet", "-m", "fill", "--by", "k", "-p", "keyed.json")
    plans.succeeds("fit", "-m", "fill", "-p", "other.json", stdin=b"c\n1\n2\n")
    (plans / "edited.json").write_text((plans / "fill.json").read_text().replace('"rows": 40', '"rows": 41'))
    (plans / "p.toml").write_text(text)
    assert said in plans.fails(code, "fit", "all.parquet", "--plan", "p.toml", "-p", "q.json")


def test_an_edited_file_is_taken_where_that_is_allowed(plans: Workspace) -> None:
    (plans / "fill.json").write_text((plans / "fill.json").read_text().replace('"rows": 40', '"rows": 41'))
    words = ("fit", "all.parquet", "--plan", "taken.toml", "-p", "q.json")
    plans.fails(65, *words)
    plans.succeeds(*words, "--allow-edited")


def test_steps_are_called_as_they_stand_in_the_plan(plans: Workspace) -> None:
    """Whatever steps of a file, or lists, one of them stands for."""
    plans.succeeds("fit", "all.parquet", "--plan", "several.toml", "-p", "fill.json")
    rest = '[[steps]]\nmethod = "log1p"\ncolumns = ["{}"]\n'
    for name, said in (("zz", "p.toml: steps[1]: all.parquet: no numeric column"), ("a", "p.toml: steps[1] (log1p): ")):
        (plans / "p.toml").write_text('[[steps]]\nfrom = "fill.json"\n' + rest.format(name) + SEVERAL)
        assert said in plans.fails(65, "fit", "all.parquet", "--plan", "p.toml", "-p", "q.json")
    (plans / "l.ndjson").write_text("".join(f'{{"l": [1, 2], "a": {a}}}\n' for a in (1e200, -1e200, 1)))
    power = '[[steps]]\nmethod = "power"\ncolumns = ["a"]\n'
    (plans / "p.toml").write_text('[[steps]]\nmethod = "center"\ncolumns = ["l", "a"]\n' + power)
    error = plans.fails(65, "fit", "l.ndjson", "--plan", "p.toml", "-p", "q.json")
    assert "p.toml: steps[1] (power): deviations outside" in error
    assert "(leave columns out with exclude, or" in error


def test_a_column_that_became_others_is_known_by_the_step_that_took_it(plans: Workspace) -> None:
    first = '[[steps]]\nmethod = "decorrelate"\ncolumns = ["a", "b"]\n'
    (plans / "p.toml").write_text(first + '[[steps]]\nmethod = "zscore"\ncolumns = ["a"]\n')
    error = plans.fails(65, "fit", "all.parquet", "--plan", "p.toml", "-p", "q.json")
    assert "p.toml: steps[1]: all.parquet: column 'a' is there no more: steps[0] (decorrelate) makes others" in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('method = "fill"\noptions = { with = "mode" }', "options.with: 'mode' is none of mean, median, a number"),
        ('method = "fill"\noptions = { with = [1] }', "options.with: [1] is none of mean, median, a number"),
        ('method = "quantile"\noptions = { distribution = "x" }', "distribution: 'x' is none of uniform, normal"),
    ],
)
def test_words_of_options_are_listed(plans: Workspace, options: str, said: str) -> None:
    (plans / "p.toml").write_text(f"[[steps]]\n{options}\n")
    error = plans.fails(2, "fit", "all.parquet", "--plan", "p.toml", "-p", "q.json")
    assert "p.toml: steps[0].options" in error
    assert said in error
