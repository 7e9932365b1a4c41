"""The same from outside, by strace, in processes of their own: also what libraries ask of the system themselves."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import run
from tests.robustness.laws import Tally
from tests.robustness.scenarios import OLD

WORDS = ("fit", "table.parquet", "-m", "zscore", "-p", "new.json", "-o", "out.parquet")
MOST = 40  # calls; by then, any command has succeeded


def can_trace() -> bool:
    line = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"]
    return shutil.which("strace") is not None and subprocess.run(line, check=False).returncode == 0


@pytest.mark.soak
@pytest.mark.parametrize(
    ("call", "only", "code"),
    [("fsync", "", 74), ("rename", "", 73), ("pwrite64", "", 74), ("pread64", "table.parquet", 74)],
)
def test_each_call_fails_once(call: str, only: str, code: int, template: Path, tmp_path: Path, tally: Tally) -> None:
    if not can_trace():
        pytest.skip("strace is not here, or may not trace")
    for nth in range(1, MOST):
        folder = tmp_path / str(nth)
        shutil.copytree(template, folder)
        for name in ("new.json", "out.parquet"):
            (folder / name).write_bytes(OLD)
        path = f"-P {(folder / only).resolve()}" if only else ""
        via = f'exec strace -f -qq -o /dev/null {path} -e trace={call} -e inject={call}:error=EIO:when={nth} "$@"'
        done = run(*WORDS, cwd=folder, via=via)
        left = list(folder.rglob(".normcli-*"))
        old = [(folder / name).read_bytes() == OLD for name in ("new.json", "out.parquet")]
        if done.code == 0:
            tally.count(f"{call} fails (strace)", well=True, broken=bool(left) or any(old))
            assert (left, old) == ([], [False, False])
            return
        allowed = [[True, True]]  # what is old still; after a rename, what follows it
        allowed += [[False, True]] if call in ("rename", "fsync") else []
        allowed += [[False, False]] if "is complete, but" in done.err else []
        broken = done.code not in (code, 74) or len(done.errors) != 1 or bool(left) or old not in allowed
        tally.count(f"{call} fails (strace)", well=False, broken=broken)
        assert not broken, (nth, done.code, done.err, left, old)
    pytest.fail("it never succeeded")
