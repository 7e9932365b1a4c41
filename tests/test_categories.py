"""fit --categories counts the values of columns of texts, and check compares their shares."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import normcli
from normcli import api
from normcli.drift import document, restored
from normcli.drift.bounds import RATE
from normcli.drift.categories import CategoryChange, pairs
from normcli.drift.watching import DriftMonitor
from normcli.errors import BadDataError, BadParametersError, UsageError
from normcli.limits import Limits
from normcli.parameters import Parameters, file
from normcli.parameters.categories import Category, K, counted, merged
from normcli.pipeline import memory
from tests.cli.conftest import Workspace, workspace
from tests.conftest import examples

__all__ = ["workspace"]
ODD = ["", " ", "null", "a,b", 'say "x"', "line\nbreak", "é", "0", "00", "-1.50", "x" * 300]
COLUMN = st.lists(st.one_of(st.none(), st.sampled_from("abcde"), st.integers(0, 200).map(str)), max_size=400)


def of_texts(texts: list[str | None]) -> Category:
    from normcli.columns.polars_frame import PolarsFrame

    frame = PolarsFrame(pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)}))
    return counted([Category("c")], [frame])[0]


def table(path: Path, texts: list[str | None]) -> Path:
    pq.write_table(pa.table({"c": pa.array(texts, pa.string()), "a": np.arange(len(texts)) % 7}), path)
    return path


# -- counts ------------------------------------------------------------------------------------------------------
@given(COLUMN, COLUMN)
def test_parts_of_at_most_64_values_merge_into_exact_counts(first: list[str | None], second: list[str | None]) -> None:
    whole = Counter([text for text in first + second if text is not None][:K])
    first, second = ([t for t in part if t is None or t in whole] for part in (first, second))
    total = of_texts(first).merge(of_texts(second))
    assert total == of_texts(first + second)
    assert (dict(total.counts), total.lost) == (dict(Counter(t for t in first + second if t is not None)), 0)


@settings(max_examples=examples(300))
@given(st.lists(COLUMN, min_size=1, max_size=6))
def test_counts_are_low_by_at_most_what_was_lost_which_is_a_65th(parts: list[list[str | None]]) -> None:
    total = of_texts(parts[0])
    for part in parts[1:]:
        total = total.merge(of_texts(part))
    every = Counter(text for part in parts for text in part if text is not None)
    assert total.rows == every.total()
    assert total.missing == sum(part.count(None) for part in parts)
    assert (K + 1) * total.lost <= total.rows
    assert all(total.counts.get(v, 0) <= n <= total.counts.get(v, 0) + total.lost for v, n in every.items())
    assert len(total.counts) <= K


def test_columns_merge_by_name() -> None:
    a, b = Category("a", 1, 0, 0, {"x": 1}), Category("b", 1, 1, 0, {"y": 1})
    assert merged([a], [b, a]) == (a.merge(a), b)


# -- fits --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_all_formats_count_the_same_texts(tmp_path: Path, kind: str) -> None:
    texts = [ODD[i % len(ODD)] for i in range(60)] if kind != "csv" else [f"v{i % 3}" for i in range(60)]
    frame = pl.DataFrame({"c": texts, "n": [i % 4 for i in range(60)], "a": [float(i) for i in range(60)]})
    path = tmp_path / f"t.{kind}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "ndjson": frame.write_ndjson}[kind](path)
    fitted = normcli.fit(path, "zscore", categories="c,n")
    assert [dict(c.counts) for c in fitted.categories] == [Counter(texts), Counter(str(i % 4) for i in range(60))]
    assert fitted.needs() == ("a",)


def test_rows_in_csv_without_a_value_are_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("c,a\n" + "x,1\n,2\n" * 20)
    assert normcli.fit(tmp_path / "t.csv", "zscore", categories="c").categories == (
        Category("c", 20, 20, 0, {"x": 20}),
    )


@pytest.mark.parametrize(("method", "values"), [("zscore", 3), ("zscore", 90), ("batch", 3), ("whiten", 3)])
def test_update_and_merge_count_as_one_fit(tmp_path: Path, method: str, values: int) -> None:
    """Also beyond 64 values, where counts are low."""
    parts = [
        table(tmp_path / f"{i}.parquet", [f"{(j if j % 2 else j % 3) % (i + values)}" for j in range(8 * values)])
        for i in range(3)
    ]
    whole = normcli.fit(parts, method, categories="c")
    fits = [normcli.fit(part, method, categories="c") for part in parts]
    path = tmp_path / "p.json"
    normcli.fit(parts[0], method, categories="c", params=path)
    normcli.fit(parts[1:], method, params=path, update=True)
    assert normcli.merge(fits).categories == whole.categories == normcli.load(path).categories
    assert normcli.relearn(whole, method).categories == whole.categories
    assert (whole.categories[0].lost > 0) == (values > K)


def test_with_an_output_and_with_keys_the_same_is_counted(tmp_path: Path) -> None:
    path = table(tmp_path / "t.parquet", ["x", "y", None, "x"] * 20)
    alone = normcli.fit(path, "zscore", categories="c").categories
    kept = normcli.fit(path, "zscore", categories="c", output=tmp_path / "o.csv", params=tmp_path / "p.json")
    assert kept.categories == alone == normcli.fit(path, "zscore", by="c", categories="c").categories
    with (tmp_path / "o.csv").open() as rows:
        assert [row["c"] for row in csv.DictReader(rows)] == ["x", "y", "", "x"] * 20


def test_rows_of_weight_0_do_not_count_and_others_count_once(tmp_path: Path) -> None:
    pq.write_table(pa.table({"c": ["x", "y"] * 20, "w": [0, 3] * 20, "a": range(40)}), tmp_path / "t.parquet")
    fitted = normcli.fit(tmp_path / "t.parquet", "zscore", weights="w", categories="c")
    assert fitted.categories == (Category("c", 20, 0, 0, {"y": 20}),)


def test_without_the_option_nothing_is_in_the_file(tmp_path: Path) -> None:
    fitted = normcli.fit(table(tmp_path / "t.parquet", ["x"] * 40), "zscore")
    assert b"categories" not in file.write(fitted)


def test_a_different_selection_neither_updates_nor_merges(tmp_path: Path) -> None:
    data, path = table(tmp_path / "t.parquet", ["x"] * 40), tmp_path / "p.json"
    fits = [normcli.fit(data, "zscore", categories=names, params=path) for names in ("c", ())]
    with pytest.raises(BadDataError, match="without `categories`"):
        normcli.merge(fits, allow_duplicates=True)
    with pytest.raises(UsageError, match=r"`categories` c: .*has none"):
        normcli.fit(data, categories="c", params=path, update=True)
    with pytest.raises(BadDataError, match="no column is called 'z'"):
        normcli.fit(data, "zscore", categories="z")


def test_the_order_of_the_columns_makes_no_difference_to_updates_and_merges(tmp_path: Path) -> None:
    """They stay in the order of the first."""
    parts = [tmp_path / f"{i}.csv" for i in range(2)]
    for i, part in enumerate(parts):
        part.write_text("c,d,a\n" + "".join(f"x{j % 3},y{j % (4 + i)},{j}\n" for j in range(40)))
    whole = normcli.fit(parts, "zscore", categories="c,d")
    first, second = normcli.fit(parts[0], "zscore", categories="c,d"), normcli.fit(parts[1], "zscore", categories="d,c")
    assert normcli.merge([first, second]).categories == whole.categories
    first.save(tmp_path / "p.json")
    normcli.fit(parts[1], params=tmp_path / "p.json", update=True, categories="d,c")
    assert normcli.load(tmp_path / "p.json").digest == whole.digest
    for other in ("d", "c,d,e"):
        with pytest.raises(UsageError, match=r"has c,d"):
            normcli.fit(parts[1], params=tmp_path / "p.json", update=True, categories=other)


# -- what is shown of them, and what they take -------------------------------------------------------------------
def test_inspect_shows_the_counts_of_all_rows(workspace: Workspace) -> None:
    texts = [f"v{i}" for i in range(100) for _ in range(100 - i)] + [""] * 50
    (workspace / "t.csv").write_text("c,k,a\n" + "".join(f"{text},{j % 2},{j}\n" for j, text in enumerate(texts)))
    options = {"by": "k", "categories": "c", "params": workspace / "p.json"}
    category = normcli.fit(workspace / "t.csv", "zscore", **options).categories[0]
    (shown,) = json.loads(workspace.succeeds("inspect", "p.json", "--json").out)["categories"]
    most = shown.pop("most_common")
    assert shown == {
        "column": "c", "count": 5050, "missing": 50, "distinct": None, "count_error": category.lost
    }  # fmt: skip
    assert {pair["value"]: pair["count"] for pair in most} == category.counts
    assert [pair["count"] for pair in most] == sorted(category.counts.values(), reverse=True)
    row = f"c           5,050       50         -  {category.lost:>4}  v0 (≥ {category.counts['v0'] / 5100:.1%}), "
    few, full = (workspace.succeeds("inspect", "p.json", *words).out.decode() for words in ([], ["-v"]))
    (line,) = (text for text in few.splitlines() if text.startswith(row))
    assert line.endswith("), …")
    assert line.count("(≥") == 5
    assert full.count("(≥") == len(category.counts)
    assert "categories" not in workspace.succeeds("inspect", "p.json", "--key", "0").out.decode()


def test_a_fit_names_them_and_its_page_has_the_most_common_values(workspace: Workspace) -> None:
    texts = [f"v{i}" for i in range(7) for _ in range(2 ** (7 - i))] + [None] * 2
    table(workspace / "t.parquet", texts)
    done = workspace.succeeds("fit", "t.parquet", "-m", "zscore", "--categories", "c", "-p", "p.json")
    assert ": 256 rows, categories of c, 1 column, 1 left out, " in done.lines[0]
    page = normcli.report(workspace / "p.json")
    assert "<dt>categories<dd>c: v0 50 %, v1 25 %, v2 12.5 %, v3 6.25 %, v4 3.12 % …<dt>" in page


def test_estimates_of_memory_include_counts(tmp_path: Path) -> None:
    """Of as many values as are counted: before the fit of short texts, and of those that are there after it."""
    data = table(tmp_path / "t.parquet", [f"{i:05}" * 1000 for i in range(64)] * 2)
    fitted = normcli.fit(data, "zscore", categories="c")
    blank = replace(fitted, categories=(Category("c"),))
    without, before, after = (
        [of(p) for of in (memory.state, memory.measured, memory.least_block)]
        for p in (replace(fitted, categories=()), blank, fitted)
    )
    for least, more, most in zip(without, before, after, strict=True):
        assert 64 * sys.getsizeof("x" * 50) <= more - least <= 64 * 1024
        assert 64 * 5000 <= most - more <= 2 * 64 * 5000


# -- the file ----------------------------------------------------------------------------------------------------
def test_odd_texts_come_back_from_the_file(tmp_path: Path) -> None:
    fitted = normcli.fit(table(tmp_path / "t.parquet", [*ODD, None] * 4), "zscore", categories="c")
    again = file.read(file.write(fitted))
    assert again.categories == fitted.categories
    assert (again.digest, set(again.categories[0].counts)) == (fitted.digest, set(ODD))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"values": ["x", "x"]}, r"categories\[0\].values: must be at most 64"),
        ({"counts": [40]}, r"categories\[0\].counts: must be as many"),
        ({"rows": 41}, r"categories\[0\].rows: does not go"),
        ({"lost": -1}, r"categories\[0\].lost"),
        ({"values": ["x", 1]}, r"categories\[0\].values\[1\]"),
    ],
)
def test_wrong_counts_are_refused(tmp_path: Path, change: dict[str, object], what: str) -> None:
    content = json.loads(file.write(normcli.fit(table(tmp_path / "t", ["x", "y"] * 20), "zscore", categories="c")))
    content["categories"][0] |= change
    with pytest.raises(BadParametersError, match=what):
        file.read(json.dumps(content).encode(), allow_edited=True)


# -- drift -------------------------------------------------------------------------------------------------------
def compared(fitted: Category, data: Category, comparisons: int = 1) -> CategoryChange:
    return pairs([fitted], [data])[0].judged_by(Limits(), RATE / comparisons)


@pytest.mark.parametrize("n", [30, 100, 1000])
@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.4, 0.3, 0.2, 0.1], [0.01] * 100])
def test_undrifted_rows_are_drift_in_at_most_1_percent(n: int, shares: list[float]) -> None:
    random, trials = np.random.default_rng(n), examples(1200, part=12)
    found = 0
    for fit, new in zip(random.multinomial(344, shares, trials), random.multinomial(n, shares, trials), strict=True):
        old, data = (of_counts(times.tolist()) for times in (fit, new))
        found += bool(compared(old, data).drift)
    assert found <= 0.01 * trials


def of_counts(times: list[int]) -> Category:
    """Of rows in the order of their values, in two blocks."""
    texts: list[str | None] = [str(i) for i, n in enumerate(times) for _ in range(n)]
    return of_texts(texts[::2]).merge(of_texts(texts[1::2]))


def test_a_share_that_moved_by_a_fifth_is_found() -> None:
    old, new = Category("c", 1000, 0, 0, {"x": 500, "y": 500}), Category("c", 1000, 0, 0, {"x": 700, "y": 300})
    change = compared(old, new)
    assert (change.value, change.distance, change.drift) == ("x", pytest.approx(0.2), True)
    assert change.floor == pytest.approx(np.sqrt(np.log(2 * 2 / 0.01) / 2 * (1 / 1000 + 1 / 1000)))


def test_what_an_error_explains_is_no_distance() -> None:
    old = Category("c", 6500, 0, 100, {"x": 3000})
    assert compared(old, Category("c", 6500, 0, 0, {"x": 3100, "y": 3400})).distance == pytest.approx(
        (3400 - 100) / 6500
    )
    assert compared(old, Category("c", 6500, 0, 0, {"x": 3050, "y": 100})).distance == 0.0
    assert compared(old, Category("c", 6500, 0, 60, {"x": 2900})).distance == pytest.approx(40 / 6500)


def test_missing_is_a_value() -> None:
    change = compared(Category("c", 1000, 0, 0, {"x": 1000}), Category("c", 600, 400, 0, {"x": 600}))
    assert (change.fitted + change.share, change.distance, change.drift) == (pytest.approx(0.4), 0.4, True) or (
        change.value == "x" and change.drift
    )


def test_few_rows_allow_no_verdict() -> None:
    assert compared(Category("c", 100, 0, 0, {"x": 100}), Category("c", 29, 0, 0, {"y": 29})).drift is None


@pytest.fixture
def fitted(tmp_path: Path) -> Parameters:
    return normcli.fit(table(tmp_path / "t.parquet", ["x", "y"] * 500), "zscore", categories="c")


def test_a_column_that_is_gone_is_drift(fitted: Parameters, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": np.arange(1000) % 7}), tmp_path / "n.parquet")
    comparison = normcli.check(fitted, tmp_path / "n.parquet")
    assert [(c.column, c.what, c.drift) for c in comparison.changes] == [("c", "gone", True)]
    assert comparison.categories == ()


def test_files_are_compared_as_data_are(fitted: Parameters, tmp_path: Path) -> None:
    path, other = table(tmp_path / "n.parquet", ["x", "x", "z"] * 300), tmp_path / "o.json"
    normcli.fit(path, "zscore", categories="c", params=other)
    of_data, of_fits = (normcli.check(fitted, source).categories for source in (path, other))
    assert of_data == of_fits
    assert [(c.value, c.drift) for c in of_data] == [("y", True)]
    assert not normcli.check(fitted, path, max_category={"c": 0.6}).categories[0].drift


def test_a_monitor_comes_back_from_its_document(fitted: Parameters) -> None:
    watch = DriftMonitor(fitted)
    watch.total.categories = fitted.categories
    again = restored(watch.blank(), json.loads(msgspec.json.encode(document(watch))))
    assert again.categories == fitted.categories
    again.merge(watch)
    assert again.categories == merged(fitted.categories, fitted.categories)


def test_check_names_the_value_that_differs_most(workspace: Workspace) -> None:
    for name, texts in (("old", ["Adelie", "Gentoo"]), ("new", ["Adelie", "Adelie", "Adelie", "Gentoo"])):
        (workspace / f"{name}.csv").write_text(
            "s,a\n" + "".join(f"{texts[i % len(texts)]},{i % 8}\n" for i in range(800))
        )
    workspace.succeeds("fit", "old.csv", "-m", "zscore", "--categories", "s", "-p", "p.json")
    run = workspace.run("check", "new.csv", "-p", "p.json")
    assert run.code == 1
    assert "drift: s (Adelie 75.0%, was 50.0%)" in run.err
    assert "Adelie  75.0%         50.0%     25.0%  10.0%" in run.out.decode()
    assert api.check(workspace / "p.json", workspace / "old.csv").drift is False
