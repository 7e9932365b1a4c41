"""What a fit of several passes says, and that it learns the same from files, from parts of them, and from a pipe."""

import gzip
import json
import re

import numpy as np
import polars as pl
import pytest

from normcli import registry
from normcli.jobs.fit import fit
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.results import Result
from normcli.pipeline import Events
from tests.cli.conftest import Workspace
from tests.least_options import least

PLAN = "".join(f'[[steps]]\nmethod = "{method}"\n' for method in ("fill", "winsorize", "power", "zscore"))


@pytest.fixture
def flights(workspace: Workspace) -> Workspace:
    rng = np.random.default_rng(21)
    delay, distance = rng.lognormal(3, 1, size=3000).round() - 20, rng.integers(80, 5000, size=3000)
    gaps = [None if i % 11 == 0 else value for i, value in enumerate(delay.tolist())]
    frame = pl.DataFrame({"delay": gaps, "distance": distance})
    frame.write_csv(workspace / "flights.csv")
    frame.write_parquet(workspace / "flights.parquet", row_group_size=700)
    (workspace / "flights.csv.gz").write_bytes(gzip.compress((workspace / "flights.csv").read_bytes()))
    (workspace / "plan.toml").write_text(PLAN)
    return workspace


def test_each_pass_is_told_before_it_begins_and_when_it_has_ended(flights: Workspace) -> None:
    words = ("fit", "flights.csv", "--plan", "plan.toml", "-p", "p.json")
    done = flights.succeeds(*words, "-v", "--run-report", "run.json")
    took = [line for line in done.lines if re.fullmatch(r"normcli: pass \d of 4 took \d+\.\d\d s", line)]
    assert [line.split()[2] for line in took] == ["1", "2", "3", "4"]
    seconds = json.loads((flights / "run.json").read_text())["pass_seconds"]
    assert len(seconds) == 4
    assert min(seconds) > 0
    preview = flights.succeeds(*words, "--dry-run").err + flights.succeeds(*words, "--dry-run").out.decode()
    for number, method in enumerate(("fill", "winsorize", "power", "zscore"), 1):
        text = f"pass {number} of 4: {method} of delay, distance"
        assert f"normcli: {text}" in done.lines
        assert text in preview


def test_one_pass_is_not_told(flights: Workspace) -> None:
    done = flights.succeeds("fit", "flights.csv", "-m", "zscore", "-p", "p.json", "-v", "--run-report", "run.json")
    assert "pass" not in done.err
    assert json.loads((flights / "run.json").read_text())["pass_seconds"] == []


class Readings(Events):
    """What a person who watches sees: each activity, and how far it came of how much."""

    def begin(self, result: Result) -> None:
        self.result, self.shares = result, list[tuple[str, int, int | None]]()

    def start(self, total: int | None, unit: str) -> None:
        self.shares.append(("", 0, total))

    def advance(self, amount: int) -> None:
        activity, done, total = self.shares[-1]
        assert activity in ("", self.result.activity)
        self.shares[-1] = (self.result.activity, done + amount, total)


EXACT = PLAN.replace('"winsorize"\n', '"winsorize"\noptions = { exact = true }\n')
LARGE = "x,y\n" + "".join(f"{i * i % 9973},{i % 7}\n" for i in range(9000))  # more than a sketch has exactly


def test_progress_counts_passes_and_readings_each_from_nothing_to_all(workspace: Workspace) -> None:
    (workspace / "d.csv").write_text(LARGE)
    for plan, expected in (
        (PLAN, [f"pass {n} of 4" for n in (1, 2, 3, 4)]),
        (EXACT, ["pass 1 of 4", "pass 2 of 4", "pass 2 of 4, reading 2", "pass 3 of 4", "pass 4 of 4"]),
        ('[[steps]]\nmethod = "robust"\noptions = { exact = true }\n', ["", "reading 2"]),
    ):
        (workspace / "plan.toml").write_text(plan)
        readings = Readings()
        fit(
            FitRequest(
                input=(str(workspace / "d.csv"),), plan=str(workspace / "plan.toml"), params=str(workspace / "p.json")
            ),
            readings,
        )
        activities, counts, totals = zip(*readings.shares, strict=True)
        assert list(activities) == [f"fitting, {words}".removesuffix(", ") for words in expected]
        assert counts == (totals[0] - len("x,y\n"), *totals[1:])


def test_a_step_that_reads_more_than_once_is_told(workspace: Workspace) -> None:
    (workspace / "d.csv").write_text(LARGE)
    (workspace / "plan.toml").write_text(EXACT)
    done = workspace.succeeds("fit", "d.csv", "--plan", "plan.toml", "-p", "p.json", "-v")
    text = "pass 2 of 4: winsorize of x, y, which reads more than once for exact quantiles"
    assert f"normcli: {text}" in done.lines
    assert re.search(r"pass 2 of 4 took \d+\.\d\d s \(2 readings\)\n", done.err)
    preview = workspace.succeeds("fit", "d.csv", "--plan", "plan.toml", "-p", "p.json", "--dry-run")
    assert text in preview.err + preview.out.decode()


