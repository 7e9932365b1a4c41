"""normcli export, as users run it."""

import json
import runpy

import numpy as np

from normcli import registry
from tests.cli.conftest import Workspace

PLAN = """
[[steps]]
method = "log1p"
columns = ["a", "b"]
[[steps]]
method = "zscore"
columns = ["a", "b"]
[[steps]]
method = "minmax"
columns = ["c"]
"""


def table(workspace: Workspace) -> None:
    rng = np.random.default_rng(1)
    rows = [f"{i % 2},{a:.17g},{b:.3f},{i}" for i, (a, b) in enumerate(np.abs(rng.normal(size=(50, 2))))]
    (workspace.path / "t.csv").write_text("\n".join(["k,a,b,c", *rows]) + "\n")


def results(workspace: Workspace, name: str, columns: list[str]) -> np.ndarray:
    frame = np.genfromtxt(workspace.path / name, delimiter=",", names=True)
    return np.column_stack([frame[c] for c in columns])


def test_a_plan_is_one_function(workspace: Workspace) -> None:
    table(workspace)
    (workspace.path / "plan.toml").write_text(PLAN)
    workspace.succeeds("fit", "t.csv", "--plan", "plan.toml", "-p", "p.json")
    workspace.succeeds("apply", "t.csv", "-p", "p.json", "-o", "z.csv")
    workspace.succeeds("export", "p.json", "--to", "numpy", "-o", "m.py")
    workspace.succeeds("export", "p.json", "--to", "numpy", "--inverse", "-o", "back.py")
    module, back = (runpy.run_path(str(workspace.path / name)) for name in ("m.py", "back.py"))
    z = results(workspace, "z.csv", module["OUTPUTS"])
    assert module["transform"](results(workspace, "t.csv", module["INPUTS"])).tobytes() == z.tobytes()
    np.testing.assert_allclose(back["transform"](z), results(workspace, "t.csv", back["OUTPUTS"]), rtol=1e-13)


def test_parameters_by_key_are_exported_one_key_at_a_time(workspace: Workspace) -> None:
    table(workspace)
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "--by", "k", "-c", "a", "-p", "p.json")
    assert "--key KEY names it" in workspace.fails(2, "export", "p.json", "--to", "json")
    means = [
        json.loads(workspace.succeeds("export", "p.json", "--to", "json", "--key", k).out)["columns"]["a"]["center"]
        for k in "01"
    ]
    a = results(workspace, "t.csv", ["a"])[:, 0]
    np.testing.assert_allclose(means, [a[::2].mean(), a[1::2].mean()], rtol=1e-14)


def test_mistakes_are_exit_2_and_leave_the_file(workspace: Workspace) -> None:
    table(workspace)
    workspace.succeeds("fit", "t.csv", "-m", "quantile", "-p", "q.json")
    workspace.succeeds("fit", "t.csv", "-m", "zscore", "-p", "p.json")
    (workspace.path / "m.py").write_text("mine")
    for words, text in (
        (("q.json", "--to", "numpy"), "--to numpy: not of quantile: "),
        (("p.json", "--to", "nunpy"), "did you mean numpy?"),
        (("p.json",), "--to is missing"),
        (("p.json", "--to", "json", "--key", "1"), "for parameters by key"),
        (("p.json", "--to", "json", "--inverse"), "the same numbers undo it"),
    ):
        assert text in workspace.fails(2, "export", *words, "-o", "m.py")
    assert (workspace.path / "m.py").read_text() == "mine"
    workspace.fails(66, "export", "none.json", "--to", "json")


def test_help_lists_each_target(workspace: Workspace) -> None:
    shown = workspace.succeeds("export", "--help").out.decode()
    assert all(f"\n  {name} " in shown for name in registry.names("exports"))
