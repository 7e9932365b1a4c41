"""fit --plan: several steps in one pass, and in all that a parameter file is for."""

import json

import pytest

from tests.cli.conftest import Workspace

LOG = """[[steps]]
method = "log1p"
columns = ["a", "c"]

[[steps]]
method = "zscore"
columns = ["?"]
options = { ddof = 1 }
"""
PCA = """[[steps]]
method = "whiten"
columns = ["?"]
options = { kind = "pca", components = 2 }

[[steps]]
method = "unit"
columns = ["pc*"]
"""
FIT = ("fit", "--plan", "plan.toml")
HEAD, *ROWS = b"""store,times,a,b,c
north,1,1,2.5,7
south,2,2,3.5,1
north,1,NA,-1.25,3
south,0,8,0.5,2
"007",1,16,9.75,11
north,3,3,4.5,5
""".splitlines(keepends=True)


@pytest.fixture
def plans(workspace: Workspace) -> Workspace:
    """A table of two parts, and the plan of logarithms."""
    (workspace / "plan.toml").write_text(LOG)
    (workspace / "sales.csv").write_bytes(HEAD + b"".join(ROWS))
    (workspace / "1.csv").write_bytes(HEAD + b"".join(ROWS[:2]))
    (workspace / "2.csv").write_bytes(HEAD + b"".join(ROWS[2:]))
    return workspace


def test_in_one_command_as_in_two(plans: Workspace) -> None:
    done = plans.succeeds(*FIT, "sales.csv", "-p", "p.json", "-o", "one.csv", "--run-report", "r.json")
    assert "fit log1p, zscore: 6 rows, 3 columns, 2 left out, " in done.err
    assert json.loads((plans / "r.json").read_bytes())["method"] == "log1p, zscore"
    assert (plans / "p.json").read_bytes() == plans.succeeds(*FIT, "sales.csv").out
    done = plans.succeeds("apply", "sales.csv", "-p", "p.json", "-o", "two.csv")
    assert "applied log1p, zscore: 6 rows, 3 columns" in done.err
    assert (plans / "one.csv").read_bytes() == (plans / "two.csv").read_bytes()
    back = plans.succeeds("apply", "one.csv", "-p", "p.json", "--inverse").out
    for line, given in zip(back.splitlines()[1:], ROWS, strict=True):
        words = [w if w == b"NA" else b"%g" % round(float(w), 12) for w in line.split(b",")[1:]]
        assert words == given.strip().split(b",")[1:]


def test_components_then_their_length(plans: Workspace, parquet: str) -> None:
    (plans / "plan.toml").write_text(PCA)
    plans.succeeds(*FIT, "sales.csv", "-p", "p.json", "-o", "one.csv")
    lines = [line.split(b",") for line in (plans / "one.csv").read_bytes().splitlines()]
    assert lines[0] == [b"store", b"times", b"pc1", b"pc2"]
    assert lines[3][2:] == [b"", b""]  # which misses a value
    for words in lines[1:3]:
        assert float(words[2]) ** 2 + float(words[3]) ** 2 == pytest.approx(1, abs=1e-15)
    plans.succeeds(*FIT, parquet, "-p", "p.json", "-o", "one.parquet")
    plans.succeeds("apply", parquet, "-p", "p.json", "-o", "two.parquet")
    assert (plans / "one.parquet").read_bytes() == (plans / "two.parquet").read_bytes()
    error = plans.fails(2, "apply", "one.parquet", "-p", "p.json", "--inverse")
    assert error.startswith("steps[0] (whiten): whiten can't be undone: only 2 of 3 directions were kept")


def test_beside_the_originals_come_the_last_results_alone(plans: Workspace) -> None:
    plans.succeeds(*FIT, "sales.csv", "-p", "p.json", "-o", "z.csv", "--column-suffix", "_z")
    header = (plans / "z.csv").read_bytes().splitlines()[0]
    assert header == b"store,times,a,a_z,b,b_z,c,c_z"
    assert plans.succeeds("apply", "sales.csv", "-p", "p.json", "--only").out.splitlines()[0] == b"a,b,c"
    restored = plans.succeeds("apply", "z.csv", "-p", "p.json", "--column-suffix", "_z", "--inverse").out
    assert restored.splitlines()[0] == b"store,times,a,b,c"
    assert restored.splitlines()[1] == b"north,1,1,2.5,7"
    (plans / "plan.toml").write_text(PCA)
    plans.succeeds(*FIT, "sales.csv", "-p", "p.json", "-o", "z.csv", "--column-suffix", "_z")
    assert (plans / "z.csv").read_bytes().splitlines()[0] == b"store,times,a,b,c,pc1,pc2"