FIT = ("fit", "--plan", "plan.toml", "-p", "p.json", "-o", "z.csv")


def written(flights: Workspace, *words: str, stdin: bytes | None = None) -> tuple[bytes, bytes]:
    """The parameters and the rows that a fit gives."""
    flights.succeeds(*FIT, *words, **({} if stdin is None else {"stdin": stdin}))
    paths = flights / "p.json", flights / "z.csv"
    result = paths[0].read_bytes(), paths[1].read_bytes()
    for path in paths:
        path.unlink()
    return result


def test_a_file_a_pipe_and_threads_give_the_same_bytes(flights: Workspace) -> None:
    content = (flights / "flights.csv").read_bytes()
    expected = written(flights, "flights.csv")
    assert written(flights, "flights.csv.gz") == expected
    assert written(flights, "flights.csv", "--threads", "1") == expected
    assert written(flights, stdin=content) == expected
    assert "a plan of 4 passes" in flights.fails(2, *FIT[:-2], stdin=content)


def test_another_cut_of_the_rows_gives_the_same_up_to_rounding(flights: Workspace) -> None:
    (_, rows), (_, others) = written(flights, "flights.csv"), written(flights, "flights.parquet")
    x, y = (pl.read_csv(text).to_numpy() for text in (rows, others))
    np.testing.assert_allclose(y, x, rtol=0, atol=1e-6)  # to which λ is searched


LOG = '[[steps]]\nmethod = "zscore"\n[[steps]]\nmethod = "log1p"\n'


@pytest.mark.parametrize(
    ("plan", "rows", "words", "warning"),
    [
        (LOG, "a,b\n7,1\n7,2\n", (), 'constant: a; it comes out as 0 (exclude = ["a"] leaves it out)'),
        (LOG, "a,b,k\n7,1,x\n7,1,x\n7,2,y\n", ("--by", "k"), 'constant: a; it comes out as 0 (exclude = ["a"] leaves'),
        ('[[steps]]\nmethod = "winsorize"\n[[steps]]\nmethod = "log1p"\n', "a\n-7\n-7\n", (), "constant: a"),
        ('[[steps]]\nmethod = "zscore"\n[[steps]]\nmethod = "fill"\n', "a,b\n3,1\n,2\n3,5\n", (), "comes out as 0 ("),
        (
            '[[steps]]\nmethod = "zscore"\n[[steps]]\nmethod = "fill"\noptions = { with = 9 }\n',
            "a,b\n3,1\n,2\n3,5\n", (), 'constant: a (exclude = ["a"]',
        ),
        (
            '[[steps]]\nmethod = "zscore"\n[[steps]]\nmethod = "fill"\noptions = { with = 9 }\n',
            "a,b\n3,1\n3,5\n", (), 'constant: a; it comes out as 0 (exclude = ["a"]',
        ),
    ],
)  # fmt: skip
def test_a_constant_is_said_to_come_out_as_it_does(
    workspace: Workspace, plan: str, rows: str, words: tuple[str, ...], warning: str
) -> None:
    (workspace / "plan.toml").write_text(plan)
    (workspace / "data.csv").write_text(rows)
    done = workspace.succeeds("fit", "data.csv", "--plan", "plan.toml", "-p", "p.json", *words)
    assert warning in done.err


@pytest.mark.parametrize("method", [n for n in registry.names("methods") if not least(registry.only("methods", n))])
def test_every_method_learns_of_a_constant_column_or_says_why_not(workspace: Workspace, method: str) -> None:
    rows = b"a,b,c\n" + b"".join(b"3,%d,%d\n" % (i, i * i % 7) for i in range(40))
    code = 65 if method == "whiten" else 0  # which needs all directions
    assert workspace.run("fit", "-m", method, "-p", "p.json", stdin=rows).code == code


def test_what_no_step_has_learned_from_is_not_compared_and_said(workspace: Workspace) -> None:
    rows = b"a,b\n" + b"".join(b"%d,%d\n" % (i % 10, i % 7) for i in range(200))
    workspace.succeeds("fit", "-m", "fill", "-c", "a", "-p", "fill.json", stdin=rows)
    (workspace / "plan.toml").write_text(
        '[[steps]]\nfrom = "fill.json"\n[[steps]]\nmethod = "zscore"\ncolumns = ["b"]\n'
    )
    workspace.succeeds("fit", "--plan", "plan.toml", "-p", "p.json", stdin=rows)
    done = workspace.succeeds("check", "-p", "p.json", stdin=rows)
    assert "normcli: a is not compared: no step of the file has learned from it" in done.lines
    assert "200 rows, 1 column," in done.err
