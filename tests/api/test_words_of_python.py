"""Errors of the API call arguments by their names, and never by the flags of the command line."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import normcli
from normcli import NormcliError
from normcli.api.spelling import COMMAND, arguments, in_python

TABLE = Path(__file__).parents[1] / "messages" / "table.txt"
FLAG = re.compile(r"(?<![\w'\"])-{1,2}[a-zA-Z][\w-]*")
DATA = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, np.nan, 1.0], "s": ["x", "y", "x"], "c": [1.0, 1.0, 1.0]})
REFUSED: dict[str, Any] = {
    "text": lambda: normcli.fit(DATA, "zscore", columns="s"),
    "no column": lambda: normcli.fit(DATA[["s"]], "zscore"),
    "an unknown column": lambda: normcli.fit(DATA, "zscore", columns="nosuch"),
    "no method": lambda: normcli.fit(DATA),
    "an unknown method": lambda: normcli.fit(DATA, "nosuch"),
    "an option of formats": lambda: normcli.fit(DATA, "zscore", delimiter=";"),
    "too few values": lambda: normcli.fit(DATA, "zscore", ddof=3),
    "an infinite value": lambda: normcli.fit(DATA.replace(4.0, np.inf), "zscore"),
    "a key and a method of batches": lambda: normcli.fit(DATA, "batch", by="s"),
    "keys twice": lambda: normcli.fit(DATA, "zscore", by=["s", "s"]),
    "weights that are a key": lambda: normcli.fit(DATA, "zscore", by="s", weights="s"),
    "output without parameters": lambda: normcli.fit(DATA, "zscore", output="z.csv"),
    "an update without a file": lambda: normcli.fit(DATA, "zscore", update=True),
    "several passes": lambda: normcli.fit(iter([DATA]), "robust", exact=True),
    "a format": lambda: normcli.fit(DATA, "zscore", from_="csv"),
    "bad rows": lambda: normcli.fit(DATA, "zscore", on_bad_row="skip"),
    "like without a name": lambda: normcli.fit(DATA, normcli.Method, like="r"),
    "like of another program": lambda: normcli.fit(DATA, "rms", like="r"),
    "memory": lambda: normcli.fit(DATA, "zscore", max_memory=1),
    "constant columns": lambda: normcli.fit(DATA[["c"]], "whiten"),
    "what can't be undone": lambda: normcli.apply(fitted("rms"), DATA, inverse=True),
    "another column": lambda: normcli.apply(fitted(), DATA[["a"]]),
    "columns of a matrix method": lambda: normcli.apply(fitted("whiten", columns="a,b"), DATA[["a"]], columns="a"),
    "a new column": lambda: normcli.apply(fitted(), DATA.assign(d=1.0), no_extra=True),
    "keys that are none": lambda: normcli.apply(fitted(), DATA, unseen="global"),
    "digits": lambda: normcli.apply(fitted(), DATA, precision=3),
    "a format of tables": lambda: normcli.apply(fitted(), DATA, to="csv"),
    "drift of what comes in turn": lambda: normcli.apply(fitted(), iter([DATA]), check=True),
    "limits without a check": lambda: normcli.apply(fitted(), DATA, max_psi=1.0),
    "a resumed run": lambda: normcli.apply(fitted(), DATA, resume=True),
    "a fill beyond limits": lambda: normcli.apply(fitted(), DATA, limit=(0.0, 1.0), fill=2.0),
    "lossy and not inverse": lambda: normcli.apply(fitted(), DATA, lossy=True),
    "columns that are constant": lambda: normcli.apply(fitted(columns="c"), DATA, drop_constant=True),
    "a suffix": lambda: normcli.apply(fitted(), DATA.assign(a_z=1.0), column_suffix="_z"),
    "a column of a kind that files lack": lambda: normcli.apply(fitted(), DATA.assign(o=1j), "z.csv"),
    "no such column to describe": lambda: normcli.describe(DATA, columns="nosuch"),
    "a note without a file": lambda: normcli.describe(DATA, note="x"),
    "keys to compare": lambda: normcli.check(fitted(), DATA, by_key=True),
    "a relearned method": lambda: normcli.relearn(fitted(), "whiten"),
    "an estimator of text": lambda: normcli.Normalizer().fit(DATA),
    "an estimator's option": lambda: normcli.Normalizer("zscore", ddof=3).fit(DATA[["a"]]),
    "an estimator's value": lambda: normcli.Normalizer("minmax", range=(1.0, 0.0)).fit(DATA[["a"]]),
    "an estimator of one value": lambda: normcli.Normalizer("group", groups=2).fit(np.ones((4, 3))),
    "an infinite value in an estimator": lambda: normcli.Normalizer().fit(np.array([[1.0], [np.inf]])),
    "an inverse of an estimator": lambda: normcli.Normalizer("rms").fit(DATA[["a"]]).inverse_transform(np.ones((1, 2))),
    "a matrix of blocks": lambda: normcli.fit_blocks("rms", iter([[[np.inf]]]), "a"),
}  # fmt: skip


def fitted(method: str = "zscore", columns: str = "a,b") -> normcli.Parameters:
    return normcli.fit(DATA, method, columns=columns)


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_no_error_of_data_in_memory_names_a_flag(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as issued, pytest.raises(NormcliError) as refused:
        call()
    for text in (str(refused.value), *(str(e) for e in refused.value.args), *(str(w.message) for w in issued)):
        assert not FLAG.search(text), text


def test_no_warning_names_one() -> None:
    with pytest.warns(normcli.NormcliWarning, match="`exclude` c leaves it out"):
        normcli.fit(pl.DataFrame({"a": [1.0, 2.0], "b": [1.0, 5.0], "c": [1.0, 1.0]}), "zscore")


def test_no_message_of_the_command_line_has_one_of_its_flags_left() -> None:
    """But in commands that it quotes, of normcli and of others."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith(("error: ", "warning: "))]
    assert len(lines) > 300
    for line in lines:
        rest = "".join(COMMAND.split(in_python(line))[::2])
        assert not arguments().keys() & {flag for flag in FLAG.findall(rest) if f"mkdir {flag}" not in rest}, line


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ("-c takes columns of numbers: a", "`columns` takes columns of numbers: a"),
        ("without --no-extra they pass", "without `no_extra=True` they pass"),
        ("--check=warn warns of drift", "`check='warn'` warns of drift"),
        ("--dtype float32 is smaller", "`dtype='float32'` is smaller"),
        ("--from is for files", "`from_` is for files"),
        ("-o FILE writes a file", "`output` writes a file"),
        ("--lambda 3: too large", "`lambda_` 3: too large"),
        ("--no-header takes them for rows", "`header=False` takes them for rows"),
        ("--target-std with --no-scale", "`target_std` with `scale=False`"),
        ("--nosuch is no option of --to sql", "`nosuch` is no option of `to` sql"),
        ("a window of 4.3 GB (zstd --long=32)", "a window of 4.3 GB (zstd --long=32)"),
        ("column '--only' and x-c", "column '--only' and x-c"),
        ("mkdir -p d, or normcli inspect p.json -c a", "mkdir -p d, or normcli inspect p.json -c a"),
        ("(normcli fit --update -p p.json new.csv)", "(normcli fit --update -p p.json new.csv)"),
    ],
)
def test_a_flag_becomes_the_name_of_an_argument(flags: str, names: str) -> None:
    assert in_python(flags) == names
    assert in_python(names) == names
