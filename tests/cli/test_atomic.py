"""A file target is absent or what it was until all is well; what can't be taken back ends where it failed."""

import io
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import PATIENCE, TABLE, Arg, Workspace

pytestmark = pytest.mark.process  # what is left when a process has ended

HEADER, ROWS = TABLE.split(b"\n", 1)
LATE = HEADER + b"\n" + ROWS * 120_000 + b"bad,1,x,2\n" + ROWS  # in the second block


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 MB of rows, with a bad one late."""
    path = tmp_path_factory.mktemp("late") / "late.csv"
    path.write_bytes(LATE)
    return path


@pytest.fixture(scope="module")
def late_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400,000 rows, with an infinite value late."""
    values = np.random.default_rng(1).normal(size=(3, 400_000))
    values[1, -5] = np.inf
    path = tmp_path_factory.mktemp("late") / "late.parquet"
    pq.write_table(pa.table(dict(zip("abc", values, strict=True))), path, row_group_size=50_000)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def reading(path: Path) -> tuple[threading.Thread, list[bytes]]:
    """Somebody at the other end of a named pipe."""
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.append(path.read_bytes()), daemon=True)
    reader.start()
    return reader, seen


# -- files -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["new.csv", "link.csv", "old.parquet"])
def test_bad_data_late_leaves_the_target_as_it_was(workspace: Workspace, late: Path, name: str) -> None:
    workspace.params()
    for old in ("old.csv", "old.parquet"):
        (workspace / old).write_bytes(b"old")
    (workspace / "link.csv").symlink_to("old.csv")
    line = LATE[: LATE.index(b"bad,")].count(b"\n") + 1
    message = workspace.fails(65, "apply", late, "-p", "p.json", "-o", name)
    assert f"late.csv:{line}: 'x' in column 'b'" in message


def test_so_do_bad_data_in_parquet(workspace: Workspace, late_parquet: Path) -> None:
    workspace.params()
    (workspace / "old.parquet").write_bytes(b"old")
    message = workspace.fails(65, "apply", late_parquet, "-p", "p.json", "-o", "old.parquet")
    assert "row 399996" in message.replace(",", "")
    assert "'b'" in message
    workspace.fails(65, "fit", late_parquet, "-m", "zscore", "-p", "old.parquet")


def test_a_mode_that_was_there_stays(workspace: Workspace, parquet: str) -> None:
    for name in ("p.json", "out.csv", "out.parquet"):
        (workspace / name).touch()
        (workspace / name).chmod(0o640)
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json")
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out.csv")
    workspace.succeeds("apply", parquet, "-p", "p.json", "-o", "out.parquet")
    assert [mode(workspace / n) for n in ("p.json", "out.csv", "out.parquet")] == [0o640] * 3


@pytest.mark.parametrize("mask", [0o077, 0o002])
def test_a_new_file_has_what_the_umask_leaves(workspace: Workspace, mask: int) -> None:
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "new.json", via=f'umask {mask:04o}; exec "$@"')
    assert mode(workspace / "new.json") == 0o666 & ~mask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_owner_that_was_there_stays(workspace: Workspace) -> None:
    (workspace / "p.json").touch()
    os.chown(workspace / "p.json", 1234, 5678)
    workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json")
    status = (workspace / "p.json").stat()
    assert (status.st_uid, status.st_gid) == (1234, 5678)


def test_symlinks_are_followed(workspace: Workspace) -> None:
    """The temporary file is made where the target is: a rename does not leave a file system."""
    workspace.params()
    (workspace / "there").mkdir()
    (workspace / "there" / "out.csv").write_bytes(b"old")
    (workspace / "link.csv").symlink_to("there/out.csv")
    (workspace / "link of link.csv").symlink_to("link.csv")
    (workspace / "dangling.csv").symlink_to("there/new.csv")
    inode = (workspace / "there" / "out.csv").stat().st_ino
    for name, target in (("link of link.csv", "out.csv"), ("dangling.csv", "new.csv")):
        workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", name)
        assert (workspace / name).is_symlink()
        assert (workspace / "there" / target).read_bytes().count(b"\n") == TABLE.count(b"\n")
    assert (workspace / "link.csv").is_symlink()
    assert (workspace / "there" / "out.csv").stat().st_ino != inode  # replaced, never written into


def test_a_reader_of_the_old_file_sees_the_old_file(workspace: Workspace) -> None:
    workspace.params()
    (workspace / "out.csv").write_bytes(b"old")
    with (workspace / "out.csv").open("rb") as file:
        workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "out.csv")
        assert file.read() == b"old"


