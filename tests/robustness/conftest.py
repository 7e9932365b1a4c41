"""Places to work in and runs to go wrong, and at the end a table of what was tried."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import workspace
from tests.robustness import runs
from tests.robustness.laws import Harness, Tally
from tests.robustness.scenarios import ROWS, SCENARIOS, table
from tests.robustness.summary import FAULTS

__all__ = ["workspace"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every scenario begins with."""
    folder = tmp_path_factory.mktemp("template") / "workspace"
    (folder / "in").mkdir(parents=True)
    (folder / "table.csv").write_bytes(table(0, ROWS))
    (folder / "more.csv").write_bytes(table(ROWS, ROWS))
    (folder / "bad.csv").write_bytes(table(0, ROWS, bad=ROWS // 2))
    for n in range(2):
        (folder / "in" / f"{n + 1}.csv").write_bytes(table(n * 100, 100))

    def run(*words: str) -> None:
        assert runs.end(runs.start(words, folder, block=4096)) == 0

    for given, made in (("table.csv", "p.json"), ("table.csv", "1.json"), ("more.csv", "2.json")):
        run("fit", given, "-m", "zscore", "-p", made)
    for kind in ("parquet", "arrow", "arrows", "csv.gz"):
        run("apply", "table.csv", "-p", "p.json", "-o", f"z.{kind}")
        run("apply", f"z.{kind}", "-p", "p.json", "--inverse", "-o", f"table.{kind}")
        (folder / f"z.{kind}").unlink()
    return folder


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """What a test tried, for the table at the end."""
    made = Tally()
    request.node.user_properties.append((FAULTS, made.shown))
    return made


@pytest.fixture
def harness(template: Path, tmp_path: Path, tally: Tally) -> Callable[[str], Harness]:
    """A scenario by its name, ready to go wrong."""

    def made(name: str) -> Harness:
        home = tmp_path / name.replace("/", " ")
        home.mkdir()
        return Harness(template, SCENARIOS[name], home, tally)

    return made
