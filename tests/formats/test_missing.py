"""What is missing in delimited text comes out as it was spelled, and in other formats as missing."""

import json
from pathlib import Path

import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli import api
from normcli.formats import csv, tsv
from normcli.methods.maxabs import MaxAbs
from tests.conftest import examples, longer
from tests.formats.conftest import applied, fields, normcli

SPELLED = ["", " ", "  ", "\t", " \t ", "NA", " NA ", "N/A", "nan", "-NaN", "null", "-999", " -999"]
NUMBERS = ["1", "-2.5", " 3", "4e2 ", "+5", ".5"]
OPTIONS = "NA,N/A,null,-999"
MIXED = st.lists(st.tuples(*[st.sampled_from(SPELLED + 2 * NUMBERS)] * 2), min_size=1, max_size=12)


def written(rows: list[tuple[str, str]], delimiter: str, *, quoted: bool) -> bytes:
    """Columns a and b, with one of text between."""
    quote = '"' if quoted else ""
    lines = [delimiter.join(("a", "text", "b"))]
    for pair in rows:
        a, b = (f'"{v}"' if delimiter in v else f"{quote}{v}{quote}" for v in pair)
        lines.append(delimiter.join((a, '"x y"', b)))
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("delimiter", [",", " ", *longer("\t", ";")])
@settings(max_examples=examples(100, part=20))
@given(rows=MIXED, quoted=st.booleans(), size=st.integers(8, 100))
@example(rows=[("1", "2"), (" ", "3"), ("4", "\t")], quoted=False, size=9)
@example(rows=[("1", "2"), ("4", " ")], quoted=True, size=8)
def test_what_is_missing_comes_out_as_it_was(
    rows: list[tuple[str, str]], delimiter: str, quoted: bool, size: int, folder: Path
) -> None:
    rows = [("7", "7"), *rows]
    data = written(rows, delimiter, quoted=quoted)
    options = csv.Options(delimiter=delimiter, na_values=OPTIONS)
    (folder / "in.csv").write_bytes(data)
    plan = api.fit(folder / "in.csv", MaxAbs(), columns=["a", "b"], format_options=options, block_size=size)
    made = applied(plan, data, folder, format_options=options, block_size=size)
    back = applied(plan, made, folder, format_options=options, block_size=size, inverse=True)
    for out in (made, back):
        for j, name in enumerate("ab"):
            found = fields(out, name, delimiter)
            for row, value in zip(rows, found, strict=True):
                assert value == row[j] if row[j] in SPELLED else str(value).lower() not in ("", "nan")


@settings(max_examples=examples(100, part=20))
@given(rows=MIXED)
def test_fit_writes_what_apply_does(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("both")
    (folder / "in.tsv").write_bytes(written([("7", "7"), *rows], "\t", quoted=False))
    words = ("--na-values", OPTIONS)
    done = normcli("fit", "in.tsv", "-m", "maxabs", *words, "-p", "p.json", "-o", "one.tsv", cwd=folder)
    assert done.returncode == 0, done.stderr
    library_plan = api.fit(folder / "in.tsv", MaxAbs(), format_options=tsv.Options(na_values=OPTIONS))
    api.apply(library_plan, folder / "in.tsv", folder / "two.tsv", format_options=tsv.Options(na_values=OPTIONS))
    assert (folder / "one.tsv").read_bytes() == (folder / "two.tsv").read_bytes()


def test_spaces_after_the_first_rows_stay(folder: Path) -> None:
    data = b"a,text,b\n" + b"1,x,2.5\n" * 1100 + b' ,x,\t\n3,x," "\n'
    (folder / "in.csv").write_bytes(data)
    plan = api.fit(folder / "in.csv", MaxAbs())
    assert applied(plan, data, folder).endswith(b"1.0\n ,x,\t\n1.0,x, \n")


# -- other formats -----------------------------------------------------------------------------------------------
TEXT = b"id,a,b\nu,1,2.5\nv,-999,NA\nw, ,\nz,3,-999\n"
NOTHING = [[1, None, None, 3], [2.5, None, None, None]]


def columns(path: Path) -> list[list[float | None]]:
    """Of a and b."""
    if path.suffix == ".ndjson":
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        return [[row[n] for row in rows] for n in "ab"]
    with pq.ParquetFile(path) if path.suffix == ".parquet" else ipc.open_file(str(path)) as file:
        table = file.read() if path.suffix == ".parquet" else file.read_all()
    return [table[n].to_pylist() for n in "ab"]


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "ndjson"])
@pytest.mark.parametrize("inverse", [False, True])
def test_a_word_that_reads_as_a_number_is_no_value_in_another_format(
    suffix: str, inverse: bool, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_bytes(TEXT)
    words = ("--na-values", "NA,-999")
    for args in (
        ("fit", "in.csv", "-m", "maxabs", "-p", "p.json", "-o", f"fit.{suffix}"),
        ("apply", "in.csv", "-p", "p.json", "-o", "z.csv"),
        ("apply", "in.csv", "-p", "p.json", "-o", f"apply.{suffix}"),
        ("apply", "z.csv", "-p", "p.json", "--inverse", "-o", f"back.{suffix}"),
    ):
        done = normcli(*args, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    if inverse:
        assert columns(tmp_path / f"back.{suffix}") == NOTHING
    else:
        pairs = zip(NOTHING, (3, 2.5), strict=True)
        scaled = [[None if x is None else x / most for x in column] for column, most in pairs]
        assert columns(tmp_path / f"fit.{suffix}") == columns(tmp_path / f"apply.{suffix}") == scaled
