"""Summaries: what a person needs, and no list that is the same every night."""

import re
import shlex
import tomllib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli.jobs.codes import codes
from tests.cli.conftest import Workspace

FIT = ("fit", "-m", "zscore", "-p", "p.json")
CODES = [
    "id",
    "ID",
    "customer_id",
    "customerId",
    "order.id",
    "zip",
    "zipCode",
    "postal_code",
    "month",
    "order_month",
    "hour",
]
MEASURES = ["paid", "humid", "price_per_hour", "hours", "months", "identity", "zipper", "x", "1", "", "温度", "year"]


def test_a_code_is_known_by_the_last_word_of_its_name() -> None:
    assert codes([*CODES, *MEASURES]) == tuple(CODES)


@pytest.fixture
def orders(workspace: Workspace) -> Workspace:
    Path(workspace / "o.csv").write_text('id,"zip, of it",month,price,name\n1,2,3,4,a\n2,3,4,6,b\n')
    Path(workspace / "c.csv").write_text("id,month,price\n1,3,4\n2,4,6\n")
    return workspace


def summary(workspace: Workspace, *line: str) -> str:
    done = workspace.succeeds(*line)
    assert done.warnings == []
    return done.lines[-1]


def test_codes_are_a_notice_with_what_leaves_them_out(orders: Workspace) -> None:
    line = summary(orders, *FIT, "c.csv", "--werror")
    notice = "3 columns (id, month look like codes: -x id,month leaves them out), "
    assert notice in line
    flags = shlex.split(notice.split(": ")[1].split(" leaves")[0])
    assert "1 column, 2 left out, " in summary(orders, *FIT, "c.csv", *flags)
    assert orders.succeeds(*FIT, "c.csv", "-q").err == ""


def test_one_code_is_called_one(orders: Workspace) -> None:
    Path(orders / "one.csv").write_text('"user, id",x\n1,3\n2,4\n')
    line = summary(orders, *FIT, "one.csv")
    assert "2 columns (user, id looks like a code: -x 'user, id' leaves it out), " in line
    assert "1 column, 1 left out, " in summary(orders, *FIT, "one.csv", "-x", "user, id")


PLAN = '[[steps]]\nmethod = "fill"\n{exclude}\n[[steps]]\nmethod = "zscore"\n{exclude}\n'


@pytest.mark.parametrize("name", ["user, id", "it's id", 'say "id"', "день id", "a\\id"])
def test_hints_of_a_plan_can_be_typed_into_its_steps(workspace: Workspace, name: str) -> None:
    """Of codes in the summary, and of constants in a warning, where no name has a comma."""
    table = pl.DataFrame({name: [1, 2], "month": [3, 4], "x": [5, 7], "year": [8, 8], "y": [9, 9]})
    table.write_csv(workspace / "o.csv")
    line = [*FIT[:1], "o.csv", "--plan", "plan.toml", "-p", "p.json"]
    Path(workspace / "plan.toml").write_text(PLAN.format(exclude=""))
    done = workspace.succeeds(*line)
    summary = re.search(r"look like codes: (exclude = \[.*\]) leaves them out", done.lines[-1])
    warning = re.search(r"\((exclude = \[.*\]) leaves them out\)$", done.warnings[0])
    assert summary
    assert warning
    assert tomllib.loads(summary[1]) == {"exclude": [name, "month"]}
    assert tomllib.loads(warning[1]) == {"exclude": ["year", "y"]}
    Path(workspace / "plan.toml").write_text(PLAN.format(exclude=summary[1]))
    assert "3 columns, 2 left out, " in workspace.succeeds(*line).lines[-1]


@pytest.mark.parametrize("more", [("-c", "*"), ("-x", "price"), ("-c", "id"), ("--update", "--create")], ids=" ".join)
def test_columns_that_somebody_chose_are_no_notice(orders: Workspace, more: tuple[str, ...]) -> None:
    assert "look" not in summary(orders, *FIT, "c.csv", *more)


def test_neither_update_nor_apply_has_a_notice(orders: Workspace) -> None:
    summary(orders, *FIT, "c.csv")
    Path(orders / "more.csv").write_text("id,month,price\n5,3,4\n6,4,6\n")
    assert "look" not in summary(orders, "fit", "--update", "-p", "p.json", "more.csv")
    assert "look" not in summary(orders, "apply", "-p", "p.json", "c.csv", "-o", "z.csv")


def test_many_codes_are_not_all_named(workspace: Workspace) -> None:
    Path(workspace / "m.csv").write_text(
        ",".join(f"c{j}_id" for j in range(40)) + "\n" + 2 * (",".join("1" * 40) + "\n")
    )
    line = workspace.succeeds(*FIT, "m.csv").lines[-1]
    assert "40 columns (c0_id, c1_id, c2_id, c3_id, c4_id and 35 more look like codes: -x leaves them out), " in line


def test_names_are_for_v(orders: Workspace) -> None:
    assert summary(orders, *FIT, "o.csv", "-x", "id").startswith("normcli: fit zscore: 2 rows, 3 columns, 2 left out, ")
    line = summary(orders, *FIT, "o.csv", "-x", "id", "-v")
    assert "2 rows, 3 columns (zip, of it, month, price), 2 left out (id, name), " in line
    assert "left" not in summary(orders, *FIT, "c.csv")


def test_lists_that_are_left_say_what_takes_them(workspace: Workspace) -> None:
    lists = pa.array([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]], pa.list_(pa.float64(), 2))
    pq.write_table(pa.table({"x": [1.0, 2.0, 4.0], "emb": lists, "a b": lists}), workspace / "l.parquet")
    line = summary(workspace, *FIT, "l.parquet")
    assert "1 column, 2 left out (emb, a b hold lists: -c emb or -c 'a b' takes one), " in line
    assert "1 column, 2 left out, " in summary(workspace, *FIT, "l.parquet", "-c", "emb")
    pq.write_table(pa.table({"x": [1.0, 2.0, 4.0], "emb": lists}), workspace / "l.parquet")
    assert "1 left out (emb holds lists: -c emb takes it), " in summary(workspace, *FIT, "l.parquet")


def test_files_that_are_left_out_are_counted_and_named_with_v(workspace: Workspace) -> None:
    (workspace / "in").mkdir()
    for name in ("a.csv", "b.txt", "c.md", ".d.csv"):
        (workspace / "in" / name).write_bytes((workspace / "table.csv").read_bytes())
    done = workspace.succeeds(*FIT, "in/")
    (line,) = [line for line in done.lines if " left out: " in line]
    assert line.startswith("normcli: ")
    assert "c.md" not in line
    assert line.endswith("; -v names them")
    assert any("in/c.md: unknown suffix" in line for line in workspace.succeeds(*FIT, "in/", "-v").lines)
