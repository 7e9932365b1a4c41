"""docs/exports.md: its table is what the targets say, and its code does what apply does."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import normcli
from normcli import registry
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.exports import Export, Target
from normcli.parameters import Parameters
from tests.doc_pages import FENCED, ROOT
from tests.exports.test_export_contract import METHODS, fitted

PAGE = (ROOT / "docs/exports.md").read_text()
TOGETHER = {"numpy, torch": ("numpy", "torch"), "onnx": ("onnx",), "sql": ("sql",)}
BY_CENTRES = {"json": ("json",), "sklearn": ("sklearn",)}


def cell(target: str, method: str) -> str:
    """What the table says of a target and a method with its options by default."""
    kind: Target = registry.only("exports", target)()
    export = Export(fitted(method))
    try:
        kind.write(export)
    except NoFormulaError:
        return ""
    if target in BY_CENTRES:
        return "yes"
    difference = kind.difference(export.formula)
    return f"{difference:.0e}" if difference else "="


def table() -> str:
    """Methods with the same cells on one line."""
    columns = TOGETHER | BY_CENTRES
    rows: dict[tuple[str, ...], list[str]] = {}
    for method in METHODS:
        cells = tuple(", ".join(dict.fromkeys(cell(name, method) for name in names)) for names in columns.values())
        undone = "yes" if fitted(method).is_invertible else ""
        rows.setdefault((*cells, undone), []).append(f"`{method}`")
    lines = [f"| {' | '.join(('', *columns, 'undone'))} |", "|---|" + ":-:|" * (len(columns) + 1)]
    for cells, methods in sorted(rows.items(), key=lambda row: row[1]):
        lines.append(f"| {', '.join(methods)} | {' | '.join(cells)} |")
    return "\n".join(line.replace("  ", " ") for line in lines)


def test_the_table_says_what_each_target_can_and_how_near_it_comes() -> None:
    pytest.importorskip("skops")
    assert table() in PAGE


@pytest.mark.parametrize("method", METHODS)
def test_what_can_be_undone_is_undone_by_each_target_that_does_it(method: str) -> None:
    for target in ("numpy", "torch", "onnx", "sql"):
        if cell(target, method):
            assert (fitted(method).is_invertible) == can_undo(target, method), target


def can_undo(target: str, method: str) -> bool:
    try:
        normcli.export(fitted(method), target, inverse=True)
    except (NoFormulaError, NotInvertibleError):
        return False
    return True


X = np.array([[1.0, 2.5, np.nan], [3.0, 4.0, np.nan], [7.0, np.nan, np.nan]])
NAMES = ("bill_length_mm", "bill_depth_mm", "none")


def block(language: str, word: str) -> str:
    """The code of the page in a language, with this word in it."""
    return next(code for of, _, code in FENCED.findall(PAGE) if of == language and word in code)


def example(folder: Path) -> Array:
    """A folder with what the code of the page reads; what that is to compute."""
    step = normcli.fit_blocks("zscore", [X], NAMES)
    parameters = Parameters((step,), tuple(Field(n, "float64") for n in NAMES), 3)
    (folder / "numbers.json").write_bytes(normcli.export(parameters, "json"))
    rows = [",".join("NA" if v != v else repr(v) for v in row) for row in X.tolist()]
    (folder / "penguins.csv").write_text("\n".join([",".join(NAMES), *rows]) + "\n")
    return step.fitted(Block.of(X))


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_the_lines_of_javascript_compute_what_apply_does(tmp_path: Path) -> None:
    expected = example(tmp_path)
    (tmp_path / "normalize.mjs").write_text(block("js", "normalize"))
    missing = ["null", "undefined", "NaN", '""']
    tables = [
        [dict(zip(NAMES, (m if v != v else repr(v) for v in row), strict=True)) for row in X.tolist()] for m in missing
    ]
    rows = [f"{{{', '.join(f'{n}: {v}' for n, v in row.items())}}}" for table in tables for row in table]
    use = (
        f'import {{normalize}} from "./normalize.mjs"; console.log(JSON.stringify([{", ".join(rows)}].map(normalize)))'
    )
    done = subprocess.run(["node", "--input-type=module", "-e", use], cwd=tmp_path, capture_output=True, check=True)
    values = [[np.nan if row[n] is None else row[n] for n in NAMES] for row in json.loads(done.stdout)]
    np.testing.assert_allclose(values, np.tile(expected, (len(missing), 1)), rtol=1e-14)


def test_the_lines_of_python_compute_what_apply_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = example(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(block("python", "DictReader"), {})
    values = [
        ["nan" if word == "None" else word for word in row.split()] for row in capsys.readouterr().out.splitlines()
    ]
    np.testing.assert_allclose(np.array(values, np.float64), expected[:, :2], rtol=1e-14)
