"""What is wrong with a file is told with its line, whichever columns are selected; or it is read as the csv module
reads it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from normcli import api, columns
from normcli.errors import BadDataError
from normcli.formats.csv import Options
from normcli.methods.center import Center
from normcli.methods.zscore import ZScore
from tests.conftest import longer
from tests.formats.conftest import (
    Rows,
    applied,
    as_numbers,
    fields,
    fit,
    identity,
    in_memory,
    normcli,
    numeric,
    oracle,
    params_of,
    read,
    reader,
    refusal,
    through_pipe,
)

SIZES = [1, *longer(16), None]
BOM = b"\xef\xbb\xbf"

REFUSED: dict[str, tuple[bytes, int, str]] = {  # file, line, what is said of it
    "short row": (b"a,b,c\n1,2,3\n4,5\n7,8,9\n", 3, "2 fields where the first row has 3"),
    "short last row": (b"a,b,c\n1,2,3\n4,5\n", 3, "2 fields"),
    "short row without a line end": (b"a,b,c\n1,2,3\n4,5", 3, "2 fields"),
    "short row, CRLF": (b"a,b,c\r\n1,2,3\r\n4\r\n", 3, "1 field"),
    "short row, empty": (b"a,b,c\n1,2,\n4,\n7,8,\n", 3, "2 fields"),
    "short row with a delimiter in quotes": (b'a,b,c\n1,2,3\n4,"5,6"\n', 3, "2 fields"),
    "spaces alone": (b"a,b\n1,2\n  \n3,4\n", 3, "1 field"),
    "long row": (b"a,b,c\n1,2,3\n4,5,6,7\n8,9,0\n", 3, "4 fields where the first row has 3"),
    "long row, empty": (b"a,b,c\n1,2,3\n4,5,6,\n8,9,0\n", 3, "4 fields"),
    "long last row": (b"a,b,c\n1,2,3\n4,5,6,7", 3, "4 fields"),
    "long last row, empty": (b"a,b,c\n1,2,3\n4,5,6,", 3, "4 fields"),
    "long last row, empty, CRLF": (b"a,b,c\r\n1,2,3\r\n4,5,6,", 3, "4 fields"),
    "long last row, empty, after a quote": (b'a,b\n1,2\n"3","4",', 3, "3 fields"),
    "long last row, empty, after a blank line": (b"a,b\n1,\n\n3,4,", 4, "3 fields"),
    "long last row of one column": (b"a\n1\n2,", 3, "2 fields"),
    "long row of one column": (b"a\n1\n2,x\n3\n", 3, "2 fields"),
    "a delimiter in one column": (b"a\n1\n,\n3\n", 3, "2 fields"),
    "short and long": (b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n", 3, "2 fields"),
    "long and short": (b"a,b,c\n1,2,3\n6,7,8,9\n4,5\n", 3, "4 fields"),
    "stray quote": (b'a,b,c\n1,2,3\n4,5 "in",6\n7,8,9\n', 3, "a quote inside a field that is not quoted"),
    "stray quote at the end": (b'a,b\n1,2\n3,5"\n4,6"\n', 3, "a quote inside a field"),
    "space before a quote": (b'a,b\n1,2\n3, "5"\n', 3, "a quote inside a field"),
    "stray quote over rows": (b'a,b\n1,2\n3,5"x\ny"z,6\n7,8\n', 3, "a quote inside a field"),
    "text after a closing quote": (b'a,b\n1,2\n"3"x,4\n5,6\n', 3, "text after a closing quote"),
    "space after a closing quote": (b'a,b\n1,2\n"3" ,4\n5,6\n', 3, "text after a closing quote"),
    "carriage return before the header": (b"\ra,b\n1,2\n", 1, "a carriage return that ends no line"),
    "carriage return before a quoted header": (b'\n\r"a",b\n1,2\n', 2, "a carriage return that ends no line"),
    "text after quoted newlines": (b'a,b\n1,2\n"3\n4\n5"x,6\n', 5, "text after a closing quote"),
    "unclosed quote": (b'a,b\n1,2\n"3,4\n5,6\n', 3, "a quote that is never closed"),
    "unclosed quote at the end": (b'a,b\n1,2\n3,"4\n', 3, "a quote that is never closed"),
    "unclosed quote without a line end": (b'a,b\n1,2\n3,"4', 3, "a quote that is never closed"),
    "unclosed quote of nothing": (b'a,b\n1,2\n"', 3, "a quote that is never closed"),
    "unclosed quote of nothing, last": (b'a,b\n1,2\n3,"', 3, "a quote that is never closed"),
    "unclosed quote of one column": (b'a\n1\n"2', 3, "a quote that is never closed"),
    "unclosed quote, doubled": (b'a,b\n1,2\n3,"x""', 3, "a quote that is never closed"),
    "CR within": (b"a,b\n1,2\n3,4\r5,6\n", 3, ""),
    "CR within text": (b"a,b\n1,2\n3,4\r5\n", 3, ""),
    "CR after a quote": (b'a,b\n1,2\n3,"4"\r5\n', 3, ""),
    "CR twice": (b"a,b\r\n1,2\r\n3,4\r\r\n5,6\r\n", 3, ""),
    "invalid UTF-8": (b"a,b\n1,2\n3,\xff\n", 3, "not UTF-8: byte 0xff"),
    "half a letter": (b"a,b\n1,2\n3,\xc3\n", 3, "not UTF-8"),
    "surrogate": (b"a,b\n1,2\n3,\xed\xa0\x80\n", 3, "not UTF-8"),
    "invalid UTF-8 in quotes": (b'a,b\n1,2\n3,"x\n\xe9"\n', 3, "not UTF-8"),
    "Latin-1 header": (b"a,\xe9\n1,2\n", 1, "not UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), 1, "not UTF-8 but UTF-16"),
    "UTF-16, the other": (b"\xfe\xff" + "a,b\n1,2\n".encode("utf-16-be"), 1, "not UTF-8 but UTF-16"),
    "CR alone, then a newline": (b"a,b\r1,2\n3,4\r", 2, "a newline that ends no line"),
    "CR alone, then a newline, quoted": (b'"a","b"\r"1","2"\n"3","4"\r', 2, "a newline that ends no line"),
    "CR alone, a short row": (b'a,b\r1,"2\r\n"\r3\r', 4, "1 field where the first row has 2"),
    "name twice": (b"a,b,a\n1,2,3\n", 1, "two columns are called 'a'"),
    "no name twice": (b"a,,\n1,2,3\n", 1, "two columns are called ''"),
    "stray quote in the header": (b'a,b"c\n1,2\n', 1, "a quote inside a field"),
    "text after a quote in the header": (b'"a"x,b\n1,2\n', 1, "text after a closing quote"),
    "unclosed header": (b'a,"b\n1,2\n', 1, "a quote that is never closed"),
}

READ: dict[str, bytes] = {
    "blank lines": b"a,b\n1,2\n\n\n3,4\n\n",
    "blank lines, CRLF": b"a,b\r\n1,2\r\n\r\n\r\n3,4\r\n\r\n",
    "blank lines first and last": b"a,b\n\n1,2\n\n",
    "blank lines before the header": b"\n\na,b\n1,2\n",
    "blank lines before the header, CRLF": b"\r\n\r\na,b\r\n1,2\r\n",
    "CR alone": b"a,b\r1,2\r3,4\r",
    "CR alone, quoted": b'"a","b"\r"1","2\r\n3\n"\r\r4,\r',
    "blank lines of one column": b"a\n\n1\n\n2\n\n",
    "blank lines of one column of text": b'a\n\nx\n\n""\n\n',
    "blank lines alone": b"a,b\n\n\n",
    "blank lines alone in one column": b"a\n\n\n",
    "a blank line in quotes": b'a,b\n1,"x\n\ny"\n\n2,"\n"\n',
    "a blank line in quotes, CRLF": b'a,b\r\n1,"x\r\n\r\ny"\r\n\r\n2,"\r\n"\r\n',
    "a blank line in quotes of one column": b'a\n"x\n\ny"\n\n"\n\n"\n""\n',
    "an empty last field and a blank line": b"a,b\n1,\n\n2,\n",
    "delimiters alone": b"a,b,c\n1,2,3\n,,\n4,5,6\n,,",
    "delimiters alone throughout": b"a,b\n,\n,\n",
    "NUL": b"a,b\n1,x\0y\n2,\0\n",
    "a letter over two blocks": "a,b\n1,éé\n2,日本\n".encode(),
    "no last line end": b"a,b\n1,2\n3,4",
    "an empty last field at the very end": b"a,b\n1,2\n3,",
    "a quoted last field at the very end": b'a,b\n1,2\n3,"4"',
    "a pair of quotes at the very end": b'a,b\n1,2\n3,""',
    "mixed line ends": b"a,b\n1,2\r\n3,4\n5,6\r\n",
    "CR in quotes": b'a,b\n1,"x\ry"\n2,"\r"\n',
    "header alone": b"a,b\n",
    "header alone, no line end": b"a,b",
    "mark": BOM + b"a,b\n1,2\n",
    "mark before a quote": BOM + b'"a","b"\n1,2\n',
    "mark and header alone": BOM + b"a,b",
    "a mark that is no mark": "a,b\n\ufeff1,2\n\ufeffx,\ufeff\n\ufeff,3\n".encode(),
    "header with newlines": b'"a\nb","c\r\nd"\n1,2\n3,4\n',
    "one name is empty": b",a\n1,2\n3,4\n",
    "the only name is empty": b'""\n1\n2\n',
    "names of a pattern": b"*,^.*$,a*,[b]\n1,2,3,x\n4,5,6,y\n",
    "a name in quotes": b'"a, ""b""",c\n1,2\n',
    "one column with gaps": b'a\n1\n""\nNA\n3\n',
    "one column of CRLF": b'a\r\n1\r\n""\r\n3',
    "tiny": b"a\n1",
}