def test_equal_runs_write_equal_bytes(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    for name in ("1.parquet", "2.parquet"):
        workspace.succeeds("apply", parquet, "-p", "p.json", "-o", name)
    assert (workspace / "1.parquet").read_bytes() == (workspace / "2.parquet").read_bytes()


def test_in_place_is_atomic(workspace: Workspace) -> None:
    workspace.params()
    bad = TABLE + b"bad,1,x,2\n"
    (workspace / "table.csv").write_bytes(bad)
    workspace.fails(65, "apply", "table.csv", "-p", "p.json", "-o", "table.csv", "--in-place")


def test_parquet_over_itself_once(workspace: Workspace, parquet: str) -> None:
    """Binary data say that they were normalized, so that no flag is needed."""
    workspace.params()
    workspace.succeeds("apply", parquet, "-p", "p.json", "-o", parquet)
    assert "already" in workspace.fails(65, "apply", parquet, "-p", "p.json", "-o", parquet)
    workspace.succeeds("apply", parquet, "-p", "p.json", "-o", parquet, "--inverse")
    assert pq.read_table(workspace / parquet)["a"].to_pylist() == [1, 2, 4, 8, 16, 3]


# -- what is no regular file -------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", [("fit", "-m", "zscore", "-p"), ("apply", "-p", "p.json", "-o")], ids=["fit", "apply"])
def test_devices_and_descriptors_are_written_directly(workspace: Workspace, line: tuple[Arg, ...]) -> None:
    workspace.params()
    plain = workspace.succeeds(*line, "-", stdin=TABLE).out
    assert plain.count(b"\n") > 5
    device = os.stat(os.devnull).st_rdev
    assert workspace.succeeds(*line, os.devnull, stdin=TABLE).out == b""
    assert os.stat(os.devnull).st_rdev == device
    assert workspace.succeeds(*line, "/dev/fd/3", stdin=TABLE, via='exec "$@" 3>&1').out == plain
    assert sorted(p.name for p in workspace.path.iterdir()) == ["p.json", "table.csv"]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/3", "/dev/stderr"])
def test_a_file_behind_a_descriptor_is_written_where_it_stands(workspace: Workspace, name: str) -> None:
    """What a shell has opened must not be another file afterwards."""
    workspace.params()
    with (workspace / "out.csv").open("wb") as file:
        inode = os.fstat(file.fileno()).st_ino
        file.write(b"before\n")
    via = {"/dev/stdout": "", "/dev/fd/3": "3>>out.csv", "/dev/stderr": "2>>out.csv"}[name]
    with (workspace / "out.csv").open("ab") as file:
        workspace.run("apply", "table.csv", "-p", "p.json", "-o", name, stdout=file, via=f'exec "$@" {via}')
    assert (workspace / "out.csv").stat().st_ino == inode
    assert (workspace / "out.csv").read_bytes().startswith(b"before\n" + HEADER + b"\nnorth,")


def test_a_named_pipe_is_written_directly(workspace: Workspace) -> None:
    workspace.params()
    os.mkfifo(workspace / "fifo")
    reader, seen = reading(workspace / "fifo")
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "-o", "fifo")
    reader.join(PATIENCE)
    assert seen[0].startswith(HEADER + b"\nnorth,")
    assert (workspace / "fifo").is_fifo()


# -- what can't be taken back ------------------------------------------------------------------------------------
def test_text_on_a_pipe_ends_after_a_whole_row(workspace: Workspace, late: Path) -> None:
    workspace.params()
    done = workspace.run("apply", late, "-p", "p.json")
    assert (done.code, len(done.errors)) == (65, 1)
    lines = done.out.split(b"\n")
    assert 1 < len(lines) < LATE.count(b"\n")
    assert lines[0] == HEADER
    assert lines[-1] == b""
    assert all(line.count(b",") == 3 for line in lines[:-1])


@pytest.mark.parametrize("where", ["pipe", "fifo"])
@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_parquet_on_a_pipe_that_fails_half_way_is_no_parquet(
    workspace: Workspace, late: Path, late_parquet: Path, source: str, where: str
) -> None:
    workspace.params()
    line: tuple[Arg, ...] = ("apply", late if source == "csv" else late_parquet, "-p", "p.json", "--to", "parquet")
    if where == "fifo":
        os.mkfifo(workspace / "fifo")
        reader, seen = reading(workspace / "fifo")
        done = workspace.run(*line, "-o", "fifo")
        reader.join(PATIENCE)
        data = seen[0]
    else:
        done = workspace.run(*line)
        data = done.out
    assert (done.code, len(done.errors)) == (65, 1), done.err
    assert data.startswith(b"PAR1")
    assert not data.endswith(b"PAR1")
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(io.BytesIO(data))


def test_a_warning_as_an_error_leaves_no_footer_either(workspace: Workspace) -> None:
    workspace.params("decorrelate")
    (workspace / "gaps.csv").write_bytes(TABLE.replace(b"4,", b","))
    done = workspace.run("apply", "gaps.csv", "-p", "p.json", "--to", "parquet", "--werror")
    assert (done.code, len(done.warnings)) == (65, 1)
    assert done.out.startswith(b"PAR1")
    assert not done.out.endswith(b"PAR1")


def test_parquet_on_a_pipe_that_is_well_is_whole(workspace: Workspace, parquet: str) -> None:
    workspace.params()
    workspace.succeeds("apply", parquet, "-p", "p.json", "-o", "out.parquet")
    assert (
        workspace.succeeds("apply", parquet, "-p", "p.json", "--to", "parquet").out
        == (workspace / "out.parquet").read_bytes()
    )
