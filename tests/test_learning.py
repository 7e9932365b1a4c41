"""Parameters that go on learning: parts put together are the whole, whichever way, and nothing counts twice."""

import gzip
import json
from collections.abc import Sequence
from fractions import Fraction
from functools import cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api, columns, pipeline, registry
from normcli.blocks.record import Array
from normcli.engines.threads import Threads
from normcli.errors import BadDataError, BadParametersError, UsageError
from normcli.methods import Method, spelled
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.minmax import MinMax
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters, unfitted
from normcli.parameters import file as params
from normcli.pipeline import Events, Progress, merging, relearning
from normcli.stats.moments import Moments
from tests.formats.conftest import in_memory, reader, through_pipe
from tests.methods.test_method_contract import made as with_defaults
from tests.stats.test_statistic_laws import assert_close

METHODS = [with_defaults(n) for n in registry.names("methods")]
MERGING: list[Method] = [m for m in METHODS if m.statistics and all(s.multiple == 1 for s in m.statistics)]
every_method = pytest.mark.parametrize("method", MERGING, ids=lambda m: registry.name_of(m))
BLOCK = 64  # bytes: a few rows


def text(rows: Any, names: Sequence[str] = ("a", "b")) -> bytes:
    """Rows as CSV, NaN as an empty field."""
    lines = [",".join("" if v != v else str(v) for v in row) for row in np.asarray(rows).tolist()]
    return "\n".join([",".join(names), *lines, ""]).encode()


def fit(
    of: Method | Parameters, *inputs: bytes, once: bool = False, threads: int = 1, progress: Progress | None = None
) -> Parameters:
    """All inputs together, in blocks of a few rows; after what a plan has seen, where one is given."""
    readers = [reader(data, BLOCK) for data in inputs]
    first = readers[0]
    plan = (
        of
        if isinstance(of, Parameters)
        else Parameters(unfitted(of, columns.select(first.description.schema, (), ()), {}), first.description.schema)
    )
    made = pipeline.fit(readers, plan, Threads(threads), once=once, progress=progress)
    return params.sealed(made)


def again(plan: Parameters) -> Parameters:
    """As the next run finds it: written, and read."""
    return params.read(params.write(plan))


def updated(method: Method, inputs: Sequence[bytes]) -> Parameters:
    """A fit of the first input, and a run for each that came later."""
    return reduce(lambda plan, data: fit(again(plan), data, once=True), inputs[1:], fit(method, inputs[0]))


def merged(plans: Sequence[Parameters], **how: Any) -> Parameters:
    return params.sealed(merging.merge([(f"{i}.json", again(p)) for i, p in enumerate(plans)], **how))


