"""What a person says of the dialect of a file: a fit keeps it, apply reads and writes by it; what can't be is told."""

import gzip
import json
from pathlib import Path

import pytest

from normcli import api
from normcli.errors import BadDataError, UsageError
from normcli.formats import tsv
from normcli.formats.csv import Options
from normcli.methods.zscore import ZScore
from normcli.parameters import file as params
from tests.formats.conftest import identity, normcli, params_of, pipe_path, read, reader, refusal
from tests.test_params import checker

EVERYTHING = (
    "--skip-lines 1 --comment # --quote ' --escape ^ --skip-initial-space --pad-rows --delimiter | "
    "--trailing-delimiter --duplicate-names number"
)
# flags, a file, and what comes of it when x is divided by 1 (None: the same)
TRIPS: dict[str, tuple[list[str], bytes, bytes | None]] = {
    "titles": (["--skip-lines", "2"], b'Report, "of\n\xe9\nt,x\na,1.0\n', None),
    "titles, CRLF": (["--skip-lines", "1"], b"Report\r\nt,x\r\na,1.0\r\n", None),
    "a title after a mark": (["--skip-lines", "1"], b"\xef\xbb\xbfReport\nt,x\na,1.0\n", b"Report\nt,x\na,1.0\n"),
    "comments": (["--comment", "#"], b"# it's \"one\n#\nt,x\n#\na,1.0\nb#,2.0\n#", b"t,x\na,1.0\nb#,2.0\n"),
    "a comment in quotes": (["--comment", "//"], b't,x\n"//",1.0\n"a\n// b",2.0\n/,3.0\n', None),
    "blank lines first": ([], b"\n\r\nt,x\na,1.0\n", b"t,x\na,1.0\n"),
    "single quotes": (["--quote", "'"], b"t,x\n'a,\"''b\n',1.0\n\"c\",2.0\n'',3.0\n,4.0\n", None),
    "bare quotes": (["--quote", "none", "--delimiter", "tab"], b't\tx\n"a" b"\t1.0\n\\N\t2.0\n"\t3.0\n', None),
    "escaped quotes": (["--escape", "\\"], b't,x\n"a,\\"b\\\\",1.0\n"\\"c",2.0\n', None),
    "doubled and escaped": (["--escape", "\\"], b't,x\n"a,""b",1.0\n', b't,x\n"a,\\"b",1.0\n'),
    "escaped delimiters": (["--escape", "\\", "--quote", "none"], b't,x\na\\,\\\nb\\\\,1.0\n"c",2.0\n', None),
    "null of MySQL": (["--escape", "\\", "--na-values", "\\N"], b't,x\n\\N,1.0\nb,\\N\n"c\\"",3.0\n', None),
    "words that mean missing": (["--na-values", "?,."], b"t,x\nNA,1.0\nb,?\n.,.\n", None),
    "spaces": (
        ["--skip-initial-space"],
        b't, x\n"a, ""b""", 1.0\n  c  ,2.0\n, 3.0\n" d",4.0\n',
        b't,x\n"a, ""b""",1.0\nc  ,2.0\n,3.0\n" d",4.0\n',
    ),
    "short rows": (["--pad-rows"], b't,x,u,v\na,1.0\nb,2.0,",",d\n\nc\n', b't,x,u,v\na,1.0,,\nb,2.0,",",d\nc,,,\n'),
    "short rows, CRLF": (["--pad-rows"], b"t,x,u\r\na,1.0\r\nb", b"t,x,u\r\na,1.0,\r\nb,,\r\n"),
    "trailing": (["--trailing-delimiter"], b't,x,\na,1.0,\n"b,",2.0,\n\n,,\n', b't,x,\na,1.0,\n"b,",2.0,\n,,\n'),
    "trailing, not in the header": (["--trailing-delimiter"], b"t,x\na,1.0,\n", b"t,x,\na,1.0,\n"),
    "trailing, one column": (["--trailing-delimiter"], b"x,\n1.0,\n,\n", None),
    "trailing, CRLF": (["--trailing-delimiter"], b"t,x,\r\na,1.0,\r\nb,2.0,", b"t,x,\r\na,1.0,\r\nb,2.0,\r\n"),
    "names twice": (
        ["--duplicate-names", "number"],
        b"a,,a,x,a_2,\n1,2,3,4.0,5,6\n",
        b"a,column_2,a_3,x,a_2,column_6\n1,2,3,4.0,5,6\n",
    ),
    "Excel": ([], b"sep=;\r\nt;x\r\n,;1.0\r\n", None),
    "Excel, a tab": ([], b"sep=\t\nt\tx\na\t1.0\n", None),
    "Excel, quoted, after a mark": ([], b'\xef\xbb\xbf"sep=|"\nt|x\na|1.0\n', b'"sep=|"\nt|x\na|1.0\n'),
    "CR alone": ([], b't,x\r"a\rb\n",1.0\r\r,2.0', b't,x\r"a\rb\n",1.0\r,2.0\r'),
    "CR alone, titles": (["--skip-lines", "1", "--quote", "'"], b"it's\rt,x\r'a\r\n',1.0\r\"b\",2.0\r", None),
    "all of it": (
        EVERYTHING.split(),
        b"t|'\n# it's\nt| x| t|\n'a^'|''b'| 1.0|\n^#| 2.0| c|\n",
        b"t|'\nt|x|t_2|\n'a^'|^'b'|1.0||\n'#'|2.0|c|\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIPS)
def test_a_fit_keeps_how_to_read_and_write(folder: Path, name: str) -> None:
    """fit, apply and its inverse, with the options given once; also in pieces, and packed."""
    flags, data, expected = TRIPS[name]
    expected = data if expected is None else expected
    (folder / "d.csv").write_bytes(data)
    (folder / "d.csv.gz").write_bytes(gzip.compress(data))
    run = normcli("fit", "d.csv", "-m", "maxabs", "-c", "x", "-p", "p.json", *flags, cwd=folder)
    assert run.returncode == 0, run.stderr
    run = normcli("apply", "d.csv.gz", "-p", "p.json", "-o", "z.csv", cwd=folder)
    assert run.returncode == 0, run.stderr
    run = normcli("apply", "z.csv", "-p", "p.json", "--inverse", "-o", "-", cwd=folder)
    assert run.stdout == expected
    plan = params.read((folder / "p.json").read_bytes())
    options = Options(**dict(plan.dialect))
    with pipe_path(data, (1, 5)) as path:
        api.apply(identity("x"), path, folder / "y.csv", format_options=options, block_size=3)
    assert (folder / "y.csv").read_bytes() == expected
    checker().validate(json.loads((folder / "p.json").read_bytes()))


def test_what_is_so_by_default_is_not_kept(folder: Path) -> None:
    (folder / "d.csv").write_bytes(b"x\n1\n2\n")
    flags = ["--quote", '"', "--escape", "none", "--skip-lines", "0", "--no-pad-rows", "--delimiter", ","]
    plain, same = (normcli("fit", "d.csv", "-m", "zscore", *more, cwd=folder) for more in ([], flags))
    assert plain.returncode == 0
    assert plain.stdout == same.stdout
    assert b"dialect" not in plain.stdout


@pytest.mark.parametrize(
    ("flags", "dialect"),
    [
        (["--no-header"], {"header": False}),
        (["--header"], {"header": True}),
        (["--header", "--na-values", ""], {"na_values": "", "header": True}),
        (["--no-header", "--na-values", "-"], {"na_values": "-", "header": False}),
    ],
)
def test_what_names_columns_and_means_missing_is_kept(folder: Path, flags: list[str], dialect: object) -> None:
    """apply, check and fit --update then read as the fit did, without a doubt of their own."""
    (folder / "d.csv").write_bytes(b"1,2\n3,4\n5,7\n")
    run = normcli("fit", "d.csv", "-m", "maxabs", "-p", "p.json", *flags, "--werror", cwd=folder)
    assert run.returncode == 0, run.stderr
    assert json.loads((folder / "p.json").read_bytes())["dialect"] == dialect
    rows = 3 - ("--no-header" not in flags)
    out = normcli("apply", "d.csv", "-p", "p.json", "--werror", "--min-rows", str(rows), cwd=folder)
    assert out.returncode == 0, out.stderr
    assert len(out.stdout.splitlines()) == 3
    (folder / "e.csv").write_bytes(b"1,2\n3,5\n")
    assert normcli("fit", "--update", "-p", "p.json", "e.csv", "--werror", cwd=folder).returncode == 0
    assert params.read((folder / "p.json").read_bytes()).rows == rows + 1 + ("--no-header" in flags)


def test_a_header_where_the_fit_knew_none_is_proposed(folder: Path) -> None:
    (folder / "d.csv").write_bytes(b"1,2\n3,4\n")
    assert normcli("fit", "d.csv", "-m", "maxabs", "-p", "p.json", "--no-header", cwd=folder).returncode == 0
    (folder / "e.csv").write_bytes(b"column_1,column_2\n3,4\n")
    run = normcli("apply", "e.csv", "-p", "p.json", cwd=folder)
    assert (run.returncode, run.stderr.endswith(b"(--header if the first row names the columns)\n")) == (65, True)
    assert normcli("apply", "e.csv", "-p", "p.json", "--header", cwd=folder).stdout.startswith(b"column_1,column_2\n")


def test_the_command_line_comes_before_what_is_kept(folder: Path) -> None:
    (folder / "d.csv").write_bytes(b"t;x\n'a';1\nb;\n")
    (folder / "e.csv").write_bytes(b't,x\n"a",1.0\n')
    assert (
        normcli(
            "fit", "d.csv", "-m", "maxabs", "-p", "p.json", "--quote", "'", "--delimiter", ";", cwd=folder
        ).returncode
        == 0
    )
    for flags in (["--delimiter", ",", "--quote", '"'], ["--delimiter", ",", "--quote", "none"]):
        run = normcli("apply", "e.csv", "-p", "p.json", *flags, cwd=folder)
        assert run.stdout.splitlines()[0] == b"t,x"
        assert run.returncode == normcli("check", "e.csv", "-p", "p.json", *flags, cwd=folder).returncode == 0
    run = normcli("fit", "--update", "-p", "p.json", "e.csv", "--delimiter", ",", "--quote", '"', cwd=folder)
    assert run.returncode == 0, run.stderr
    assert json.loads((folder / "p.json").read_bytes())["dialect"] == {"quote": "'", "delimiter": ";"}
    assert normcli("inspect", "p.json", cwd=folder).stdout.splitlines()[1] == b"dialect  quote ', delimiter ;"


def test_other_formats_go_by_the_same_parameters(folder: Path) -> None:
    """What a fit of CSV keeps says nothing of NDJSON, nor of what CSV is made of it."""
    plan = api.fit(b_file(folder, b"t|x\n'a'|1\nb|2\n"), ZScore(), format_options=Options(delimiter="|", quote="'"))
    (folder / "d.ndjson").write_bytes(b'{"t":"|","x":1}\n{"t":"\'","x":2}\n')
    api.apply(plan, folder / "d.ndjson", folder / "z.csv")
    assert (folder / "z.csv").read_bytes() == b"t,x\n|,-1.0\n',1.0\n"
    (folder / "d.tsv").write_bytes(b"t\tx\n'\t'\t1\n")
    api.apply(plan, folder / "d.tsv", folder / "z.tsv")
    assert (folder / "z.tsv").read_bytes() == b"t\tx\n'\t'\t-1.0\n"
    assert tsv.Options(quote="'").dialect.separator == "\t"


def b_file(folder: Path, data: bytes) -> Path:
    path = folder / "given.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "edit", [{"quote": 1}, {"quote": "ab"}, {"unknown": 1}, {"skip_lines": -1}, {"comment": ""}, []]
)
def test_a_dialect_in_a_file_is_checked(folder: Path, edit: object) -> None:
    document = json.loads(params_of(api.fit(b_file(folder, b"x\n1\n2\n"), ZScore())))
    (folder / "p.json").write_text(json.dumps(document | {"dialect": edit}))
    run = normcli("inspect", "p.json", "--allow-edited", cwd=folder)
    assert run.returncode == 65
    assert b"$.dialect" in run.stderr


CONTRADICTIONS = {
    "quote;": "is the --delimiter, too",
    "escape;": "is the --delimiter, too",
    "comment;": "is the --delimiter, too",
    "comment": "must begin with",
    "commenta": "must begin with",
    "quote": "one ASCII character",
    "quoteé": "one ASCII character",
    "quote1": "one ASCII character",
    "escape\\\\": "one ASCII character",
    'escape"': "a quote in a quoted field is doubled",
    "skip-lines-1": "--skip-lines: ",
    "duplicate-nameskeep": "--duplicate-names: ",
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_contradicts_itself_is_refused_before_data_are_read(folder: Path, case: str) -> None:
    flag = next(f for f in ("quote", "escape", "comment", "skip-lines", "duplicate-names") if case.startswith(f))
    run = normcli("fit", "-m", "zscore", f"--{flag}={case.removeprefix(flag)}", "--delimiter", ";", stdin=b"x\n1\n")
    assert run.returncode == 2
    assert CONTRADICTIONS[case] in run.stderr.decode()
    with pytest.raises(UsageError):
        api.fit(b_file(folder, b"x\n1\n"), ZScore(), format_options=Options(delimiter=";", quote=";"))


FLAGS = "--quote=' --escape=^ --comment=# --skip-lines=1 --skip-initial-space --pad-rows --trailing-delimiter"


@pytest.mark.parametrize("flag", [*FLAGS.split(), "--duplicate-names=number"])
def test_options_of_delimited_text_are_for_nothing_else(flag: str) -> None:
    run = normcli("fit", "--from", "ndjson", "-m", "zscore", flag, stdin=b'{"x":1}\n')
    assert run.returncode == 2
    assert b"is an option of csv, tsv" in run.stderr


HINTS: list[tuple[bytes, str]] = [
    (b"a;b\n1,5;2\n", "is it --delimiter ';'?"),
    (b"a\tb\n1,5\t2\n", "is it --delimiter tab?"),
    (b"a|b,c|d\n1,5,2\n", "is it --delimiter '|'?"),
    (b"a,b\n1\n", "--pad-rows takes it for missing at the end"),
    (b"a,b\n1,2,\n", "--trailing-delimiter takes it"),
    (b'a,b\n1, "2"\n', "--skip-initial-space takes it"),
    (b'a,b\n1,it"s\n', "--quote none takes quotes for text"),
    (b"a,a\n1,2\n", "--duplicate-names number makes them differ"),
    (b"a,b\n1,2\r3,4\n", r"convert it first: tr '\r' '\n'"),
    (b"a,b\r1,2\n3,4\r", r"convert it first: tr '\r' '\n'"),
    (b"a,b\r\n1,2\r\r\n", r"convert it first: tr -d '\r'"),
    (b"a,b\r\r\n1,2\r\r\n", r"convert it first: tr -d '\r'"),
    (b'a,b\n1,"it" is\n', "--quote none takes quotes for text"),
    (b'a,b\n1,"it\n', "is the file cut short? --quote none takes quotes for text"),
    (b'a,b\n1,"say \\"x\\""\n', r"--escape '\' takes it"),
    (b"a,b\n1,of\\\ntwo\n2,x\n", r"--escape '\' takes it"),
    (b"a,b\nof\\\ntwo,2\n", r"--escape '\' takes it"),
    (b"Report\n\na,b\n1,2\n", "--skip-lines 2 if line 3 is the header"),
    (b"Report\nof May\na,b\n1,2\n", "--skip-lines 2 if line 3 is the header"),
    (b"Report,,\na,b,c\n1,2,3\n", "--skip-lines 1 if it is a title; --duplicate-names number makes them differ"),
    (b"# 300 K\na,b\n1,2\n", "--comment '#' leaves out lines that begin so"),
    (b"% 300 K\na,b\n1,2\n", "--comment '%' leaves out lines that begin so"),
]


def test_a_header_among_the_rows_is_told(folder: Path) -> None:
    """As files have that were put together by `cat`."""
    (folder / "d.csv").write_bytes(b"t,x\na,1\nt,x\nb,3\n")
    flags = ["fit", "d.csv", "-m", "maxabs", "-c", "x", "-p", "p.json"]
    run = normcli(*flags, cwd=folder)
    assert (run.returncode, b"(--on-bad-row skip leaves out a header among the rows)" in run.stderr) == (65, True)
    assert normcli(*flags, "--on-bad-row", "skip", cwd=folder).returncode == 0
    assert params.read((folder / "p.json").read_bytes()).rows == 2


@pytest.mark.parametrize("options", [{"skip_lines": "1"}, {"skip_lines": -1}, {"decimal": "x"}, {"quote": None}])
def test_an_option_of_another_type_is_refused_in_python(folder: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"^`{next(iter(options))}`: "):
        api.fit(b_file(folder, b"x\n1\n2\n"), ZScore(), format_options=options)


@pytest.mark.parametrize(("data", "hint"), HINTS)
def test_the_option_that_helps_is_named(data: bytes, hint: str) -> None:
    with pytest.raises(BadDataError) as caught:
        read(data)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (
            b"a,b\n1,\\N\n",
            r"--na-values 'NA,N/A,NaN,nan,null,NULL,\N' takes it as missing, without --escape it is text",
        ),
        (b"a,b\n1,x\\ty\n", "without --escape it is text"),
        (b"\\t,b\n1,2\n", "without --escape it is text"),
    ],
)
def test_what_an_escape_means_is_for_a_person_to_say(data: bytes, hint: str) -> None:
    with pytest.raises(BadDataError) as caught:
        read(data, escape="\\")
    assert caught.value.hint == hint