def selections(data: bytes) -> list[Sequence[str]]:
    """Nothing, each, all: of the columns that are numbers in the sample."""
    try:
        numbers = numeric(data)
    except BadDataError:
        return [()]
    return [(), *([n] for n in numbers), numbers]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_line(name: str, size: int | None) -> None:
    data, line, said = REFUSED[name]
    good = data.split(b"\n")[0].count(b",") + 1
    for wanted in (*selections(data), ["a"], ["a", "b"][:good]):
        for source in (in_memory(data), through_pipe(data, [1, 5])):
            assert refusal(source, wanted, block_size=size).startswith(f"t.csv:{line}: {said}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", READ)
def test_read_as_the_csv_module_reads_it(name: str, size: int | None) -> None:
    data = READ[name]
    for wanted in selections(data):
        expected = as_numbers(oracle(data), wanted)
        assert read(data, wanted, block_size=size) == expected
        source = through_pipe(data, [3, 1])
        source.peek(4)
        assert read(source, wanted, block_size=size) == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", READ)
def test_written_so_that_the_csv_module_reads_the_same(name: str, size: int | None, folder: Path) -> None:
    """All columns that are numbers selected, by a plan that changes none."""
    data = READ[name]
    numbers = numeric(data)
    if not numbers:
        return
    made = applied(identity(*numbers), data, folder, block_size=size)
    expected = as_numbers(oracle(data), numbers)
    assert as_numbers(oracle(made), numbers) == Rows(expected.names, expected.rows)


