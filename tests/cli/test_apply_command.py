"""apply: columns by name, everything else as it was."""

import csv
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import TABLE, Workspace, fitted

HEADER, ROWS = TABLE.split(b"\n", 1)


def table(data: bytes) -> dict[str, list[str]]:
    """A CSV's columns, as its reader sees them."""
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    return {name: [row[j] for row in rows] for j, name in enumerate(header)}


def permuted(names: str) -> bytes:
    """The table with its columns in another order, or fewer, or again."""
    columns = table(TABLE)
    rows = zip(*(columns[n] for n in names.split(",")), strict=True)
    return "\n".join([names, *map(",".join, rows), ""]).encode()


@pytest.fixture
def normal(workspace: Workspace) -> dict[str, list[str]]:
    """The table, normalized."""
    workspace.params()
    return table(workspace.succeeds("apply", "table.csv", "-p", "p.json").out)


def test_the_numbers_and_the_rest(normal: dict[str, list[str]]) -> None:
    before = table(TABLE)
    for name in "abc":
        x = np.array(before[name], float)
        np.testing.assert_allclose(np.array(normal[name], float), (x - x.mean()) / x.std(), rtol=1e-14, atol=1e-15)
    assert normal["site"] == before["site"]
    assert list(normal) == list(before)


def test_a_header_alone_gives_a_header_alone(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    pq.write_table(pq.read_table(workspace / parquet).slice(0, 0), workspace / "header.parquet")
    done = workspace.succeeds("apply", "-p", "p.json", stdin=HEADER)
    assert done.out == HEADER + b"\n"
    assert "0 rows" in done.err
    workspace.succeeds("apply", "header.parquet", "-p", "p.json", "-o", "out.parquet")
    out = pq.read_table(workspace / "out.parquet")
    assert (out.num_rows, out.schema.types[1:]) == (0, [pa.float64()] * 3)
    assert workspace.succeeds("apply", "header.parquet", "-p", "p.json", "--to", "csv").out == HEADER + b"\n"
    workspace.succeeds("apply", "out.parquet", "-p", "p.json", "--inverse", "-o", "restored.parquet")
    assert pq.read_table(workspace / "restored.parquet").shape == (0, 4)


@pytest.mark.parametrize("method", ["decorrelate", "unit"])
def test_so_do_other_transforms(workspace: Workspace, method: str) -> None:
    workspace.params(method)
    expected = b"site,pc1,pc2,pc3\n" if method == "decorrelate" else HEADER + b"\n"
    assert workspace.succeeds("apply", "-p", "p.json", stdin=HEADER).out == expected


def test_columns_are_matched_by_name(workspace: Workspace, normal: dict[str, list[str]]) -> None:
    out = table(workspace.succeeds("apply", "-p", "p.json", stdin=permuted("c,site,b,a")).out)
    assert list(out) == ["c", "site", "b", "a"]
    assert out == normal


def test_a_missing_column_is_an_error_whatever_is_asked(workspace: Workspace) -> None:
    workspace.params()
    for flags in ((), ("--only",)):
        assert "called b" in workspace.fails(65, "apply", "-p", "p.json", *flags, stdin=permuted("site,a,c"))
    out = table(workspace.succeeds("apply", "-p", "p.json", stdin=permuted("a,b,c")).out)
    assert list(out) == ["a", "b", "c"]  # one that was not selected may be gone


def test_extra_columns_pass_unless_refused(workspace: Workspace, normal: dict[str, list[str]]) -> None:
    workspace.params()
    lines = TABLE.decode().splitlines()
    more = "\n".join([f"{line},{'extra' if i == 0 else f'00{i}'}" for i, line in enumerate(lines)] + [""]).encode()
    out = table(workspace.succeeds("apply", "-p", "p.json", stdin=more).out)
    assert out == normal | {"extra": ["001", "002", "003", "004", "005", "006"]}
    message = workspace.fails(65, "apply", "-p", "p.json", "--no-extra", "-o", "out.csv", stdin=more)
    assert "extra" in message
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "--no-extra")