def test_no_delimiter_is_proposed_for_binary_input(folder: Path) -> None:
    (folder / "d.ndjson").write_bytes(b'{"a;b":"1"}\n{"a;b":"2"}\n')
    run = normcli("fit", "d.ndjson", "-m", "zscore", cwd=folder)
    assert run.returncode == 65
    assert b"delimiter" not in run.stderr


FAULTS: list[tuple[dict[str, object], bytes, str]] = [
    ({"skip_lines": 2}, b"a\nb", "has 2 lines, and --skip-lines 2 leaves none for the header"),
    ({"skip_lines": 2}, b"a\nb\n", "is empty"),
    ({"comment": "#"}, b"# a\n#b\n", "is empty"),
    ({"skip_lines": 1, "comment": "#"}, b"t\n# 'a\na,b\n\n1\n", ":5: 1 field where"),
    ({"escape": "\\"}, b'a,b\n"1\n\\\n2",\\t\n', ":2: '\\' before 't', which readers take for different things"),
    ({"escape": "\\"}, b"a,b\n1,2\\", ":2: '\\' at the end of a field"),
    ({"escape": "\\", "quote": "none"}, b"a,b\n1,2\\\n\n3\n", ":4: 1 field where"),
    ({"escape": "\\", "na_values": "\\N"}, b"a,b\n1,\\\\N\n", ":2: '\\N', escaped, could not be distinguished"),
    ({"quote": "'"}, b"a,b\n1,it's\n", ":2: a quote inside a field"),
    ({"trailing_delimiter": True}, b"a,b,\n1,2,\n3,4\n", ":3: no delimiter at the end of the row"),
    ({"trailing_delimiter": True}, b"a,b,\n1,2,3,\n", ":2: 3 fields where the first row has 2"),
    ({"pad_rows": True}, b"a,b\n1,2,3\n", ":2: 3 fields where the first row has 2"),
    ({"skip_initial_space": True}, b'a, b\n1,\n2, "3" \n', ":3: text after a closing quote"),
    ({"delimiter": "|"}, b"sep=;\na|b\n", ":1: sep=;, and the delimiter is to be '|'"),
    ({}, b"sep=1\na,b\n", ":1: sep=1, which can't be a delimiter here"),
]