def test_after_many_rows(folder: Path) -> None:
    """Lines are counted over blocks, over quoted newlines, over blank lines, with and without CR."""
    for line_end in ("\n", "\r\n"):
        rows = [f'{i},"x{line_end}y",z' for i in range(2000)]
        rows[700], rows[701] = "", f'{701},"x{line_end}y",z,more'
        data = (line_end.join(["a,b,c", *rows]) + line_end).encode()
        path = folder / "many.csv"
        path.write_bytes(data)
        for size, threads in ((100, 1), (5000, 3), (None, 2)):
            with pytest.raises(BadDataError) as caught:
                api.fit(path, ZScore(), columns=["a"], block_size=size, threads=threads)
            assert caught.value.message == f"{path}:{2 + 2 * 700 + 1}: 4 fields where the first row has 3"


@pytest.mark.parametrize("name", ["long last row, empty", "unclosed quote of nothing"])
def test_the_command_refuses_with_65_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    data, line, _ = REFUSED[name]
    (tmp_path / "p.json").write_bytes(params_of(fit(in_memory(b"a,b,c\n1,2,3\n4,6,9\n"), Center(), include=["a"])))
    (tmp_path / "d.csv").write_bytes(data)
    before = sorted(tmp_path.iterdir())
    for command in (["fit", "d.csv", "-m", "zscore", "-c", "b"], ["apply", "d.csv", "-p", "p.json", "-o", "o.csv"]):
        done = normcli(*command, cwd=tmp_path)
        assert done.returncode == 65, done.stderr
        assert done.stderr.startswith(f"normcli: error: d.csv:{line}: ".encode())
        assert done.stderr.count(b"\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_empty_files(tmp_path: Path) -> None:
    for data in (b"", BOM):
        assert refusal(data).startswith("t.csv: is empty")
    (tmp_path / "p.json").write_bytes(params_of(fit(in_memory(b"a\n1\n2\n"), Center())))
    for data, *command in ((b"", "fit", "-m", "zscore"), (BOM, "apply", "-p", str(tmp_path / "p.json"))):
        done = normcli(*command, stdin=data)
        assert (done.returncode, done.stdout) == (65, b"")


@pytest.mark.parametrize("size", SIZES)
def test_a_header_alone(size: int | None, folder: Path) -> None:
    for data, out in (
        (b"a", b"a\n"),
        (b"a\n", b"a\n"),
        (b"b,a\r\n", b"b,a\r\n"),
        (BOM + b"a,b\n", b"a,b\n"),
        (b"a,b\n\n\n", b"a,b\n"),
    ):
        assert applied(identity("a"), data, folder, block_size=size) == out
        with pytest.raises(BadDataError):
            fit(in_memory(data), ZScore(), include=["a"], block_size=size)


def test_a_header_alone_on_a_pipe(tmp_path: Path) -> None:
    params = tmp_path / "p.json"
    params.write_bytes(params_of(fit(in_memory(b"a\n1\n2\n"), Center())))
    for data, out in ((b"a\n", b"a\n"), (BOM + b"a\n1.5\n3\n", b"a\n0.0\n1.5\n")):
        done = normcli("apply", "-p", params, stdin=data)
        assert (done.returncode, done.stdout) == (0, out), done.stderr
    done = normcli("fit", "-m", "zscore", "-c", "a", stdin=b"a\n")
    assert (done.returncode, done.stdout) == (65, b"")


def test_blank_lines_are_told(tmp_path: Path) -> None:
    done = normcli("fit", "-m", "center", stdin=b"a,b\n1,2\n\n3,4\n\n", cwd=tmp_path)
    assert done.returncode == 0
    assert b"2 rows, 2 blank lines skipped" in done.stderr


# -- without a header, other delimiters --------------------------------------------------------------------------
@pytest.mark.parametrize("size", SIZES)
def test_without_a_header(size: int | None, folder: Path) -> None:
    data = b'1.0,"x\ny",2.0\n\n3.0,,4.0\n'
    made = reader(data, size, header=False)
    assert [f.name for f in made.description.schema] == ["column_1", "column_2", "column_3"]
    assert read(data, ["column_1"], block_size=size, header=False) == Rows(
        ["column_1", "column_2", "column_3"], [[1.0, "x\ny", "2.0"], [3.0, "", "4.0"]], 1
    )
    options = Options(header=False)
    plan = identity("column_3")
    assert applied(plan, data, folder, block_size=size, format_options=options) == data.replace(b"\n\n", b"\n")
    assert refusal(data + b"5,6\n", block_size=size, header=False).startswith("t.csv:5: 2 fields")
    assert refusal(b'1,2\n3,"4"x\n', block_size=size, header=False).startswith("t.csv:2: ")
    assert refusal(b'1,2"\n3,4\n', block_size=size, header=False).startswith("t.csv:1: ")
    assert refusal(b"", block_size=size, header=False).startswith("t.csv: is empty")


def test_without_a_header_blank_lines_may_come_first() -> None:
    assert read(b"\n\n1,2\n3,4\n", header=False) == Rows(["column_1", "column_2"], [["1", "2"], ["3", "4"]], 2)


@pytest.mark.parametrize("given", ["tab", "\\t", "\t", ";", "|", " "])
def test_another_delimiter(given: str, folder: Path) -> None:
    d = Options(delimiter=given).separator
    data = f'n{d}"a{d}b"{d}c,d\n1.0{d}"x{d}y"{d}1,5\n2.0{d}{d}"z\n"\n'.encode()
    for size in (1, 16, None):
        assert read(data, ["n"], block_size=size, delimiter=given) == as_numbers(oracle(data, d), ["n"])
        options = Options(delimiter=given)
        assert applied(identity("n"), data, folder, block_size=size, format_options=options) == data
        assert refusal(data + f"3{d}4".encode(), delimiter=given, block_size=size).startswith("t.csv:5: 2 fields")


def test_the_wrong_delimiter_leaves_no_number() -> None:
    data = b"a;b\n1;2\n3;4\n"
    with pytest.raises(BadDataError, match="no numeric column is selected"):
        fit(in_memory(data), ZScore())
    assert reader(data).description.hint == "is it --delimiter ';'?"
    assert fit(in_memory(data), ZScore(), delimiter=";").steps[0].columns == ("a", "b")


# -- large -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1 << 17, None])
@pytest.mark.parametrize("length", [1_000_000, *longer(3_000_000)])
def test_a_line_of_megabytes(length: int, size: int | None, folder: Path) -> None:
    long = "h,i\n" * (length // 4)
    data = f'n,a,b\n1.0,x,"{long}"\n2.0,{"y" * length},z\n3.0,,\n'.encode()
    assert read(data, ["n"], block_size=size) == as_numbers(oracle(data), ["n"])
    assert applied(identity("n"), data, folder, block_size=size) == data
    assert refusal(data + b"4\n", block_size=size) == f"t.csv:{length // 4 + 5}: 1 field where the first row has 3"
    unclosed = data.replace(b'\n"\n', b"\n\n")
    assert refusal(unclosed, block_size=size) == "t.csv:2: a quote that is never closed"


def test_a_long_field_in_a_bad_row() -> None:
    """The message quotes no more than a line of it."""
    for field in ("h" * 200_000, '"' + "h,\n" * 100_000 + '"'):
        said = refusal(f"a,b\n1,2\n3,{field},4\n".encode())
        assert said == "t.csv:3: 3 fields where the first row has 2"
        said = refusal(f"a,b\n1,2\n3,{field}\n".encode(), ["b"])
        assert said.startswith("t.csv:3: 'h")
        assert len(said) < 200


def test_a_long_name() -> None:
    name = "h" * 200_000
    assert [f.name for f in reader(f'"{name}",b\n1,2\n'.encode()).description.schema] == [name, "b"]


def test_2000_columns(folder: Path) -> None:
    names = [f"c{i}" for i in range(2000)]
    rows = [[f"{i}.{j}5" if j % 2 else f"t{j}" for j in range(2000)] for i in range(3)]
    size = 1 << 15
    data = "".join(",".join(row) + "\n" for row in [names, *rows]).encode()
    numbers = names[1::2]
    assert numeric(data) == numbers
    assert read(data, numbers, block_size=size) == as_numbers(oracle(data), numbers)
    assert applied(identity("c1"), data, folder, block_size=size) == data
    for row, count in ((rows[0][:-1], 1999), ([*rows[0], ""], 2001)):
        said = refusal(data + ",".join(row).encode() + b"\n", ["c1"], block_size=size)
        assert said == f"t.csv:5: {count} fields where the first row has 2000"


def test_names_that_are_patterns_to_polars(folder: Path) -> None:
    data = b"^.*$,*,n\n1.0,2.0,3.0\n"
    path = folder / "patterns.csv"
    path.write_bytes(data)
    plan = api.fit(path, ZScore())
    assert plan.steps[0].columns == ("^.*$", "*", "n")
    assert fields(applied(plan, data, folder), "^.*$") == ["0.0"]
    assert columns.select(reader(data).description.schema, ["^.*$"], ()) == ("^.*$",)


def test_nothing_is_said_by_the_libraries(capfd: pytest.CaptureFixture[str]) -> None:
    """polars tells of a panic on standard error, before it raises."""
    for data, _, _ in REFUSED.values():
        refusal(data, ["a"])
    assert capfd.readouterr() == ("", "")
