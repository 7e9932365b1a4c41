"""What whole processes have in memory at most, by what the system counts: no more than --max-memory leaves for data.

How much of the libraries' files is counted depends on how the system has cached them: 100 or 140 MB for the same run.
So what the same command takes for a few rows is taken off, and off the limit what normcli counts for the libraries.
"""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from normcli.pipeline.memory import BASE
from tests.conftest import longer

ROOT = Path(__file__).parents[1]
LAUNCH = ROOT / "tests" / "benchmarks" / "launch.py"
MB = 10**6
PENGUINS = (ROOT / "sample_data" / "penguins.csv").read_text().split("\n", 1)

Row = Callable[[random.Random], str]
SHAPES: dict[str, tuple[str, Row, int]] = {  # of narrow rows: a header, a row, and MB of memory
    "penguins.csv": (PENGUINS[0], lambda rng: PENGUINS[1][:-1], 200),
    "missing.csv": ("a,b,c,d\n1,2,3,4", lambda rng: "NA,NA,NA,NA", 200),
    "digits.csv": ("a,b,c,d", lambda rng: ",".join(str(rng.randrange(10)) for _ in range(4)), 200),
    "texts.csv": ("x,b,c,d,e,f,g,h", lambda rng: f"{rng.randrange(10)},p,q,r,s,t,u,v", 200),
    "quoted.csv": ("x,t,u", lambda rng: f'{rng.randrange(10)},"a ""b"", c","d"', 200),
    "weights.csv": ("w,x,y", lambda rng: f"{rng.randrange(1, 5)},{rng.randrange(100)},7", 200),
    "digits.ndjson": ('{"a":1}', lambda rng: f'{{"a":{rng.randrange(10)}}}', 200),
    "texts.ndjson": ('{"a":1,"b":"p","c":"q"}', lambda rng: f'{{"a":{rng.randrange(10)},"b":"p","c":"q"}}', 200),
    "keys.csv": ("k,x,y", lambda rng: f"k{rng.randrange(50)},{rng.randrange(100)},{rng.randrange(100)}", 280),
}
OPTIONS = {"keys.csv": ("--by", "k"), "weights.csv": ("--weights", "w")}


def peak(folder: Path, *words: str) -> float:
    """MB that a run had at most."""
    command = [sys.executable, "-m", "normcli", *words]
    subprocess.run([sys.executable, LAUNCH, "peak", *command], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    _, _, most, code = (folder / "peak").read_text().split()
    assert float(code) == 0, words
    return float(most) / MB


@pytest.mark.parametrize("name", ["penguins.csv", *longer(*(n for n in SHAPES if n != "penguins.csv"))])
def test_a_run_has_no_more_in_memory_than_it_may(name: str, tmp_path: Path) -> None:
    """Three blocks of each: a first one takes what is taken once, the next ones what was not given back."""
    header, row, limit = SHAPES[name]
    rng = random.Random(1)
    rows = "".join(row(rng) + "\n" for _ in range(1000))
    data = f"{header}\n" + rows * (24 * MB // len(rows))
    end, most = Path(name).suffix, ("--max-memory", f"{limit}M")
    runs = (
        ("fit", name, "-m", "zscore", "-p", "p.json", "-o", f"z{end}", *OPTIONS.get(name, ())),
        ("apply", name, "-p", "p.json", "-o", f"z{end}"),
        ("fit", name, "-m", "zscore", "-p", "p.json", *OPTIONS.get(name, ())),
        ("apply", f"z{end}", "-p", "p.json", "-o", f"back{end}", "--inverse"),
    )
    short = runs[:2] if name == "penguins.csv" else runs
    peaks = []
    for text in (data[: len(header) + len(rows) // 10], data):
        (tmp_path / name).write_text(text[: text.rindex("\n") + 1])
        peaks.append([peak(tmp_path, *run, *most) for run in short])
    growth = {" ".join(run[:2]): large - small for run, small, large in zip(short, *peaks, strict=True)}
    assert max(growth.values()) <= limit - BASE / MB, growth


BATCHES = """
import sys
import normcli, numpy as np

def batches(count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.standard_normal((50_000, 20))

count = int(sys.argv[1])
params = normcli.fit(batches(count), "zscore", threads=2)
assert params.rows == 50_000 * count
rows = sum(len(batch) for batch in normcli.apply(params, batches(count), threads=2))
assert rows == params.rows
"""


@pytest.mark.parametrize("count", longer(250))
def test_a_generator_of_batches_is_fitted_and_applied_in_flat_memory(count: int, tmp_path: Path) -> None:
    """2 GB in batches of 8 MB, against a few of them."""
    peaks = []
    for number in (40, count):
        command = [sys.executable, "-c", BATCHES, str(number)]
        subprocess.run([sys.executable, LAUNCH, "peak", *command], cwd=tmp_path, check=True)
        peaks.append(float((tmp_path / "peak").read_text().split()[2]) / MB)
    assert peaks[1] < peaks[0] + 32  # as many blocks as may be on their way
