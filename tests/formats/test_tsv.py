"""TSV is CSV with tabs: in, out, and from one to the other."""

from pathlib import Path

import pytest

from normcli import api, formats
from normcli.errors import UsageError
from normcli.formats import csv, tsv
from tests.formats.conftest import identity, in_memory, normcli, oracle

TEXT = b'id\tname\tx\r\n007\t"a\tb"\t1.5\r\n\t"say ""x"""\tNA\r\n3\t,;\t-2.0\r\n'


@pytest.mark.parametrize("suffix", [".tsv", ".tab", ".TSV"])
def test_tabs_stay_tabs(folder: Path, suffix: str) -> None:
    """Fields, their quotes where they need them, and line ends come out as they were."""
    given, made = folder / f"in{suffix}", folder / "out.tsv"
    given.write_bytes(TEXT)
    api.apply(identity("x"), given, made)
    assert made.read_bytes() == TEXT


@pytest.mark.parametrize(
    ("data", "given", "made", "options", "expected"),
    [
        (b"a;b\n1;x,y\n", "in.csv", "out.tsv", csv.Options(delimiter=";"), b"a\tb\n1.0\tx,y\n"),
        (b"a\tb\n1\tx,y\n", "in.tsv", "out.csv", None, b'a,b\n1.0,"x,y"\n'),
        (b"a\tb\n1\tx;y\n", "in.tsv", "out.tab", None, b"a\tb\n1.0\tx;y\n"),
        (b"a\tb\n1\tx\n", "in.csv", "out.csv", csv.Options(delimiter="tab"), b"a\tb\n1.0\tx\n"),
    ],
)
def test_each_format_has_its_own_delimiter(
    folder: Path, data: bytes, given: str, made: str, options: csv.Options | None, expected: bytes
) -> None:
    (folder / given).write_bytes(data)
    api.apply(identity("a"), folder / given, folder / made, format_options=options)
    assert (folder / made).read_bytes() == expected


def test_without_a_header(folder: Path) -> None:
    """An output of the other format has none, too."""
    (folder / "in.tsv").write_bytes(b"1\tx\n2\ty\n")
    plan = api.fit(folder / "in.tsv", identity("column_1").steps[0].method, format_options=tsv.Options(header=False))
    api.apply(plan, folder / "in.tsv", folder / "out.csv", format_options=tsv.Options(header=False))
    assert (folder / "out.csv").read_bytes() == b"0.5,x\n1.0,y\n"


def test_the_delimiter_is_no_option(folder: Path) -> None:
    (folder / "in.tsv").write_bytes(b"a\tb\n1\t2\n")
    done = normcli("fit", folder / "in.tsv", "-m", "center", "--delimiter", ";")
    assert done.returncode == 2
    assert b"--delimiter is an option of csv" in done.stderr


def test_asked_for_on_a_pipe() -> None:
    done = normcli("fit", "--from", "tsv", "-m", "center", stdin=b"a\tb,c\n1\t2\n3\t4\n")
    assert done.returncode == 0
    assert b'"b,c"' in done.stdout


def test_one_column_and_no_row(folder: Path) -> None:
    for data in (b"a\n", b"a\n1.0\n", b'a\n""\n'):
        (folder / "in.tsv").write_bytes(data)
        api.apply(identity("a"), folder / "in.tsv", folder / "out.tsv")
        assert oracle((folder / "out.tsv").read_bytes(), "\t") == oracle(data, "\t")


def test_options_say_what_they_are() -> None:
    assert tsv.Options().separator == "\t"
    assert formats.by_suffix("a.tsv") == formats.by_suffix("a.TAB") == "tsv"
    with pytest.raises(UsageError):
        csv.Options(delimiter="::").check()
    assert tsv.Reader(in_memory(b"a\tb\n1\t2\n"), tsv.Options()).description.schema[1].name == "b"
