"""Two ways to one output: fit -o and fit, then apply; rows in several formats and in one."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import formats, registry
from normcli.errors import NormcliError
from tests import inside
from tests.conftest import examples, longer
from tests.formats.files import takes

# -- fit -o ------------------------------------------------------------------------------------------------------
HEADER = ("k", "x", "y", "w", "t")  # a key, numbers as people spell them, weights, text
SPELLED = [
    ("u", "1.50", "7e0", "2.50", "p"),
    ("v", "2", "+3", "01", "q; r"),
    ("u", "-4e0", "7.", "1e0", '"quoted"'),
    ("v", "NA", "11", "3", "NA"),
    ("u", "0.25", "2", "1", "x"),
    ("v", " 8", "-1", "4.0", ""),
    ("u", "", "4", "0", "y"),
]
BAD = ("u", "oops", "1", "1", "bad")
METHODS = (
    ("center",), ("zscore", "--ddof", "1"), ("minmax",), ("robust",), ("decorrelate",), ("whiten", "--kind", "pca"),
    ("unit",), ("batch", "--batch-size", "3"), ("robust", "--exact"), ("rms",),
)  # fmt: skip
OUT = tuple(name for name in registry.names("formats") if takes(name, pa.table({"t": ["x"]})))  # and texts
OF_FIT = ((), ("--by", "k"), ("--weights", "w"), ("--by", "k", "--weights", "w"))
OF_BOTH = ("--threads 1", "--on-bad-row skip", "--na-values NA,-1", "--infer-types", "--inf missing")
OF_OUTPUT = ("--column-suffix _z", "--only", "--dtype float32")


def spell(path: Path, *, bad: bool) -> None:
    """The rows as text, as the suffix says; NDJSON has strings where there is no number."""
    rows = [*SPELLED[:3], BAD, *SPELLED[3:]] if bad else SPELLED
    if path.suffix == ".ndjson":
        path.write_text("".join("{" + ", ".join(map(_member, HEADER, row)) + "}\n" for row in rows))
        return
    mark = "\t" if path.suffix == ".tsv" else ","
    quoted = ([f'"{v.replace(chr(34), chr(34) * 2)}"' if '"' in v else v for v in row] for row in rows)
    path.write_text("".join(mark.join(row) + "\n" for row in [list(HEADER), *quoted]))


def _member(name: str, word: str) -> str:
    number = word.strip(" +").rstrip(".").lstrip("0") or "0"
    missing = word in ("NA", "")
    of_number = "null" if missing else ("0" + number if number.startswith(".") else number)
    return f"{json.dumps(name)}: {of_number if name in 'xyw' and word != 'oops' else json.dumps(word)}"


def ended(*commands: Sequence[str]) -> str:
    """How the first of some commands that is refused ends, or that none is."""
    for words in commands:
        try:
            inside.run(*words)
        except (NormcliError, click.UsageError) as e:
            return type(e).__name__
    return "done"


def one_or_both(source: str, to: str, method: Sequence[str], of_fit: Sequence[str], options: Sequence[str]) -> bool:
    """Whether something was written: the same, either way."""
    options = [o for o in options if o != "--infer-types" or not formats.is_text(to)]
    every = [word for option in options for word in option.split()]
    reading = [word for option in options if option in OF_BOTH for word in option.split() if word != "--infer-types"]
    data, out = f"in.{source}", [Path(f"{n}.{to}") for n in ("one", "both")]
    fit = ["fit", data, "-m", *method, "-c", "x,y", *of_fit]
    with inside.folder():
        spell(Path(data), bad="--on-bad-row skip" in options)
        one = ended([*fit, *every, "-p", "p.json", "-o", f"{out[0]}"])
        both = ended([*fit, *reading, "-p", "q.json"], ["apply", data, "-p", "q.json", "-o", f"{out[1]}", *every])
        assert (one == "done") == (both == "done"), (one, both)
        if one == "done":
            assert out[0].read_bytes() == out[1].read_bytes()
            assert Path("p.json").read_bytes() == Path("q.json").read_bytes()
        return one == "done"


def test_fit_with_output_is_fit_and_apply() -> None:
    tried = {True: 0, False: 0}

    @settings(max_examples=examples(160))
    @given(
        source=st.sampled_from(("csv", "tsv", "ndjson")),
        to=st.sampled_from(OUT),
        method=st.sampled_from(METHODS),
        of_fit=st.sampled_from(OF_FIT),
        options=st.lists(st.sampled_from((*OF_BOTH, *OF_OUTPUT)), max_size=4, unique=True),
    )
    def of_options(**drawn: Any) -> None:
        tried[one_or_both(**drawn)] += 1

    of_options()
    assert 5 * tried[True] > tried[False]  # many combinations are refused, either way


@pytest.mark.parametrize("to", OUT)
@pytest.mark.parametrize("source", ["csv", *longer("tsv", "ndjson")])
@pytest.mark.parametrize("options", [(), ("--column-suffix _z",)], ids=str)
def test_weights_pass_as_they_stand(source: str, to: str, options: tuple[str, ...]) -> None:
    assert one_or_both(source, to, ("center",), ("--weights", "w"), options)


# -- several formats ---------------------------------------------------------------------------------------------
PARTS = [  # columns that every format has of one type: numbers that are normalized, a key and text
    {"x": [1.5, 2.25, -4.25], "k": ["u", "v", "u"], "t": ["p", "q, r", 'say "so"']},
    {"x": [0.125, 8.5], "k": ["v", "v"], "t": ["é\n", "null"]},
    {"x": [7.5], "k": ["u"], "t": ["[1]"]},
]
INTO = (("zscore",), ("zscore", "--by", "k"), ("batch", "--batch-size", "4"))
FORMS = ((), ("--column-suffix", "_z"), ("--only",), ("--dtype", "float32"))


def put(path: Path, table: pa.Table) -> str:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".ndjson":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()))
    else:
        with (pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream)(str(path), table.schema) as writer:
            writer.write_table(table)
    return path.name


def got(path: Path) -> Any:
    """The bytes of text, what record batches say else: how they are packed is as in the first input."""
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).read().replace_schema_metadata().combine_chunks()
    if path.suffix == ".arrow":
        return pa.ipc.open_file(path).read_all().replace_schema_metadata().combine_chunks()
    return path.read_bytes()


def mixed_or_not(kinds: Sequence[str], to: str, method: Sequence[str], form: Sequence[str]) -> None:
    with inside.folder():
        tables = list(map(pa.table, PARTS))
        mixed = [
            put(Path(f"mixed{j}.{kind}"), table) for j, (kind, table) in enumerate(zip(kinds, tables, strict=True))
        ]
        alike = [put(Path(f"alike{j}.{kinds[0]}"), table) for j, table in enumerate(tables)]
        inside.run("fit", *alike, "-m", *method, "-c", "x", "-p", "p.json")
        for names, out in ((mixed, f"mixed.{to}"), (alike, f"alike.{to}")):
            inside.run("fit", *names, "-m", *method, "-c", "x", "-p", "q.json", "-o", f"fitted.{out}", *form)
            inside.run("apply", *names, "-p", "p.json", "-o", out, *form)
            assert got(Path(f"fitted.{out}")) == got(Path(out))
        assert got(Path(f"mixed.{to}")) == got(Path(f"alike.{to}"))


@pytest.mark.parametrize("to", ["csv", "ndjson", "parquet", "arrow"])
def test_inputs_of_several_formats_are_as_of_one(to: str) -> None:
    kinds = ("csv", "ndjson", "parquet", "arrow", "arrows")

    @settings(max_examples=examples(40))
    @given(
        kinds=st.lists(st.sampled_from(kinds), min_size=3, max_size=3),
        method=st.sampled_from(INTO),
        form=st.sampled_from(FORMS),
    )
    def of_kinds(**drawn: Any) -> None:
        mixed_or_not(to=to, **drawn)

    of_kinds()


PAIRS = list(itertools.permutations(("csv", "ndjson", "parquet")))  # and the third, which they become


@pytest.mark.parametrize(("one", "other", "to"), PAIRS)
def test_two_formats_into_a_third(one: str, other: str, to: str) -> None:
    mixed_or_not((one, other, one), to, ("zscore",), ())


@pytest.mark.soak
@pytest.mark.parametrize(("one", "other", "_"), PAIRS)
def test_two_formats_into_one_of_them(one: str, other: str, _: str) -> None:
    for to in (one, other):
        mixed_or_not((one, other, one), to, ("zscore",), ())


# -- several types -----------------------------------------------------------------------------------------------
WHOLE = {kind: pa.array([3, 100], getattr(pa, kind)()) for kind in ("int8", "int32", "int64", "uint64", "float64")}
OTHERS = {
    "bool": pa.array([True, False]),
    "date32": pa.array([1, 2], pa.date32()),
    "timestamp": pa.array([1, 2], pa.timestamp("us", "UTC")),
    "time64": pa.array([1, 2], pa.time64("us")),
    "duration": pa.array([1, 2], pa.duration("us")),
    "list": pa.array([[1], [2]]),
    "struct": pa.array([{"a": 1}, {"a": 2}]),
}


def follows(first: pa.Array, second: pa.Array, to: str) -> Any:
    """A column of two Parquet files in one output."""
    names = [put(Path(f"{j}.parquet"), pa.table({"x": [1.0, 2.0], "id": ids})) for j, ids in enumerate((first, second))]
    inside.run("fit", names[0], "-m", "center", "-c", "x", "-p", "p.json")
    inside.run("apply", *names, "-p", "p.json", "-o", f"o.{to}")
    return got(Path(f"o.{to}"))


@pytest.mark.parametrize("to", ["csv", "ndjson", "parquet", "arrow"])
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(WHOLE, 2)))
def test_the_first_input_has_the_types_of_output(first: str, second: str, to: str) -> None:
    with inside.folder():
        table = follows(WHOLE[first], WHOLE[second], to)
        if to in ("parquet", "arrow"):
            assert table["id"].combine_chunks().equals(pa.array([3, 100, 3, 100], WHOLE[first].type))


@pytest.mark.parametrize("to", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        (pa.array([1, 2], pa.int32()), pa.array([3, 1 << 40]), "1099511627776"),
        (pa.array([1, 2]), pa.array([3, 4.5]), "4.5"),
        (pa.array([1, 2]), pa.array(["3", "u"]), "u"),
        (pa.array([1, 2], pa.decimal128(9, 2)), pa.array([0.25, 0.125]), "0.125"),
        (pa.array([1, 2], pa.date32()), pa.array([0, 1], pa.timestamp("us")), "1970-01-01 00:00:00.000001"),
    ],
    ids=["int32", "int64", "text", "decimal", "date"],
)
def test_a_value_that_the_first_inputs_type_has_not_is_refused(first: Any, second: Any, value: str, to: str) -> None:
    with inside.folder(), pytest.raises(NormcliError, match=rf"row 2: '{value}' in column 'id' is no .*first input"):
        follows(first, second, to)


@pytest.mark.parametrize("to", ["parquet", "arrow"])
@pytest.mark.parametrize(
    "pair", [*((n, "int64") for n in OTHERS), *longer(*itertools.permutations(OTHERS, 2))], ids=str
)
def test_types_of_other_meaning_do_not_go_together(pair: tuple[str, str], to: str) -> None:
    one, other = pair
    every = {**WHOLE, **OTHERS}
    with inside.folder(), pytest.raises(NormcliError, match=r"1\.parquet: column 'id' is .*, in the first input"):
        follows(every[one], every[other], to)
