"""The codes by which a script tells one failure from another; and that a failure changes no file."""

import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import registry
from tests.cli.conftest import TABLE, Workspace, needed, permissions_bind, required
from tests.conftest import longer

METHODS = registry.names("methods")
DIGITS = "9" * 400  # a whole number beyond any float


# -- 2: wrong before any data is read ----------------------------------------------------------------------------
@pytest.mark.process
@pytest.mark.parametrize("given", [(), ("-m", "nosuch"), ("-m", ""), ("-m", "_column")])
def test_without_a_method_or_with_an_unknown_one_the_methods_are_listed(
    workspace: Workspace, given: tuple[str, ...]
) -> None:
    message = workspace.fails(2, "fit", "table.csv", *given)
    assert "-m" in message
    assert all(name in message for name in METHODS) or (not given and "`normcli methods` lists them" in message)


def test_an_option_of_another_method_names_those_that_have_it(workspace: Workspace) -> None:
    message = workspace.fails(2, "fit", "table.csv", "-m", "zscore", "--norm", "l1")
    assert "zscore" in message
    assert "--norm" in message
    assert "unit" in message
    assert "whiten" in workspace.fails(2, "fit", "table.csv", "-m", "center", "--kind", "pca")
    assert "zscore" in workspace.fails(2, "fit", "table.csv", "-m", "unit", "--no-center")
    assert "unit" in workspace.fails(2, "fit", "table.csv", "--norm", "l1")


@pytest.mark.parametrize(
    "given",
    [
        ("zscore", "--ddof", "nan"),
        ("zscore", "--ddof", "-1"),
        ("zscore", "--ddof", "1.5"),
        ("zscore", "--ddof", "1_0"),
        ("minmax", "--range", "nan", "1"),
        ("minmax", "--range", "0", "1e400"),
        ("minmax", "--range", "1", "0"),
        ("minmax", "--range", "-1e308", "1e308"),
        ("minmax", "--range", "0"),
        ("unit", "--norm", "0.5"),
        ("unit", "--norm", "l3"),
        ("unit", "--norm", DIGITS),
        ("whiten", "--kind", "nosuch"),
        ("whiten", "--eps", "nan"),
        ("whiten", "--rank", "0"),
        ("whiten", "--components", "2"),
        ("whiten", "--kind", "pca", "--components", "1.5"),
        ("whiten", "--kind", "cholesky", "--rank", "2"),
        ("whiten", "--shrinkage", "2"),
        ("decorrelate", "--prefix", ""),
        ("zscore", "--threads", "-1"),
        ("zscore", "--threads", "nan"),
        ("zscore", "--from", "nosuch"),
        ("zscore", "--delimiter", "ab"),
    ],
    ids=lambda given: " ".join(given)[:40],
)
def test_a_bad_value_of_an_option(workspace: Workspace, given: tuple[str, ...]) -> None:
    flag = [word for word in given if word.startswith("--")][-1]
    assert flag in workspace.fails(2, "fit", "table.csv", "-p", "p.json", "-m", *given)


@pytest.mark.parametrize("given", [("zscore", "--ddof"), ("decorrelate", "--ddof"), ("decorrelate", "--components")])
def test_a_number_of_400_digits_is_no_bug_of_ours(workspace: Workspace, given: tuple[str, str]) -> None:
    done = workspace.run("fit", "table.csv", "-m", *given, DIGITS)
    assert done.code in (2, 65), done.err
    assert given[1] in done.err


def test_the_environment_is_checked_like_a_flag(workspace: Workspace) -> None:
    message = workspace.fails(2, "fit", "table.csv", "-m", "zscore", env={"NORMCLI_THREADS": "nan"})
    assert "threads" in message.lower()


@pytest.mark.parametrize("given", [("nosuch",), ("fit", "--zzz"), ("apply",), ("inspect",)])
def test_a_line_that_makes_no_sense_says_what_to_try(workspace: Workspace, given: tuple[str, ...]) -> None:
    message = workspace.fails(2, *given, stdin=TABLE)
    assert ("(there are apply, check, " if given == ("nosuch",) else f"(try normcli {given[0]} --help)") in message