def test_only_writes_the_normalized_columns(workspace: Workspace, normal: dict[str, list[str]], parquet: str) -> None:
    out = table(workspace.succeeds("apply", "-p", "p.json", "--only", stdin=permuted("c,site,b,a")).out)
    assert list(out) == ["c", "b", "a"]
    assert out == {n: normal[n] for n in "abc"}
    workspace.succeeds("apply", parquet, "-p", "p.json", "--only", "-o", "out.parquet")
    assert pq.read_schema(workspace / "out.parquet").names == ["a", "b", "c"]
    assert workspace.succeeds("apply", "-p", "p.json", "--only", stdin=HEADER).out == b"a,b,c\n"


@pytest.mark.parametrize(
    "given",
    [
        ("center",),
        ("minmax", "--range", "-1", "1"),
        ("zscore", "--ddof", "1"),
        ("decorrelate",),
        ("whiten", "--kind", "pca"),
    ],
    ids=" ".join,
)
def test_inverse_restores_values_and_types(workspace: Workspace, given: tuple[str, ...]) -> None:
    workspace.params(*given)
    out = workspace.succeeds("apply", "table.csv", "-p", "p.json").out
    restored = table(workspace.succeeds("apply", "-p", "p.json", "--inverse", stdin=out).out)
    before = table(TABLE)
    assert list(restored) == list(before)
    assert (restored["site"], restored["a"], restored["c"]) == (before["site"], before["a"], before["c"])
    np.testing.assert_allclose(np.array(restored["b"], float), np.array(before["b"], float), rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["zscore", "decorrelate"])
def test_so_it_does_in_parquet(workspace: Workspace, method: str, parquet: str) -> None:
    (workspace / "p.json").write_bytes(workspace.succeeds("fit", parquet, "-m", method).out)
    workspace.succeeds("apply", parquet, "-p", "p.json", "-o", "out.parquet")
    workspace.succeeds("apply", "out.parquet", "-p", "p.json", "--inverse", "-o", "restored.parquet")
    whole, back = pq.read_table(workspace / parquet), pq.read_table(workspace / "restored.parquet")
    assert back.schema.equals(whole.schema)
    assert back.drop(["b"]).equals(whole.drop(["b"]))


def test_components_that_would_collide(workspace: Workspace, parquet: str) -> None:
    workspace.params("decorrelate")
    taken = TABLE.replace(b"site", b"pc2", 1)
    message = workspace.fails(65, "apply", "-p", "p.json", "-o", "out.csv", stdin=taken)
    assert "called pc2 already" in message
    assert "--prefix" in message
    table_ = pq.read_table(workspace / parquet)
    pq.write_table(table_.rename_columns(["pc2", "a", "b", "c"]), workspace / "taken.parquet")
    assert "pc2" in workspace.fails(65, "apply", "taken.parquet", "-p", "p.json", "-o", "out.parquet")
    workspace.params("decorrelate", "--prefix", "part")
    assert workspace.succeeds("apply", "-p", "p.json", stdin=taken).out.startswith(b"pc2,part1,part2,part3\n")


def test_components_stand_where_the_first_column_stood(workspace: Workspace) -> None:
    workspace.params("decorrelate", "--components", "2")
    out = workspace.succeeds("apply", "-p", "p.json", stdin=permuted("c,site,b,a")).out
    assert out.startswith((b"site,pc1,pc2\n", b"pc1,pc2,site\n"))


