"""What a run may use of memory, and that it changes no byte: whatever the machine that the tests run on has."""

import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import registry
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import BadDataError, BadParametersError, Scarce, ShortageError, UsageError, lacking
from normcli.io.sources import Source
from normcli.methods import Method
from normcli.methods.quantile import Quantile
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters, Step
from normcli.parameters import file as params
from normcli.pipeline import memory
from normcli.pipeline.memory import available, largest_file, state, window
from normcli.stats import Statistic
from tests import inside
from tests.cli.conftest import Workspace, workspace

__all__ = ["workspace"]

GB = 10**9
MACHINE = 64 * GB


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """One with so many bytes, and a process with no limits of its own; a function that sets them."""

    def limited(kind: int = -1, count: int = 0) -> None:
        given = {kind: count}
        monkeypatch.setattr(resource, "getrlimit", lambda k: (given.get(k, resource.RLIM_INFINITY),) * 2)

    monkeypatch.setattr("os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else MACHINE // 4096)
    monkeypatch.setattr(memory, "mapped", lambda: dict.fromkeys(memory.COUNTED, GB // 2))
    limited()
    available.cache_clear()
    yield limited
    available.cache_clear()


def plan(method: Method, columns: int) -> Parameters:
    names = tuple(f"x{j}" for j in range(columns))
    return Parameters((Step(method, names),), tuple(Field(n, "float64") for n in names))


# -- what there is -----------------------------------------------------------------------------------------------
V2, V1 = "0::{}\n", "12:cpu:/elsewhere\n7:memory:{}\n0::/\n"
PLACES = {
    "none": ("", {}, MACHINE),
    "no limit": (V2.format("/a"), {"a/memory.max": "max"}, MACHINE),
    "its own": (V2.format("/a"), {"a/memory.max": "5000000000"}, 5 * GB),
    "that of one around it": (V2.format("/a/b"), {"a/b/memory.max": f"{9 * GB}", "a/memory.max": f"{4 * GB}"}, 4 * GB),
    "of a container": (V2.format("/"), {"memory.max": "3000000000"}, 3 * GB),
    "of a container, told from outside": (V2.format("/docker/7"), {"memory.max": "3000000000"}, 3 * GB),
    "more than there is": (V2.format("/a"), {"a/memory.max": "99000000000"}, MACHINE),
    "version 1": (V1.format("/a"), {"memory/a/memory.limit_in_bytes": "2000000000"}, 2 * GB),
    "version 1, of a container": (V1.format("/docker/7"), {"memory/memory.limit_in_bytes": "2000000000"}, 2 * GB),
    "version 1, no limit": (V1.format("/a"), {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, MACHINE),
    "nonsense": (V2.format("/a"), {"a/memory.max": "lots"}, MACHINE),
}  # fmt: skip


@pytest.mark.parametrize("what", PLACES)
def test_the_least_limit_of_the_cgroups_holds(what: str, tmp_path: Path) -> None:
    lines, files, expected = PLACES[what]
    for name, text in {"proc/self/cgroup": lines, **{f"sys/fs/cgroup/{k}": v for k, v in files.items()}}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available(tmp_path) == expected


@pytest.mark.parametrize("kind", [resource.RLIMIT_AS, resource.RLIMIT_DATA])
def test_the_limits_of_the_process_hold(
    kind: int, machine: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less what is mapped already, which they count as well, and the stacks of threads."""
    limit, wanted, stack = 2 * GB, plan(ZScore(), 4), 2 << 20
    monkeypatch.setattr(threading, "stack_size", lambda: stack)
    machine(kind, limit)
    assert memory.room(None) == memory.BASE + int(0.8 * 1.5 * GB)
    assert memory.room(8 * GB) == memory.room(None)
    assert memory.room(300_000_000) == 300_000_000
    assert memory.of_blocks(wanted, 300_000_000, 3) == 300_000_000 - memory.BASE - 8 * state(wanted)
    assert memory.of_blocks(wanted, None, 3) == memory.room(None) - memory.BASE - 8 * state(wanted) - 3 * stack
    machine(kind, 2 * MACHINE)
    assert memory.room(None) == int(0.8 * available(tmp_path))
    assert not isinstance(memory.of_blocks(wanted, None, 3), Scarce)


def test_what_a_limit_leaves_no_room_for_is_no_fault_of_usage_nor_data(machine: Callable[..., None]) -> None:
    machine(resource.RLIMIT_AS, GB // 2)
    for wanted in (plan(ZScore(), 4), plan(Whiten(), 2000)):
        with pytest.raises(ShortageError, match="columns need about"):
            window(wanted, None, 4)
    room = memory.of_input(None)
    assert isinstance(lacking(room, ""), ShortageError)
    assert isinstance(lacking(memory.largest_file(None), ""), ShortageError)
    assert isinstance(lacking(memory.of_input(200_000_000) // 1, ""), BadDataError)


# -- what is needed ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", registry.names("stats"))
def test_a_state_is_no_larger_than_it_was_said_to_be(name: str) -> None:
    """Whatever the columns and rows."""
    blank: Statistic = registry.only("stats", name)()
    for rows, columns in ((0, 1), (7, 3), (5000, 2), (20_000, 1)):
        seen = blank.of(Block.of(np.random.default_rng(1).normal(size=(rows, columns))))
        both = seen.merge(seen)
        for s in (seen, both):
            assert sum(getattr(s, field).nbytes for field in s.axes()) <= blank.bytes_of(columns)


def test_a_matrix_grows_with_the_square_of_the_columns_and_a_sketch_does_not() -> None:
    assert state(plan(Whiten(), 2000)) > 3.9 * state(plan(Whiten(), 1000))
    assert state(plan(Quantile(), 2000)) < 2.1 * state(plan(Quantile(), 1000))
    assert state(plan(ZScore(), 50_000)) < 10_000_000


def test_more_memory_never_makes_fewer_blocks() -> None:
    for method, columns in ((ZScore(), 4), (ZScore(), 20_000), (Whiten(), 500), (Quantile(), 1000)):
        wanted = plan(method, columns)
        there = [_window(wanted, limit) for limit in range(100_000_000, 6 * GB, 200_000_000)]
        assert there == sorted(there)
        assert there[-1] == 4
        assert there[0] == 0


def _window(wanted: Parameters, limit: int) -> int:
    """0 where it is refused."""
    try:
        return window(wanted, limit, 4)
    except UsageError:
        return 0


@pytest.mark.parametrize("limit", [None, 20 * GB])
def test_what_can_not_fit_is_told_how_much_it_needs(limit: int | None) -> None:
    with pytest.raises(UsageError, match=r"50,000 columns need about \d+\.\d GB of memory, .*20\.0 GB a matrix") as e:
        window(plan(Whiten(), 50_000), limit, 4)
    assert "--max-memory" in e.value.hint
    assert window(plan(ZScore(), 50_000), limit, 4) == 4


def test_it_is_refused_before_anything_is_read(workspace: Workspace) -> None:
    pq.write_table(
        pa.table({f"x{j}": [1.0, 2.0] for j in range(3000)}), workspace / "wide.parquet", write_statistics=False
    )
    damaged = (workspace / "wide.parquet").read_bytes()
    (workspace / "wide.parquet").write_bytes(damaged[:4] + b"\xff" * 50_000 + damaged[50_004:])
    line = ("fit", "wide.parquet", "-m", "whiten", "-p", "p.json", "--max-memory")
    error = workspace.fails(2, *line, "1G")
    assert error.startswith("3,000 columns need about 1.")
    assert "GB of memory, and there are 1.0 GB to use" in error
    workspace.fails(65, *line, "2G")


def test_keys_that_do_not_fit_together_are_told_and_not_tried(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    """How many there are is known when all were read; a sketch of all rows makes those of keys as long as itself."""
    rows = "".join(f"k{i},{i * i % 997}\n" for i in range(5000))
    (workspace / "k.csv").write_text("k,x\n" + rows)
    line = ("fit", workspace / "k.csv", "--by", "k", "-p", workspace / "p.json", "--min-rows", "5000")
    monkeypatch.setattr(memory, "room", lambda max_memory: 300_000_000)
    with pytest.raises(BadDataError, match=r"5,000 keys of k need about \d+\.\d MB of memory, and there are 300\.0 MB"):
        inside.run(*line, "-m", "robust")
    inside.run(*line, "-m", "zscore")


# -- parameter files ---------------------------------------------------------------------------------------------
def test_a_parameter_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "p.json").open("wb") as file:
        file.truncate(5 * GB)
    monkeypatch.setattr(Source, "read", lambda *_: pytest.fail("it was read"))
    for largest, error in ((GB, UsageError), (Scarce(GB), ShortageError), (params.LARGEST, BadParametersError)):
        with pytest.raises(error, match=r"p\.json: .*is larger than "):
            params.read_file(str(tmp_path / "p.json"), example="", largest=largest)


def test_a_parameter_file_without_end_is_read_as_far_as_there_is_memory(workspace: Workspace) -> None:
    line = ("apply", "table.csv", "-p", "/dev/zero", "--max-memory", "200M")
    assert workspace.fails(2, *line).startswith("/dev/zero: is larger than 14.")
    (workspace / "p.json").write_bytes(b" " * 20_000_000 + (workspace / workspace.params(name="q.json")).read_bytes())
    assert "--max-memory" in workspace.fails(2, "apply", "table.csv", "-p", "p.json", "--max-memory", "200M")
    workspace.succeeds("apply", "table.csv", "-p", "p.json", "--max-memory", "900M")


@pytest.mark.parametrize("limit", ["1k", "10M", "119M", "121M", "160M"])
def test_every_command_says_what_the_columns_need_under_too_small_a_limit(workspace: Workspace, limit: str) -> None:
    workspace.params(name="p.json")
    for line in (
        ("fit", "table.csv", "-m", "zscore", "-c", "a,b", "-p", "new.json"),
        ("fit", "table.csv", "--update", "-p", "p.json"),
        ("apply", "table.csv", "-p", "p.json"),
        ("check", "table.csv", "-p", "p.json"),
        ("describe", "table.csv"),
    ):
        error = workspace.fails(2, *line, "--max-memory", limit)
        assert "columns need about" in error
        assert error == workspace.fails(2, *line, env={"NORMCLI_MAX_MEMORY": limit})


def test_a_file_of_5000_whitened_columns_can_be_read() -> None:
    """65 bytes for each pair of them."""
    assert largest_file(9 * GB) > 65 * 5000**2
    assert params.LARGEST > 65 * 5000**2


# -- no byte of a result -----------------------------------------------------------------------------------------
def results(workspace: Workspace, data: str, method: Sequence[str], *limit: str) -> tuple[bytes, bytes]:
    """What fit -o makes with so much memory."""
    done = workspace.succeeds("fit", data, *method, "-p", "p.json", "-o", "out.csv", "-v", "--threads", "3", *limit)
    assert ("1 block of" in done.err) is bool(limit)
    return (workspace / "p.json").read_bytes(), (workspace / "out.csv").read_bytes()


def test_less_memory_changes_how_many_blocks_there_are_at_once_and_no_byte(workspace: Workspace) -> None:
    rows = "".join(f"{i},{(i * i) % 1009 / 7},t{i}{'x' * 300}\n" for i in range(9_000))
    (workspace / "long.csv").write_text("a,b,c\n" + 9 * rows)  # more than three blocks
    method = ("-m", "robust")  # whose sketches are others where the blocks are
    assert results(workspace, "long.csv", method) == results(workspace, "long.csv", method, "--max-memory", "190M")


def test_it_is_told_what_there_is(workspace: Workspace) -> None:
    done = workspace.succeeds("fit", "table.csv", "-m", "zscore", "-p", "p.json", "-v", "--max-memory", "500M")
    assert "4 blocks of 42.0 MB at once, 500.0 MB of memory" in done.err
    assert memory.block(plan(ZScore(), 3)) < 42_000_000