def test_an_option_without_its_value_is_named(workspace: Workspace) -> None:
    assert "'-m'" in workspace.fails(2, "fit", "-m")
    assert "'-p'" in workspace.fails(2, "fit", "-m", "zscore", "-p")


def other_names(workspace: Workspace, name: str) -> list[str]:
    """Ways to write the path of a file that are not its name."""
    (workspace / "symlink").symlink_to(name)
    (workspace / "hardlink").hardlink_to(workspace / name)
    return [name, f"./{name}", str(workspace / name), "symlink", "hardlink"]


def test_the_parameters_of_a_fit_never_replace_its_input(workspace: Workspace) -> None:
    for name in other_names(workspace, "table.csv"):
        assert "INPUT" in workspace.fails(2, "fit", "table.csv", "-m", "zscore", "-p", name)


def test_nor_an_input_that_the_shell_redirects(workspace: Workspace) -> None:
    with (workspace / "table.csv").open("rb") as file:
        workspace.fails(2, "fit", "-m", "zscore", "-p", "table.csv", stdin=file)


def test_one_file_in_two_places_of_apply(workspace: Workspace) -> None:
    workspace.params()
    assert "-p" in workspace.fails(2, "apply", "table.csv")
    assert "-p" in workspace.fails(2, "apply", "p.json", "-p", "./p.json")
    assert "-p" in workspace.fails(2, "apply", "table.csv", "-p", "p.json", "-o", "./p.json")
    assert "standard input" in workspace.fails(2, "apply", "-p", "-", stdin=TABLE)
    assert "standard input" in workspace.fails(2, "apply", "-", "-p", "-", stdin=TABLE)


def test_text_over_its_own_input_only_in_place(workspace: Workspace) -> None:
    workspace.params()
    for name in other_names(workspace, "table.csv")[1:]:
        assert "--in-place" in workspace.fails(2, "apply", "table.csv", "-p", "p.json", "-o", name)
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "table.csv", "--in-place")
    assert (workspace / "table.csv").read_bytes() != TABLE


def test_text_over_its_own_redirected_input_only_in_place(workspace: Workspace) -> None:
    workspace.params()
    with (workspace / "table.csv").open("rb") as file:
        assert "--in-place" in workspace.fails(2, "apply", "-p", "p.json", "-o", "table.csv", stdin=file)


@pytest.mark.parametrize("given", [("unit",), ("minmax", "--clip"), ("decorrelate", "--components", "1")])
def test_what_can_not_be_undone(workspace: Workspace, given: tuple[str, ...]) -> None:
    workspace.params(*given)
    workspace.fails(2, "apply", "table.csv", "-p", "p.json", "--inverse", "-o", "out.csv")


# -- 65: the data, or what is asked of them ----------------------------------------------------------------------
@pytest.mark.parametrize("given", [("fit", "-m", "unit"), ("apply", "-p", "p.json")])
def test_zero_bytes(workspace: Workspace, given: tuple[str, ...]) -> None:
    workspace.params()
    (workspace / "empty.csv").touch()
    assert "empty.csv" in workspace.fails(65, *given, "empty.csv")
    assert "<stdin>" in workspace.fails(65, *given, stdin=b"")


@pytest.mark.parametrize("method", METHODS)
def test_a_header_alone_is_enough_only_to_learn_nothing(workspace: Workspace, method: str, parquet: str) -> None:
    (workspace / "header.csv").write_bytes(TABLE.split(b"\n")[0] + b"\n")
    pq.write_table(pq.read_table(workspace / parquet).slice(0, 0), workspace / "header.parquet")
    learns = registry.only("methods", method)(**dict.fromkeys(required(method), 1)).statistics
    options = needed(method)
    for name in ("header.csv", "header.parquet")[: 2 if method in ("zscore", "unit") else 1]:
        if learns:
            workspace.fails(65, "fit", name, "-m", method, *options)
        else:
            workspace.succeeds("fit", name, "-m", method, *options)