@pytest.mark.parametrize(("options", "data", "what"), FAULTS)
@pytest.mark.parametrize("size", [1, None])
def test_faults_are_told_with_their_line(options: dict[str, object], data: bytes, what: str, size: int | None) -> None:
    assert what in refusal(data, ["a"], block_size=size, **options)


REJECTED: dict[str, tuple[list[str], bytes, list[tuple[int, str]]]] = {
    "quotes": (["--quote", "'"], b"t,x\n'a',1\n'b\"',z\nc,3\n", [(3, "'b\"',z")]),
    "CR": ([], b't,x\ra,1\r"b\n\rc",z\rc,3\r', [(3, '"b\n\rc",z')]),
    "escapes": (["--escape", "\\"], b't,x\na\\,\\\nb,1\n"b\\"",z\nc\\q,3\nd,4\n', [(4, '"b\\"",z'), (5, "c\\q,3")]),
    "spaces": (["--skip-initial-space"], b't, x\na, 1\n "b,", z\n c\nd,4\n', [(3, ' "b,", z'), (4, " c")]),
    "trailing": (["--trailing-delimiter"], b"t,x,\na,1,\nb,z,\nc,3\n", [(3, "b,z,"), (4, "c,3")]),
    "short": (["--pad-rows", "--comment", "#"], b"#\nt,x,u\na,1\n#\nb,z\nc,3\n", [(5, "b,z")]),
}