@st.composite
def parts(draw: st.DrawFn) -> list[Array]:
    """Matrices (rows, 2), no two alike, enough rows in each for whatever wants to learn, one value missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.integers(5, 9), min_size=2, max_size=4))
    offset, scale = draw(st.sampled_from([(0.0, 1.0), (1e8, 1.0), (-1e12, 1e3), (0.0, 1e-100)]))
    made = [offset + scale * rng.normal(size=(size, 2)) for size in sizes]
    made[-1][1, 0] = np.nan if draw(st.booleans()) else made[-1][1, 0]
    return made


# -- parts and the whole -----------------------------------------------------------------------------------------
@every_method
@given(data=parts())
@settings(max_examples=2)
def test_updates_and_a_merge_in_order_are_the_whole_to_the_bit(method: Method, data: list[Array]) -> None:
    inputs = [text(x) for x in data]
    whole = params.write(fit(method, *inputs))
    assert params.write(updated(method, inputs)) == whole
    assert params.write(merged([fit(method, x) for x in inputs])) == whole


@every_method
@given(data=parts(), order=st.randoms(use_true_random=False))
@settings(max_examples=2)
def test_in_any_order_parts_are_the_whole_as_far_as_another_split(
    method: Method, data: list[Array], order: Any
) -> None:
    whole = fit(method, *map(text, data))
    shuffled = order.sample(data, len(data))
    groups = [fit(method, *map(text, shuffled[i : i + 2])) for i in range(0, len(shuffled), 2)]
    for made in (merged(groups), updated(method, [text(x) for x in shuffled])):
        assert (made.rows, made.skipped, sorted(made.inputs)) == (whole.rows, whole.skipped, sorted(whole.inputs))
        assert made.schema == whole.schema
        for one, other in zip(made.steps[0].states, whole.steps[0].states, strict=True):
            assert_close(one, other, np.concatenate(data))


def test_the_mean_of_many_nights_is_exact() -> None:
    nights = [1e8 + np.random.default_rng(i).random((7, 2)) for i in range(30)]
    made = updated(ZScore(), [text(x) for x in nights]).steps[0].states[1]
    assert isinstance(made, Moments)
    each = [[Fraction(v) for v in column.tolist()] for column in np.concatenate(nights).T]
    for j, values in enumerate(each):
        mean = sum(values) / len(values)
        squares = sum((v - mean) ** 2 for v in values)
        assert abs(Fraction(made.mean[0, j]) + Fraction(made.mean_low[0, j]) - mean) <= Fraction(1e-22) * mean
        assert abs(Fraction(made.squares[0, j]) - squares) <= Fraction(1e-14) * squares


@pytest.mark.parametrize("threads", [1, 3])
def test_a_night_of_several_files_is_as_all_of_them(threads: int) -> None:
    inputs = [text(np.random.default_rng(i).normal(size=(9, 2))) for i in range(5)]
    whole = params.write(fit(Whiten(), *inputs))
    first = fit(Whiten(), *inputs[:2])
    assert params.write(fit(again(first), *inputs[2:], once=True, threads=threads)) == whole


def test_a_plan_is_not_changed_by_what_continues_it() -> None:
    plan = fit(ZScore(), text([[1, 2], [3, 5]]))
    before = params.write(plan)
    fit(plan, text([[4, 4]]))
    merged([plan, fit(ZScore(), text([[4, 4]]))])
    relearning.relearn(plan, MinMax())
    assert params.write(plan) == before


def test_types_hold_what_all_parts_have() -> None:
    whole, real = b"a,b\n1,2\n3,5\n", b"a,b\n4,0.5\n2,8\n"
    for made in (updated(ZScore(), [whole, real]), merged([fit(ZScore(), whole), fit(ZScore(), real)])):
        assert made.types == {"a": "int64", "b": "float64"}
        assert made.steps[0].summary()["count"].tolist() == [4, 4]


def test_columns_are_found_by_name_and_others_do_not_matter() -> None:
    plan = fit(ZScore(), text([[1, 2], [3, 5]]))
    made = fit(plan, text([["x", 4, 6]], ("note", "b", "a")))
    np.testing.assert_array_equal(made.steps[0].summary()["max"], [6, 5])
    assert [f.name for f in made.schema] == ["a", "b"]
    with pytest.raises(BadDataError, match=r"no column is called b"):
        fit(plan, text([[1, 2]], ("a", "c")))


# -- each input once ---------------------------------------------------------------------------------------------
A, B, C = (text(x) for x in ([[1, 2], [3, 5]], [[4, 4], [7, -1]], [[0, 9], [8, 8]]))


class Lines(Events):
    """Warnings, kept."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_an_input_that_was_counted_is_left_out_also_between_others() -> None:
    events = Lines()
    plan = fit(again(fit(ZScore(), A)), B, A, C, B, once=True, progress=Progress(events=events))
    assert params.write(plan) == params.write(fit(ZScore(), A, B, C))
    assert events.warnings == ["t.csv: was counted already, and is left out (--recount counts it again)"] * 2
    same = fit(again(plan), A, once=True)
    assert params.write(same) == params.write(plan)


def test_who_insists_counts_again() -> None:
    assert fit(again(fit(ZScore(), A)), A).rows == 4
    assert fit(ZScore(), A, A, once=True).rows == 2


def test_an_input_without_rows_is_not_counted() -> None:
    plan = fit(ZScore(), A)
    assert params.write(fit(again(plan), b"a,b\n", B, once=True)) == params.write(fit(ZScore(), A, B))
    with pytest.raises(BadDataError, match=r"no rows to learn from"):
        fit(plan, b"a,b\n", once=True)