BAD = {
    "text in a number's column": (b"a,b\n" + b"1,2\n" * 2000 + b"1,two\n", "2002", "two"),
    "a short row": (b"a,b\n1,2\n3\n", "3", "1 field"),
    "a long row": (b"a,b\n1,2\n3,4,5\n", "3", "3 fields"),
    "a quote that is never closed": (b'a,b\n1,2\n"3,4\n', "3", "quote"),
    "two columns of one name": (b"a,a\n1,2\n", "1", "'a'"),
    "bytes that are no UTF-8": (b"a,b\n1,2\n3,\xff\n", "3", "UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "1", "UTF-16"),
    "a value beyond a float": (b"a,b\n1,2\n3,1e400\n", "3", "'b'"),
}


@pytest.mark.process
@pytest.mark.parametrize("what", BAD)
def test_bad_data_with_its_line(workspace: Workspace, what: str) -> None:
    data, line, word = BAD[what]
    (workspace / "bad.csv").write_bytes(data)
    message = workspace.fails(65, "fit", "bad.csv", "-m", "center", "-p", "new.json")
    assert message.startswith(f"bad.csv:{line}: ")
    assert word in message


def test_bad_data_on_a_pipe(workspace: Workspace) -> None:
    data, line, word = BAD["a quote that is never closed"]
    message = workspace.fails(65, "fit", "-m", "center", "-p", "new.json", stdin=data)
    assert message.startswith(f"<stdin>:{line}: ")
    assert word in message


def test_columns_that_are_not_there(workspace: Workspace) -> None:
    workspace.params()
    assert "'nosuch'" in workspace.fails(65, "fit", "table.csv", "-m", "zscore", "-c", "nosuch")
    assert "'site'" in workspace.fails(65, "fit", "table.csv", "-m", "zscore", "-c", "site")
    assert "'x*'" in workspace.fails(65, "fit", "table.csv", "-m", "zscore", "-c", "x*")
    (workspace / "less.csv").write_bytes(b"site,a,c\nx,1,2\n")
    message = workspace.fails(65, "apply", "less.csv", "-p", "p.json", "-o", "out.csv")
    assert "less.csv" in message
    assert "called b" in message


def test_data_unfit_for_the_method(workspace: Workspace) -> None:
    (workspace / "same.csv").write_bytes(b"a,b\n1,2\n2,4\n3,6\n")
    assert "rank" in workspace.fails(65, "fit", "same.csv", "-m", "whiten")
    (workspace / "wide.csv").write_bytes(b"a,b\n1e300,2\n-1e300,4\n3,6\n")
    assert ": a" in workspace.fails(65, "fit", "wide.csv", "-m", "zscore")
    assert "--ddof 7" in workspace.fails(65, "fit", "table.csv", "-m", "zscore", "--ddof", "7")


def test_a_result_beyond_its_type(workspace: Workspace) -> None:
    (workspace / "tiny.csv").write_bytes(b"a\n0\n1e-300\n")
    (workspace / "huge.csv").write_bytes(b"a\n1\n1e300\n")
    workspace.succeeds("fit", "tiny.csv", "-m", "maxabs", "-p", "p.json")
    message = workspace.fails(65, "apply", "huge.csv", "-p", "p.json", "-o", "out.csv")
    assert message.startswith("huge.csv:3: ")
    assert "'a'" in message


def test_damaged_parquet(workspace: Workspace, parquet: str) -> None:
    whole = (workspace / parquet).read_bytes()
    for name, data in {
        "short.parquet": whole[:-10],
        "text.parquet": TABLE,
        "nothing.parquet": b"",
    }.items():
        (workspace / name).write_bytes(data)
        assert workspace.fails(65, "fit", name, "-m", "zscore").startswith(f"{name}: ")


def test_a_flipped_byte_in_a_page_that_we_wrote(workspace: Workspace) -> None:
    values = np.random.default_rng(1).normal(size=(50_000, 2))
    pq.write_table(pa.table({"a": values[:, 0], "b": values[:, 1]}), workspace / "in.parquet")
    workspace.succeeds("fit", "in.parquet", "-m", "zscore", "-p", "p.json")
    workspace.succeeds("apply", "in.parquet", "-p", "p.json", "-o", "out.parquet")
    data = bytearray((workspace / "out.parquet").read_bytes())
    data[len(data) // 3] ^= 1
    (workspace / "out.parquet").write_bytes(data)
    assert workspace.fails(65, "fit", "out.parquet", "-m", "zscore", "-p", "new.json").startswith("out.parquet: ")


def test_parameters_that_are_not_to_be_trusted(workspace: Workspace) -> None:
    good = (workspace / workspace.params()).read_bytes()
    (workspace / "old.csv").write_bytes(b"old")
    for name, data, inside in (
        ("empty", b"", "is empty"),
        ("pickle", pickle.dumps({"format": "normcli"}), "$"),
        ("deep", b"[" * 100_000, "$"),
        ("twice", good.replace(b'"rows": 6,', b'"rows": 6, "rows": 6,'), "$"),
        ("newer", good.replace(b'"version": 1', b'"version": 2'), "$.version"),
        ("edited", good.replace(b'"offset": 0.0', b'"offset": 0.5'), "$.digest"),
        ("absurd", good.replace(b'"std": ', b'"std": -'), "$.steps[0].columns.a.std"),
        ("no root", re.sub(rb'"squares_low": [^}]*', b'"squares_low": -1e99', good), "$.steps[0].columns.a.std"),
    ):
        assert data != good
        (workspace / "bad.json").write_bytes(data)
        line = ("inspect", "bad.json") if len(name) % 2 else ("apply", "table.csv", "-p", "bad.json", "-o", "old.csv")
        assert workspace.fails(65, *line).startswith(f"bad.json: {inside}"), name


def test_allow_edited_takes_a_changed_digest_alone(workspace: Workspace) -> None:
    good = (workspace / workspace.params()).read_bytes()
    (workspace / "edited.json").write_bytes(good.replace(b'"offset": 0.0', b'"offset": 0.5'))
    workspace.succeeds("apply", "table.csv", "-p", "edited.json", "--allow-edited")
    workspace.succeeds("inspect", "edited.json", "--allow-edited")
    (workspace / "absurd.json").write_bytes(good.replace(b'"std": ', b'"std": -'))
    workspace.fails(65, "apply", "table.csv", "-p", "absurd.json", "--allow-edited")


# -- 66: no input ------------------------------------------------------------------------------------------------
INPUTS: list[tuple[str, ...]] = [
    ("fit", "-m", "zscore", "{}"),
    ("apply", "-p", "p.json", "{}"),
    ("apply", "table.csv", "-p", "{}"),
]
INPUTS += [("inspect", "{}")]


@pytest.mark.parametrize("line", INPUTS, ids=" ".join)
def test_an_input_that_is_not_there(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    (workspace / "directory").mkdir()
    (workspace / "dangling").symlink_to("nosuch")
    (workspace / "loop").symlink_to("loop")
    for name in ("nosuch", "directory", "dangling", "loop", "x" * 300) if "fit" in line else ("nosuch", "table.csv/x"):
        assert workspace.fails(66, *(w.format(name) for w in line)).startswith(f"{name}: ")
    assert "standard input" in workspace.fails(66, *(w.format("-") for w in line), via='exec "$@" <&-')


@pytest.mark.parametrize("line", INPUTS, ids=" ".join)
def test_an_input_that_may_not_be_read(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    (workspace / "secret").write_bytes(TABLE)
    (workspace / "secret").chmod(0)
    via = permissions_bind()
    try:
        code = workspace.run(*(w.format("secret") for w in line), via=via)
    finally:
        (workspace / "secret").chmod(0o600)
    assert (code.code, len(code.errors)) == (66, 1), code.err


# -- 70: a bug of ours, or a broken installation -----------------------------------------------------------------
@pytest.fixture
def breaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for modules that come before the real ones."""
    return tmp_path_factory.mktemp("broken")


@pytest.mark.parametrize("module", ["numpy", "polars", "click"])
def test_a_library_that_can_not_be_imported(workspace: Workspace, breaking: Path, module: str) -> None:
    (breaking / f"{module}.py").write_text("raise ImportError('broken\\nin two')")
    env = {"PYTHONPATH": str(breaking), "NORMCLI_KERNEL": "off"}  # with which plain text needs no polars
    message = workspace.fails(70, "fit", "table.csv", "-m", "zscore", "-p", "p.json", env=env)
    assert "ImportError: broken" in message
    assert "in two" in message


def test_debug_shows_where(workspace: Workspace, breaking: Path) -> None:
    (breaking / "numpy.py").write_text("raise ImportError('broken')")
    for debug in ({}, {"NORMCLI_DEBUG": ""}):
        env = {"PYTHONPATH": str(breaking)} | debug
        workspace.fails(70, "fit", "table.csv", "-m", "zscore", env=env)
    env = {"PYTHONPATH": str(breaking), "NORMCLI_DEBUG": "1"}
    done = workspace.run("fit", "table.csv", "-m", "zscore", env=env, polite=False)
    assert done.code == 70
    assert "Traceback" in done.err
    assert "numpy.py" in done.err
    assert done.lines[-1] == done.errors[0]


def test_debug_shows_where_for_other_errors(workspace: Workspace) -> None:
    done = workspace.run("fit", "nosuch.csv", "-m", "zscore", env={"NORMCLI_DEBUG": "1"}, polite=False)
    assert done.code == 66
    assert "Traceback" in done.err


@pytest.mark.parametrize("what", ["broken \\udcff", "broken \\x1b[31m"])
def test_whatever_the_import_of_click_says(workspace: Workspace, breaking: Path, what: str) -> None:
    """The last resort must not fail itself."""
    (breaking / "click.py").write_text(f"raise ImportError('{what}')")
    assert "broken" in workspace.fails(70, "--help", env={"PYTHONPATH": str(breaking)})


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_a_broken_installation_without_standard_error(workspace: Workspace, breaking: Path, where: str) -> None:
    (breaking / "click.py").write_text("raise ImportError('broken')")
    assert workspace.run("--help", env={"PYTHONPATH": str(breaking)}, via=f'exec "$@" {where}').code == 70


def test_help_needs_no_library(workspace: Workspace, breaking: Path) -> None:
    for module in ("numpy", "polars", "pyarrow", "msgspec", "rich"):
        (breaking / f"{module}.py").write_text("raise ImportError('broken')")
    workspace.succeeds("--help", env={"PYTHONPATH": str(breaking)})
    workspace.succeeds("--version", env={"PYTHONPATH": str(breaking)})


# -- 73: the output can't be created -----------------------------------------------------------------------------
OUTPUTS = [("fit", "{}", "-m", "zscore", "-p"), ("apply", "{}", "-p", "p.json", "-o")]


@pytest.mark.parametrize("line", OUTPUTS, ids=["fit", "apply"])
def test_an_output_that_can_not_be(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    (workspace / "directory").mkdir()
    (workspace / "loop").symlink_to("loop")
    (workspace / "astray").symlink_to("nosuch/x.csv")
    for name in ("nosuch/x.csv", "directory", "loop") if "fit" in line else ("table.csv/x.csv", "astray", "x" * 300):
        assert name in workspace.fails(73, *(w.format("nosuch.csv") for w in line), name)  # before any data is read


@pytest.mark.parametrize("line", OUTPUTS, ids=["fit", "apply"])
def test_a_name_that_ends_in_a_slash_is_a_directory(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    workspace.run(*(w.format("table.csv") for w in line), "new/")
    assert not (workspace / "new").is_file()


@pytest.mark.parametrize("line", OUTPUTS, ids=["fit", "apply"])
def test_an_output_without_a_name(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    done = workspace.run(*(w.format("nosuch.csv") for w in line), "")
    assert done.code in (2, 73), done.err


@pytest.mark.parametrize("line", OUTPUTS, ids=["fit", "apply"])
def test_a_directory_that_can_not_be_written(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    (workspace / "closed").mkdir()
    (workspace / "closed" / "old").write_bytes(b"old")
    (workspace / "closed").chmod(0o555)
    via = permissions_bind()
    try:
        for name in ("closed/new", "closed/old"):
            assert name in workspace.fails(73, *(w.format("nosuch.csv") for w in line), name, via=via)
    finally:
        (workspace / "closed").chmod(0o755)


@pytest.mark.parametrize("line", OUTPUTS, ids=["fit", "apply"])
def test_a_file_that_is_read_only_stays(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    (workspace / "kept").write_bytes(b"old")
    (workspace / "kept").chmod(0o444)
    assert "kept" in workspace.fails(73, *(w.format("table.csv") for w in line), "kept", via=permissions_bind())


# -- 74: input or output failed ----------------------------------------------------------------------------------
LINES = {
    "fit": ("fit", "table.csv", "-m", "zscore"),
    "apply": ("apply", "table.csv", "-p", "p.json"),
    "apply to parquet": ("apply", "table.csv", "-p", "p.json", "--to", "parquet"),
    "apply --dry-run": ("apply", "table.csv", "-p", "p.json", "--dry-run"),
    "check": ("check", "table.csv", "-p", "p.json"),
    "check --json": ("check", "table.csv", "-p", "p.json", "--json"),
    "inspect": ("inspect", "p.json"),
    "inspect --json-schema": ("inspect", "--json-schema"),
    "methods": ("methods",),
    "methods zscore": ("methods", "zscore"),
    "--help": ("--help",),
    "fit --help": ("fit", "--help"),
    "--version": ("--version",),
    "": (),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_standard_output_that_fails(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    with open("/dev/full", "wb", buffering=0) as full:
        error = workspace.fails(74, *line, stdout=full)
        assert error.startswith("<stdout>: writing failed: No space left on device (make room")


@pytest.mark.parametrize(
    "name", ["apply", "--help", *longer("apply to parquet", "inspect", "methods", "methods zscore", "fit --help")]
)
def test_standard_output_that_is_closed(workspace: Workspace, name: str) -> None:
    workspace.params()
    workspace.fails(74, *LINES[name], via='exec "$@" >&-')


@pytest.mark.parametrize("line", [("fit", "-m", "zscore", "-p"), ("apply", "-p", "p.json", "-o")], ids=["fit", "apply"])
def test_a_full_device_as_output(workspace: Workspace, line: tuple[str, ...]) -> None:
    workspace.params()
    assert "/dev/full: " in workspace.fails(74, *line, "/dev/full", stdin=TABLE)


def test_a_limit_on_the_size_of_files(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "old.csv").write_bytes(b"old")
    (workspace / "big.csv").write_bytes(TABLE + TABLE.split(b"\n", 1)[1] * 20_000)
    for target in ("new.csv", "old.csv", "new.parquet"):
        message = workspace.fails(74, "apply", "big.csv", "-p", "p.json", "-o", target, via='ulimit -f 8; exec "$@"')
        assert message.startswith(f"{target}: ")
    workspace.fails(74, "fit", "table.csv", "-m", "zscore", "-p", "new.json", via='ulimit -f 1; exec "$@"')


def test_a_spool_that_is_full(workspace: Workspace, parquet: str) -> None:
    big = pa.table({"a": np.random.default_rng(1).normal(size=1_000_000)})
    pq.write_table(big, workspace / "big.parquet")
    via = 'ulimit -f 512; cat big.parquet | "$@"'
    assert "TMPDIR" in workspace.fails(74, "fit", "-m", "zscore", "-p", "new.json", via=via)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="can't mount here")
def test_a_disk_that_is_full(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "disk").mkdir()
    (workspace / "big.csv").write_bytes(TABLE + TABLE.split(b"\n", 1)[1] * 20_000)
    mounted = "mount -t tmpfs -o size=256k tmpfs disk || exit 9\necho old >disk/out.csv\n"
    (workspace / "within").write_text(mounted + '"$@"\ncode=$?\nls -A disk\nexit $code\n')
    via = 'exec unshare -m sh within "$@"'
    done = workspace.run("apply", "big.csv", "-p", "p.json", "-o", "disk/out.csv", via=via, polite=False)
    if done.code == 9:
        pytest.skip("can't mount here")
    assert done.code == 74
    assert "disk/out.csv: " in done.errors[0]
    assert done.out == b"out.csv\n"


def test_closed_descriptors_that_nobody_needs(workspace: Workspace) -> None:
    workspace.params()
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "new.json", via='exec "$@" <&- >&-')
    done = workspace.run("apply", "table.csv", "-p", "p.json", "-o", "out.csv", via='exec "$@" <&- >&- 2>&-')
    assert (done.code, done.err) == (0, "")
    assert (workspace / "new.json").read_bytes() == (workspace / "p.json").read_bytes()
    assert (workspace / "out.csv").read_bytes().count(b"\n") == TABLE.count(b"\n")


def test_an_error_that_can_not_be_told_keeps_its_code(workspace: Workspace) -> None:
    for where in ("2>/dev/full", "2>&-"):
        assert workspace.run("fit", "nosuch.csv", "-m", "zscore", via=f'exec "$@" {where}').code == 66