@pytest.mark.parametrize("name", REJECTED)
def test_rejected_rows_are_as_they_stand(folder: Path, name: str) -> None:
    flags, data, expected = REJECTED[name]
    (folder / "d.csv").write_bytes(data)
    common = ["--on-bad-row", "skip", "--rejects", "r.ndjson", *flags]
    run = normcli("fit", "d.csv", "-m", "maxabs", "-c", "x", "-p", "p.json", *common, cwd=folder)
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in (folder / "r.ndjson").read_bytes().splitlines()]
    assert [(r["line"], r["raw"]) for r in found] == expected


@pytest.mark.parametrize(
    ("text", "flags", "shown"),
    [
        ("a;b", ["--delimiter", ";"], "a;b"),
        ("a\nb", [], "a\\nb"),
        ("a\r", ["--delimiter", ";"], "a\\r"),
    ],
)
def test_what_only_quotes_could_hold_names_its_line_and_column(
    folder: Path, text: str, flags: list[str], shown: str
) -> None:
    rows = [{"t": "good", "x": 1}, {"t": text, "x": 2}]
    (folder / "d.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "p.json").write_bytes(params_of(identity("x")))
    common = ["d.ndjson", "-p", "p.json", "--to", "csv", "--quote", "none", *flags]
    run = normcli("apply", *common, "-o", "bare.csv", cwd=folder)
    assert run.returncode == 65
    assert f"d.ndjson:2: '{shown}' in column 't' can't be written without quotes" in run.stderr.decode()
    assert not (folder / "bare.csv").exists()
    run = normcli("apply", *common, "--escape", "^", cwd=folder)
    assert run.stdout.endswith(text.translate({ord(c): f"^{c}" for c in ";\r\n"}).encode() + run.stdout[-5:])


def test_edges() -> None:
    assert read(b"a,b\r", quote="'").rows == []
    assert read(b"\xef\xbb\xbf'a'", quote="'").names == ["a"]
    assert read(b"\xef\xbb\xbf# c\r\n'a'\r\n'1'\r\n", comment="#", quote="'").rows == [["1"]]
    assert read(b"x\n \n1\n", skip_initial_space=True).rows == [[""], ["1"]]
    assert read(b"1, 2\n3,\n", header=False, skip_initial_space=True).rows == [["1", "2"], ["3", ""]]
    assert read(b"1,2\n3\n", header=False, pad_rows=True).rows == [["1", "2"], ["3", ""]]
    assert read(b"#a\n1,2,\n#\n", header=False, comment="#", trailing_delimiter=True).rows == [["1", "2"]]
    assert read(b'a\r"1\r\r2"\r').rows == [["1\r\r2"]]
    assert reader(b"a,b\n1,2\n").description.notices == ()
    assert reader(b"\n\na,b\n1,2\n").description.notices == ("t.csv: skipped 2 blank lines before the header",)
    assert reader(b"a,b\r1,2\r").description.notices == ("t.csv: lines end in CR alone",)
    assert reader(b"T\na,b\n1,2\n", skip_lines=1).description.notices == ("t.csv: skipped a line 'T'",)


def test_a_directory_in_a_dialect(folder: Path) -> None:
    """Each file with its own titles; --resume leaves what is complete; several inputs become one output."""
    day, flags = folder / "day", ["--skip-lines", "1", "--quote", "'", "--comment", "#"]
    day.mkdir()
    for i in (1, 2):
        (day / f"{i}.csv").write_bytes(b"File %d\nt,x\n# c\n'a,''%d',%d.0\n" % (i, i, i))
    assert normcli("fit", "day", "-m", "maxabs", "-p", "p.json", *flags, cwd=folder).returncode == 0
    for _ in range(2):
        run = normcli("apply", "day", "-p", "p.json", "-o", "out/", "--resume", cwd=folder)
        assert run.returncode == 0, run.stderr
    assert (folder / "out/2.csv").read_bytes() == b"File 2\nt,x\n'a,''2',1.0\n"
    run = normcli("apply", "day", "-p", "p.json", cwd=folder)
    assert run.stdout == b"File 1\nt,x\n'a,''1',0.5\n'a,''2',1.0\n"
    assert b"2 comment lines left out" in run.stderr
    assert b"blank" not in run.stderr