def test_what_was_normalized_already_is_not_normalized_again(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    workspace.params("minmax", name="other.json")
    workspace.succeeds("apply", parquet, "-p", "p.json", "-o", "out.parquet")
    assert "already" in workspace.fails(65, "apply", "out.parquet", "-p", "p.json", "-o", "twice.parquet")
    workspace.succeeds("apply", "out.parquet", "-p", "p.json", "-o", "twice.parquet", "--allow-normalized")
    assert "other" in workspace.fails(
        65, "apply", "out.parquet", "-p", "other.json", "--inverse", "-o", "wrong.parquet"
    )
    workspace.succeeds("apply", "out.parquet", "-p", "other.json", "-o", "both.parquet")
    workspace.fails(65, "apply", "both.parquet", "-p", "p.json", "--inverse", "-o", "wrong.parquet")


def test_edited_parameters_are_other_parameters(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    (workspace / "edited.json").write_bytes(fitted("zscore").replace(b'"offset": 0.0', b'"offset": 0.5'))
    workspace.succeeds("apply", parquet, "-p", "edited.json", "--allow-edited", "-o", "out.parquet")
    workspace.fails(65, "apply", "out.parquet", "-p", "p.json", "--inverse", "-o", "wrong.parquet")
    workspace.succeeds("apply", "out.parquet", "-p", "edited.json", "--allow-edited", "--inverse", "-o", "back.parquet")
    assert pq.read_table(workspace / "back.parquet")["a"].equals(pq.read_table(workspace / parquet)["a"])


def test_parameters_of_one_format_fit_another(workspace: Workspace, normal: dict[str, list[str]], parquet: str) -> None:
    (workspace / "p.json").write_bytes(fitted("zscore"))
    assert table(workspace.succeeds("apply", parquet, "-p", "p.json", "--to", "csv").out) == normal
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out.parquet")
    out = pq.read_table(workspace / "out.parquet")
    assert {n: out[n].to_pylist() for n in "abc"} == {n: [float(x) for x in normal[n]] for n in "abc"}


def test_output_takes_after_the_input(workspace: Workspace) -> None:
    workspace.params()
    crlf = TABLE.replace(b"\n", b"\r\n").replace(b",", b"\t")
    out = workspace.succeeds("apply", "-p", "p.json", "--delimiter", "tab", stdin=crlf).out
    assert out.startswith(b"site\ta\tb\tc\r\nnorth\t")
    assert out.count(b"\r\n") == out.count(b"\n") == TABLE.count(b"\n")


def test_rows_in_are_rows_out(workspace: Workspace) -> None:
    """With gaps, blank lines and no last newline."""
    workspace.params()
    data = HEADER + b"\n" + (ROWS + b"gap,,NA,N/A\n\n") * 3_000
    done = workspace.succeeds("apply", "-p", "p.json", "-o", "out.csv", stdin=data.rstrip(b"\n"))
    assert "21,000 rows, 2,999 blank lines" in done.err
    written = (workspace / "out.csv").read_bytes().splitlines()
    assert len(written) == 21_001
    assert written[7] == b"gap,,NA,N/A"


def test_what_is_missing_stays_what_it_was(workspace: Workspace) -> None:
    workspace.params()
    words = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
    data = TABLE + "".join(f"gap,{w},{w},{w}\n" for w in words).encode()
    out = table(workspace.succeeds("apply", "-p", "p.json", stdin=data).out)
    for name in "abc":
        assert out[name][6:] == list(words)


def test_what_can_not_be_restored_is_refused_by_name(workspace: Workspace) -> None:
    """A power given by hand normalizes, but leaves nothing of 1000 and 50000; one of columns on a common scale."""
    (workspace / "x.csv").write_text("k,x\n" + "a,0\n" * 9 + "b,1000\nb,50000\n")
    (workspace / "y.csv").write_text("a,b\n4500000000000001,9.4\n4500000000000002,8.7\n4500000000000004,9.1\n")
    for name, place, options in (("x", "x.csv:11: column 'x'", ("power", "--lambda", "-5", "-c", "x")),
                                 ("y", "y.csv:2: column 'b'", ("batch", "--channels", "1"))):  # fmt: skip
        workspace.succeeds("fit", f"{name}.csv", "-m", *options, "-p", "p.json", "-o", f"n{name}.csv")
        (workspace / "back.csv").write_text("as it was")
        error = workspace.fails(65, "apply", f"n{name}.csv", "-p", "p.json", "--inverse", "-o", "back.csv")
        assert error.startswith(f"n{place}: ")
        assert "can't be undone" in error
        assert (workspace / "back.csv").read_text() == "as it was"
    workspace.succeeds("fit", "x.csv", "-m", "power", "-c", "x", "-p", "p.json", "-o", "z.csv")
    workspace.succeeds("apply", "z.csv", "-p", "p.json", "--inverse", "-o", "back.csv")
    assert (workspace / "back.csv").read_text() == (workspace / "x.csv").read_text()