def test_text_is_known_by_its_bytes_wherever_it_comes_from(tmp_path: Path) -> None:
    (known,) = fit(MinMax(), A).inputs
    assert fit(MinMax(), A, threads=3).inputs == (known,)
    assert params.CONTENT.fullmatch(known)
    (tmp_path / "other.csv").write_bytes(A)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(A))
    for name in ("other.csv", "packed.csv.gz"):
        of_file = api.fit(tmp_path / name, MinMax(), block_size=BLOCK)
        assert of_file.inputs == (known,)
    piped = reader(through_pipe(A, (3,)), BLOCK)
    plan = Parameters(unfitted(MinMax(), ("a", "b"), {}), piped.description.schema)
    assert pipeline.fit([piped], plan, Threads(1)).inputs == (known,)
    others = [
        A.replace(b"3", b"3.0"),
        A.replace(b"a,b", b"a,c"),
        A[: A.index(b"3")],
        A + b"9,9\n",
        A.replace(b"a", b"A"),
    ]
    assert len({known, *(fit(MinMax(), x).inputs[0] for x in others)}) == 1 + len(others)


def test_of_a_binary_file_the_selected_numbers_are_known(tmp_path: Path) -> None:
    def known(table: pa.Table, **how: Any) -> str:
        pq.write_table(table, tmp_path / "t.parquet", **how)
        (digest,) = api.fit(tmp_path / "t.parquet", MinMax(), columns=("a", "b")).inputs
        return digest

    table = pa.table({"a": [1, 2, None], "b": [0.5, 1.5, 2.5], "c": ["x", "y", "z"]})
    first = known(table)
    assert known(table, compression="none") == first
    assert known(table.set_column(2, "c", pa.array(["x", "y", "w"]))) == first
    changed = [
        table.set_column(0, "a", pa.array([1, 3, None])),
        table.set_column(0, "a", pa.array([1, None, 2])),
        table.slice(0, 2),
        table.rename_columns(["b", "a", "c"]),
    ]
    assert len({first, *map(known, changed)}) == 5


# -- merge -------------------------------------------------------------------------------------------------------
def refusal(*plans: Parameters, **how: Any) -> str:
    with pytest.raises(BadDataError) as caught:
        merged(plans, **how)
    return caught.value.message


def test_one_file_merges_to_itself() -> None:
    plan = fit(Whiten(), text(np.random.default_rng(1).normal(size=(9, 2))))
    assert params.write(merged([plan])) == params.write(plan)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (fit(MinMax(), B), "is of minmax, and 0.json of zscore"),
        (fit(ZScore(ddof=1), B), "is of zscore with --ddof 1, and 0.json with --ddof 0"),
        (fit(ZScore(center=False), B), "is of zscore without --center, and 0.json with --center"),
        (fit(ZScore(), b"a\n1\n2\n"), "lacks b, and 0.json has it"),
        (fit(ZScore(), b"a,b,c\n1,2,3\n2,3,4\n"), "has c, and 0.json has not"),
    ],
)
def test_a_difference_is_named(other: Parameters, said: str) -> None:
    assert refusal(fit(ZScore(), A), other) == f"1.json: {said}"


def test_the_difference_may_come_late() -> None:
    assert refusal(fit(ZScore(), A), fit(ZScore(), B), fit(MinMax(), C)).startswith("2.json: is of minmax")


