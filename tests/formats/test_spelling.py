"""Floats in text are spelled in one way, whoever writes them, or nothing is written."""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from normcli import kernel
from normcli.formats._text import spelling
from tests.cli.conftest import run
from tests.kernel import hard_numbers

TEXT = "id,x\n1,0.5\n2,2.5\n3,4\n"
DOUBT = "4,9007199254740993\n"  # beyond 2⁵³, which the kernel leaves to polars


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Calling it makes polars one that writes 1e16 in another way than it should."""

    def change() -> None:
        monkeypatch.setattr(spelling, "SPELLED", ("1.0", "1e16", "0.5"))
        spelling.check_polars.cache_clear()

    yield change
    spelling.check_polars.cache_clear()


def test_polars_spells_40_hard_floats_as_the_kernel_does() -> None:
    assert len({*spelling.SPELLED}) == 40
    assert [hard_numbers.spelling(float(text)) for text in spelling.SPELLED] == list(spelling.SPELLED)
    spelling.check_polars.cache_clear()
    spelling.check_polars()
    assert spelling.check_polars.cache_info().currsize == 1


@pytest.mark.parametrize("switch", ["on", "off"])
@pytest.mark.parametrize("options", ["", "--column-suffix _z", "--to ndjson", "-o z.csv", "-o z.jsonl"])
def test_another_spelling_is_refused_before_anything_is_written(
    options: str, switch: str, odd: Callable[[], None], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(TEXT + DOUBT)
    env = {kernel.SWITCH: switch}
    assert run("fit", "t.csv", "-c", "x", "-m", "zscore", "-p", "p.json", cwd=tmp_path, env=env).code == 0
    before = sorted(path.name for path in tmp_path.iterdir())
    odd()
    done = run("apply", "t.csv", "-p", "p.json", *options.split(), cwd=tmp_path, env=env)
    assert done.code == 2
    assert done.err == (
        f"normcli: error: polars {pl.__version__} writes 1e16 as 1e+16: output would differ from that of other ones "
        "(pip install 'polars>=2,<3' installs one that is known)\n"
    )
    assert done.out in (b"", b"id,x\n", b"id,x,x_z\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.skipif(kernel.library() is None, reason="there is no native kernel")
def test_where_the_kernel_writes_all_polars_is_not_compared(odd: Callable[[], None], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT)
    assert run("fit", "t.csv", "-c", "x", "-m", "zscore", "-p", "p.json", cwd=tmp_path).code == 0
    odd()
    assert run("apply", "t.csv", "-p", "p.json", cwd=tmp_path).code == 0
