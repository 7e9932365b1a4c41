"""Limits of drift: by column, in files and as options, and switched off."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import normcli
from normcli import api
from normcli.drift import Comparison
from normcli.drift.figures import figures
from normcli.drift.measures import measures
from normcli.errors import UsageError
from normcli.limits import NAMES, OFF
from normcli.methods.zscore import ZScore
from tests.cli.conftest import Workspace, workspace
from tests.test_drift import csv, only
from tests.test_drift_of_fits import two

__all__ = ["workspace"]


# -- where they are from -----------------------------------------------------------------------------------------
def test_limits_are_read_from_a_file_and_the_command_line_wins(tmp_path: Path) -> None:
    old, new = two(tmp_path)
    plan, path = api.fit(old, ZScore()), tmp_path / "limits.toml"
    path.write_text("max_psi = 3\n[columns.a]\nmax_psi = 9\nmax_ks = 1\n")
    step = only(api.check(plan, new, limits=path, max_psi={"b": 0.5}, max_ks=0.3))
    assert step.limits["psi"].tolist() == [9.0, 0.5, 3.0]
    assert step.limits["ks"].tolist() == [1.0, 0.3, 0.3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_psy = 1", r"limits.toml: max_psy: unknown.* \(did you mean max_psi\?\)"),
        ("max_ks = 2", "limits.toml: max_ks = 2: is not from 0 to 1"),
        ("max_ks = nan", "limits.toml: max_ks = nan: is not from 0 to 1"),
        ("[columns.a]\nmax_psi = '1'", "limits.toml: columns.a.max_psi = '1': is no number"),
        ("columns = 1", "limits.toml: columns: must be tables"),
        ("a = 1\n[", "limits.toml:2: not TOML"),
        ("max_psi = -inf", "limits.toml: max_psi = -inf: is not 0 or more"),
        ("[columns.aa]\nmax_psi = 1", "limits.toml: columns.aa: no column .* has this name"),
    ],
)
def test_a_wrong_limit_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    old, new = two(tmp_path)
    (tmp_path / "limits.toml").write_text(text)
    with pytest.raises(UsageError) as e:
        api.check(api.fit(old, ZScore()), new, limits=tmp_path / "limits.toml")

    assert re.search(message, str(e.value))


@pytest.mark.parametrize("limit", [{"z": 1.0}, {"a": -1.0}, {3: 1.0}, {None: "x"}])
def test_a_limit_by_column_is_checked(limit: Any, tmp_path: Path) -> None:
    old, new = two(tmp_path)
    with pytest.raises(UsageError):
        api.check(api.fit(old, ZScore()), new, max_psi=limit)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--max-psi", "bodymass=0.2"], "--max-psi bodymass=0.2"),
        (["--max-scale-ratio", "bodymass=inf"], "--max-scale-ratio bodymass=inf"),
        (["--limits", "limits.toml"], "limits.toml: columns.bodymass"),
    ],
)
@pytest.mark.parametrize("command", ["check t.csv -p p.json", "apply t.csv -p p.json --check -o o.csv"])
def test_an_unknown_column_is_named_with_the_place_of_its_limit_and_the_nearest_name(
    workspace: Workspace, words: list[str], place: str, command: str
) -> None:
    (workspace / "t.csv").write_text("body_mass,x\n" + "".join(f"{i},{i % 7}\n" for i in range(40)))
    (workspace / "limits.toml").write_text("[columns.bodymass]\nmax_ks = 0.3\n")
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "-p", "p.json")
    done = workspace.run(*command.split(), *words)
    what = "no column that is compared has this name (did you mean body_mass?)"
    assert (done.code, done.lines) == (2, [f"normcli: error: {place}: {what}"])


def test_apply_reads_a_file_of_limits_once(workspace: Workspace) -> None:
    """As a pipe, it is empty the second time."""
    (workspace / "old.csv").write_text("x\n" + "".join(f"{i}\n" for i in range(400)))
    (workspace / "new.csv").write_text("x\n" + "".join(f"{i % 300}\n" for i in range(400)))
    workspace.succeeds("fit", "old.csv", "-m", "zscore", "-p", "p.json")
    line = ["apply", "new.csv", "-p", "p.json", "--check", "-o", "o.csv"]
    assert workspace.run(*line).code == 1
    limits = "".join(f"{name} = inf\n" for name in NAMES)
    workspace.succeeds(*line, "--limits", "/dev/stdin", stdin=limits.encode(), via='cat | "$@"')


# -- switched off ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> tuple[normcli.Parameters, Path]:
    """Parameters, and data of which each column is past every limit, among them 'c' of categories."""
    r, folder = np.random.default_rng(1), tmp_path_factory.mktemp("drifted")
    old, new = r.normal(size=(2_000, 3)), r.normal(3.0, 5.0, size=(2_000, 3))
    old[:, 2], new[:, 2] = r.integers(0, 3, 2_000), r.integers(3, 6, 2_000)
    new[:600, :2] = np.nan
    paths = [csv(folder / f"{name}.csv", x, "abc") for name, x in (("old", old), ("new", new))]
    for path in paths:
        path.write_text(re.sub(r"(\d)\.0$", r"\1", path.read_text(), flags=re.MULTILINE))
    return normcli.fit(paths[0], "zscore", columns="a,b", categories="c"), paths[1]


def reasons(found: Comparison, column: str) -> set[str]:
    """The limits that a column exceeds."""
    if column == "c":
        return {"category"} if found.categories[0].drift else set()
    step = only(found)
    return set(step.reasons(step.names.index(column)))


OF_COLUMNS = [(m.limit, name, column) for name, m in measures().items() for column in "ab"]


@pytest.mark.parametrize(("limit", "name", "column"), [*OF_COLUMNS, ("max_category", "category", "c")])
@pytest.mark.parametrize("way", ["all", "one", "file of all", "file of one"])
def test_a_measure_of_infinite_limit_is_off_and_the_others_are_not(
    drifted: tuple[normcli.Parameters, Path], limit: str, name: str, column: str, way: str, tmp_path: Path
) -> None:
    file, options = tmp_path / "limits.toml", dict[str, Any]()
    if way.startswith("file"):
        file.write_text(f"{limit} = inf\n" if way == "file of all" else f"[columns.{column}]\n{limit} = inf\n")
        options["limits"] = file
    else:
        options[limit] = OFF if way == "all" else {column: OFF}
    before, found = normcli.check(*drifted), normcli.check(*drifted, **options)
    for other in "abc":
        off = {name} if other == column or way.endswith("all") else set()
        assert reasons(before, other) - off == reasons(found, other), other
    assert name in reasons(before, column)
    assert figures(found)["limits"]["columns"] == ({} if way.endswith("all") else {column: {limit: None}})


def test_what_is_off_is_no_comparison_so_that_the_floors_of_others_are_lower(
    drifted: tuple[normcli.Parameters, Path],
) -> None:
    """Floors are those of 0.01 by the number of comparisons: 7 of two columns each, and one of categories."""
    floors = []
    for off in ({}, {"max_psi": OFF}, {"max_psi": {"a": OFF}}, dict.fromkeys(NAMES[1:], OFF)):
        options: Any = off
        found = normcli.check(*drifted, **options)
        floors.append(float(only(found).floors["ks"][0]))
    h = 1 / 2_000 + 1 / 1_400
    expected = [np.sqrt(np.log(2 * n / 0.01) / 2 * h) for n in (15, 13, 14, 2)]
    error = 4.0 / 256  # of ranks of the sketch
    np.testing.assert_allclose(floors, np.array(expected) + error, rtol=1e-12)


def test_with_all_off_nothing_is_drift(drifted: tuple[normcli.Parameters, Path], tmp_path: Path) -> None:
    """Nor are rows that miss a value, or keys that were not fitted, whose limits are those of all columns."""
    options: Any = dict.fromkeys(NAMES, OFF)
    assert normcli.check(*drifted, **options).drift is False
    r, both = np.random.default_rng(2), []
    for name, gaps in (("old", 0), ("new", 300)):
        x = r.normal(size=(900, 3))
        x[:gaps, 0] = np.nan
        x[:, 2] = r.integers(0, 3, 900) + 2 * (gaps > 0)
        both.append(csv(tmp_path / f"{name}.csv", x, "abk"))
    for method, by_key in (("whiten", False), ("zscore", True)):
        fitted = normcli.fit(both[0], method, columns="a,b", by="k")
        found = normcli.check(fitted, both[1], by_key=by_key)
        assert found.unseen is not None
        assert found.unseen.drift
        assert (found.incomplete is not None and found.incomplete.drift) == (method == "whiten")
        assert normcli.check(fitted, both[1], by_key=by_key, **options).drift is False


# -- as text -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_the_limit_of_a_ratio_is_on_its_side(workspace: Workspace, factor: float) -> None:
    """Of 2: what is narrower than a half is drift, and what is wider than twice."""
    rows = [(i * 7919 % 400) / 40 for i in range(400)]
    for name, scale in (("old", 1.0), ("new", factor)):
        (workspace / f"{name}.csv").write_text("x\n" + "".join(f"{x * scale!r}\n" for x in rows))
    workspace.succeeds("fit", "old.csv", "-m", "zscore", "-p", "p.json")
    done = workspace.run("check", "new.csv", "-p", "p.json")
    (row,) = (line.split() for line in done.out.decode().splitlines() if line.startswith("x       scale"))
    assert row[3] == ("0.5" if factor < 1 else "2")
    value, limit, floor = (float(row[i]) for i in (2, 3, 4))
    assert (value < limit < 1 and value < floor < 1) if factor < 1 else (value > limit > 1 and value > floor > 1)
    page = normcli.report(workspace / "p.json", workspace / "new.csv")
    assert f"<td>{row[2]}<td>{row[3]}<td>{row[4]}" in re.sub("</td>|</?b>", "", page)


def test_a_line_a_column_and_one_for_each_value_that_is_drift(workspace: Workspace) -> None:
    """Whatever the number of columns: what is as it was has no second line, but with -v."""
    names = [f"c{j}" for j in range(50)]
    for name, moved in (("old", 0.0), ("new", 9.0)):
        rows = [[f"{(i * (j + 3)) % 400 + (moved * 400 if j == 7 else 0)}" for j in range(50)] for i in range(401)]
        (workspace / f"{name}.csv").write_text("\n".join([",".join(names), *map(",".join, rows), ""]))
    workspace.succeeds("fit", "old.csv", "-m", "zscore", "-p", "p.json")
    out = workspace.run("check", "new.csv", "-p", "p.json").out.decode()
    heads, values = out.split("\n\n")[1:]
    assert [line.split()[0] for line in heads.splitlines()] == ["column", *names]
    assert [line.split()[0] for line in values.splitlines()] == ["column", *["c7"] * 5]
    assert all(line.endswith("drift") for line in values.splitlines())
    full = workspace.run("check", "new.csv", "-p", "p.json", "-v").out.decode()
    assert full.split("\n\n")[1] == heads
    assert len(full.split("\n\n")[2].splitlines()) == 1 + 50 * len(measures())
    assert len(workspace.run("check", "old.csv", "-p", "p.json").out.splitlines()) == 3 + 50