@pytest.mark.soak
def test_parts_fitted_apart_make_the_whole(plans: Workspace) -> None:
    whole = plans.succeeds(*FIT, "1.csv", "2.csv").out
    for name in "12":
        plans.succeeds(*FIT, f"{name}.csv", "-p", f"{name}.json")
    done = plans.succeeds("merge", "1.json", "2.json")
    assert done.out == whole
    assert "merged log1p, zscore: 6 rows of 2 files" in done.err
    plans.succeeds("fit", "--update", "-p", "1.json", "2.csv")
    assert (plans / "1.json").read_bytes() == whole
    plans.succeeds(*FIT, "--update", "--create", "-p", "new.json", "1.csv")
    plans.succeeds(*FIT, "--update", "-p", "new.json", "2.csv")
    assert (plans / "new.json").read_bytes() == whole
    (plans / "plan.toml").write_text(LOG.replace("ddof = 1", "ddof = 0"))
    error = plans.fails(2, *FIT, "--update", "-p", "new.json", "2.csv")
    assert error.startswith("plan.toml: steps[1] is of zscore with --ddof 0, and new.json with --ddof 1")
    (plans / "plan.toml").write_text(LOG.replace('"a", "c"', '"a"'))
    assert "steps[0] lacks c, and new.json has it" in plans.fails(2, *FIT, "--update", "-p", "new.json", "2.csv")
    error = plans.fails(2, "fit", "-m", "zscore", "--update", "-p", "new.json", "2.csv")
    assert error.startswith("-m zscore: new.json is of log1p")
    plans.succeeds(*FIT, "1.csv", "-p", "other.json")
    assert "other.json: steps[0] lacks c" in plans.fails(65, "merge", "new.json", "other.json")


@pytest.mark.soak
def test_by_key_and_by_weight(plans: Workspace) -> None:
    """A step that learns nothing does the same in each."""
    (plans / "logs.toml").write_text(LOG.split("\n\n")[0])
    (plans / "logs.csv").write_bytes(plans.succeeds("fit", "--plan", "logs.toml", "sales.csv", "-o", "-").out)
    for flags in (["--weights", "times"], ["--by", "store", "--weights", "times"]):
        plans.succeeds(*FIT, *flags, "sales.csv", "-p", "p.json", "-o", "one.csv", "-q")
        plans.succeeds("fit", "-m", "zscore", "--ddof", "1", "-c", "?", *flags, "logs.csv", "-p", "z.json", "-q")
        two = plans.succeeds("apply", "logs.csv", "-p", "z.json", "-q").out
        one = (plans / "one.csv").read_bytes()
        for mine, theirs in zip(one.splitlines()[1:], two.splitlines()[1:], strict=True):
            for a, b in zip(mine.split(b",")[2:], theirs.split(b",")[2:], strict=True):
                assert a == b or float(a) == pytest.approx(float(b), rel=1e-14, abs=1e-14)
        assert one == plans.succeeds("apply", "sales.csv", "-p", "p.json").out
        read = json.loads((plans / "p.json").read_bytes())
        plans.succeeds("apply", "one.csv", "-p", "p.json", "--inverse")
        assert [s["method"] for s in read["steps"]] == ["log1p", "zscore"]
    more = HEAD + b"west,1,3,2,1\n"
    assert (
        plans.succeeds("apply", "-p", "p.json", "--unseen", "pass", stdin=more).out.splitlines()[1]
        == b"west,1,3.0,2.0,1.0"
    )
    assert (
        plans.succeeds("apply", "-p", "p.json", "--unseen", "missing", stdin=more).out.splitlines()[1] == b"west,1,,,"
    )