def test_lists_are_not_columns_of_the_same_names(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": pa.array([[1.0, 2], [3, 5]], pa.list_(pa.float64(), 2))}), tmp_path / "v.parquet")
    lists = api.fit(tmp_path / "v.parquet", ZScore(), columns=("v",))
    numbers = fit(ZScore(), text([[1, 2], [3, 4]], ("v[0]", "v[1]")))
    assert refusal(lists, numbers) == "1.json: has v[0], v[1], and 0.json v of lists"
    assert merged([lists, lists], allow_duplicates=True).steps[0].summary()["count"].tolist() == [4, 4]


def test_an_input_in_two_files_is_an_error_unless_wanted() -> None:
    said = refusal(fit(ZScore(), C), fit(ZScore(), A), fit(ZScore(), B, A))
    assert said == "2.json: 1 of the inputs that it has counted was counted before, first by 1.json"
    assert merged([fit(ZScore(), A), fit(ZScore(), B, A)], allow_duplicates=True).rows == 6


def test_what_learns_nothing_does_not_merge() -> None:
    assert "unit learns nothing" in refusal(fit(Unit(), A), fit(Unit(), B))


def test_a_note_stays_where_all_say_the_same() -> None:
    from msgspec.structs import replace

    one, other = (replace(fit(ZScore(), x), note="ours") for x in (A, B))
    assert merged([one, other]).note == "ours"
    assert merged([one, replace(other, note="theirs")]).note == ""


def test_files_that_say_they_have_no_rows_merge() -> None:
    """Rows are for people; what was seen counts."""
    from msgspec.structs import replace

    assert merged([replace(fit(ZScore(), x), rows=0) for x in (A, B)]).rows == 0


# -- relearn -----------------------------------------------------------------------------------------------------
DATA = text(np.random.default_rng(2).normal(5, 3, size=(40, 2)))


@cache
def fitted(method: Method) -> Parameters:
    return fit(method, DATA)


@every_method
@pytest.mark.parametrize(
    "wanted",
    [*MERGING, MinMax(range=(-1.0, 1.0), clip=True), ZScore(ddof=1), Whiten(kind="pca"), Decorrelate(components=1)],
    ids=lambda m: registry.name_of(m),
)
def test_relearning_is_fitting_the_other_method(method: Method, wanted: Method) -> None:
    old = again(fitted(method))
    kept = {type(s): s.settings() for s in method.statistics}
    enough = all(kept.get(type(s)) == s.settings() for s in wanted.statistics)
    if method.by_row == wanted.by_row and enough:
        assert params.write(relearning.relearn(old, wanted)) == params.write(fitted(wanted))
    else:
        with pytest.raises(UsageError, match=r"learns from .*, and the file has kept .*"):
            relearning.relearn(old, wanted)


def test_what_needs_no_data_learns_of_any() -> None:
    made = relearning.relearn(fit(ZScore(), DATA), Unit(norm="l1"))
    assert (made.rows, made.inputs, made.learns) == (0, (), False)
    with pytest.raises(UsageError, match=r"zscore learns from extrema, moments, and the file has kept nothing"):
        relearning.relearn(made, ZScore())


def test_data_unfit_for_the_other_method_are_refused() -> None:
    one_row = fit(ZScore(), text([[1, 2]]))
    assert relearning.relearn(one_row, MinMax()).rows == 1
    with pytest.raises(BadDataError):
        relearning.relearn(fit(Decorrelate(), text([[1, 2], [2, 4], [3, 6]])), Whiten())


# -- words and the file ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "option", "said"),
    [
        (ZScore(), "ddof", "with --ddof 0"),
        (ZScore(target_mean=0.5), "target_mean", "with --target-mean 0.5"),
        (MinMax(), "range", "with --range 0.0 1.0"),
        (MinMax(clip=True), "clip", "with --clip"),
        (MinMax(), "clip", "without --clip"),
        (Decorrelate(), "components", "without --components"),
    ],
)
def test_options_in_words(method: Method, option: str, said: str) -> None:
    assert spelled(method, option) == said


@pytest.mark.parametrize(
    ("inputs", "at"),
    [
        (None, "$.inputs"),
        ({}, "$.inputs"),
        ("xxh3-128:" + "0" * 32, "$.inputs"),
        ([1], "$.inputs[0]"),
        ([[]], "$.inputs[0]"),
        (["xxh3-128:" + "0" * 32, "xxh3-128:" + "0" * 31], "$.inputs[1]"),
        (["xxh3-128:" + "0" * 32 + "\n"], "$.inputs[0]"),
        (["xxh3-128:" + "A" * 32], "$.inputs[0]"),
        (["sha256:" + "0" * 64], "$.inputs[0]"),
    ],
)
def test_no_other_inputs_are_read(inputs: object, at: str) -> None:
    document = json.loads(params.write(fit(ZScore(), A))) | {"inputs": inputs}
    with pytest.raises(BadParametersError) as caught:
        params.read(json.dumps(document).encode(), allow_edited=True)
    assert caught.value.message.startswith(f"{at}: ")


def test_a_source_is_read_once_for_digest_and_numbers() -> None:
    """What is counted is what was read, even where the file changes later."""
    source = in_memory(A)
    made = reader(source, BLOCK)
    plan = pipeline.fit([made], Parameters(unfitted(MinMax(), ("a", "b"), {}), made.description.schema), Threads(1))
    assert source.count == len(A)
    assert plan.inputs == fit(MinMax(), A).inputs