def test_a_dry_run_and_inspect_show_the_steps(plans: Workspace) -> None:
    (plans / "plan.toml").write_text(PCA)
    assert b"columns  a (float64), b (float64), c (int64)\n" in plans.succeeds(*FIT, "sales.csv", "--dry-run").out
    plans.succeeds(*FIT, "sales.csv", "-p", "p.json")
    lines = plans.succeeds("inspect", "p.json").out.decode().splitlines()
    assert "steps[0] whiten (kind pca, " in "\n".join(lines)
    at = lines.index("steps[1] unit (norm l2)")
    assert lines[at - 1] == ""
    assert lines[at + 1 : at + 7] == [
        "learned  nothing: it does not depend on the data",
        "gives    the same columns",
        "",
        "column  type",
        "pc1     float64",
        "pc2     float64",
    ]


def test_nothing_to_learn_needs_no_second_look(plans: Workspace) -> None:
    (plans / "plan.toml").write_text('[[steps]]\nmethod = "asinh"\n[[steps]]\nmethod = "unit"\ncolumns = ["a", "b"]\n')
    header = b"a,b\n"
    made = plans.succeeds(*FIT, "-o", "-", stdin=header + b"0,3\n").out
    assert made == b"a,b\n0.0,1.0\n"
    plans.succeeds(*FIT, "-p", "p.json", stdin=header)
    assert plans.succeeds("apply", "-p", "p.json", stdin=header + b"0,3\n").out == made
    assert "learns nothing" in plans.fails(2, *FIT, "--by", "store", "sales.csv")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[[steps]]\nmethod = 'unit", 2, "plan.toml:2: not TOML: "),
        ("[[steps]]\nmethod = 'nosuch'", 2, "plan.toml: steps[0].method: 'nosuch': no such method (there are asinh"),
        (LOG.replace("ddof = 1", "dof = 1"), 2, "plan.toml: steps[1].options.dof: the method has no such option"),
        (LOG.replace('"?"', '"nosuch"'), 65, "plan.toml: steps[1]: sales.csv: no numeric column is called 'nosuch'"),
        (LOG.replace('"?"', '"store"'), 65, "plan.toml: steps[1]: sales.csv:2: 'north' in column 'store' is not"),
        (PCA.replace("components = 2", "components = 0.5"), 2, "plan.toml: steps[1]: column 'pc1' is of steps[0]"),
        (PCA.replace("components = 2", "components = 9"), 65, "plan.toml: steps[0] (whiten): --components 9: there"),
        (LOG.replace('"a", "c"', '"b"'), 65, "sales.csv:4: column 'b': there is no log1p of -1.25"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_plan(plans: Workspace, text: str, code: int, said: str) -> None:
    (plans / "plan.toml").write_text(text)
    assert plans.fails(code, *FIT, "sales.csv").startswith(said)


def test_a_plan_stands_alone(plans: Workspace) -> None:
    plans.succeeds(*FIT, "sales.csv", "-p", "p.json")
    assert plans.fails(2, *FIT, "-m", "zscore", "sales.csv").startswith("-m is not for --plan")
    assert plans.fails(2, *FIT, "-c", "a", "sales.csv").startswith("--columns is not for --plan")
    assert "--ddof needs -m" in plans.fails(2, *FIT, "--ddof", "1", "sales.csv")
    assert plans.fails(2, *FIT, "--relearn", "p.json").startswith("--plan is not for --relearn")
    assert "several steps" in plans.fails(2, "fit", "--relearn", "p.json", "-m", "minmax")
    error = plans.fails(66, "fit", "--plan", "nosuch.toml", "sales.csv")
    assert error.startswith("nosuch.toml: there is no such file (")
    assert "-p ./plan.toml is the --plan" in plans.fails(2, *FIT, "sales.csv", "-p", "./plan.toml")
    assert "a plan is a file" in plans.fails(2, "fit", "--plan", "-", "sales.csv", stdin=b"")
    (plans / "plan.toml").write_text(LOG.replace('"?"', '"b"'))
    error = plans.fails(2, *FIT, "--weights", "b", "sales.csv")
    assert error.startswith("plan.toml: steps[1]: columns: b: is a column of --by or --weights")
