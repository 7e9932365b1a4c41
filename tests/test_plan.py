"""Plans of several steps: what they come to is what their methods do one after the other; and what no plan may be."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api
from normcli.blocks.block import Block
from normcli.blocks.record import Array
from normcli.columns import Field
from normcli.errors import BadDataError, BadParametersError, NotInvertibleError, UsageError
from normcli.formats import csv
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.center import Center
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.log1p import Log1p
from normcli.methods.minmax import MinMax
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import ColumnLineage, FrameTransform, Parameters, Step
from normcli.parameters import file as params
from normcli.parameters.plan import Plan, PlanStep

NAMES = ("a", "b", "c")
LOG_THEN_SCALE = (PlanStep(Log1p(), ("a", "c")), PlanStep(ZScore(ddof=1)))
PCA = Whiten(kind="pca", components=2)


def numbers(rows: int = 50) -> Array:
    """(rows, 3) above −1, skewed and related."""
    rng = np.random.default_rng(11)
    return np.asarray(np.exp(rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 3))))


def written(folder: Path, columns: Any, name: str = "in.parquet") -> Path:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    if name.endswith(".csv"):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame.write_csv(folder / name)
    else:
        pq.write_table(table, folder / name)
    return folder / name


def there_and_back(plan: Parameters, given: Path, **options: Any) -> tuple[Path, Path]:
    """The file normalized, and restored from that."""
    made, back = given.with_stem("made"), given.with_stem("back")
    plan = params.read(params.write(plan))
    api.apply(plan, given, made, **options)
    api.apply(plan, made, back, inverse=True, **options)
    return made, back


def in_memory(methods: Sequence[Method], x: Array) -> Array:
    """Each method fitted on what the one before it has made."""
    for method in methods:
        x = api.fit_blocks(method, [x], [f"x{j}" for j in range(x.shape[1])]).fitted(Block.of(x))
    return x


# -- the same as its methods one after the other -----------------------------------------------------------------
def test_a_plan_of_one_step_is_that_method(tmp_path: Path) -> None:
    given = written(tmp_path, dict(zip(NAMES, numbers().T, strict=True)), "in.csv")
    for method in (ZScore(ddof=1), PCA, Unit()):
        one = api.fit(given, [PlanStep(method, ("?",), ("b",))])
        assert params.write(one) == params.write(api.fit(given, method, columns=["?"], exclude=["b"]))


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_a_logarithm_then_a_scale_is_the_scale_of_logarithms(tmp_path: Path, name: str) -> None:
    x = numbers()
    plan = api.fit(written(tmp_path, dict(zip(NAMES, x.T, strict=True)), name), LOG_THEN_SCALE)
    y = x.copy()
    y[:, [0, 2]] = np.log1p(x[:, [0, 2]])
    wanted = api.fit_blocks(ZScore(ddof=1), [y], NAMES)
    assert [s.columns for s in plan.steps] == [("a", "c"), NAMES]
    for kind, said in wanted.summary().items():
        np.testing.assert_allclose(plan.steps[1].summary()[kind], said, rtol=1e-14, err_msg=kind)
    made, back = there_and_back(plan, tmp_path / name)
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    np.testing.assert_allclose(read(made).to_numpy(), wanted.fitted(Block.of(y)), rtol=0, atol=1e-14)
    np.testing.assert_allclose(read(back).to_numpy(), x, rtol=1e-13)


def test_whitened_then_of_unit_length(tmp_path: Path) -> None:
    x = numbers()
    given = written(tmp_path, {"id": ["k"] * 50, **dict(zip(NAMES, x.T, strict=True)), "z": x[:, 0]})
    plan = api.fit(given, [PlanStep(PCA, ("?",), ("z",)), PlanStep(Unit(norm="l1"), ("pc*",))])
    made = tmp_path / "made.parquet"
    api.apply(plan, given, made)
    frame = pl.read_parquet(made)
    assert frame.columns == ["id", "pc1", "pc2", "z"]
    np.testing.assert_allclose(frame[:, 1:3].to_numpy(), in_memory([PCA, Unit(norm="l1")], x), rtol=0, atol=1e-13)
    with pytest.raises(NotInvertibleError, match=r"steps\[0\] \(whiten\): whiten can't be undone: only 2 of 3"):
        plan.check_invertible()


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float64(), 3), pa.large_list(pa.float32())])
def test_lists_are_whitened_then_of_unit_length(tmp_path: Path, kind: pa.DataType) -> None:
    x = numbers().astype(np.float32 if "float" in str(kind).replace("double", "") else np.float64).astype(np.float64)
    lists = pa.array([None, *x.tolist()], kind)
    given = written(tmp_path, {"k": pa.array([0] * 51), "e": lists})
    plan = api.fit(given, [PlanStep(PCA, ("e",)), PlanStep(Unit(), ("e",))])
    assert [s.length for s in plan.steps] == [3, 2]
    made = tmp_path / "made.parquet"
    api.apply(params.read(params.write(plan)), given, made)
    column = pq.read_table(made)["e"].to_pylist()
    assert column[0] is None
    wanted = in_memory([PCA, Unit()], x)
    np.testing.assert_allclose(np.array(column[1:]), wanted, rtol=0, atol=1e-7 if "float" in str(kind) else 1e-13)
    assert pq.read_schema(made).field("e").type.value_type == kind.value_type


def test_several_kinds_of_steps_beside_each_other(tmp_path: Path) -> None:
    """What one takes is nothing to the others, wherever they stand."""
    x = numbers()
    given = written(tmp_path, {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "d": x[:, 0] + x[:, 1] ** 2})
    choices = [
        PlanStep(Decorrelate(prefix="u"), ("d,b",)), PlanStep(Asinh(), ("a",)), PlanStep(MinMax(), ("a,c",)),
        PlanStep(Unit(), ("u1,c",)),
    ]  # fmt: skip
    plan = api.fit(given, choices)
    made = tmp_path / "made.parquet"
    api.apply(plan, given, made)
    frame = pl.read_parquet(made)
    assert frame.columns == ["a", "u1", "u2", "c"]
    u = in_memory([Decorrelate()], np.column_stack([x[:, 1], x[:, 0] + x[:, 1] ** 2]))
    a, c = (in_memory([MinMax()], y[:, None]) for y in (np.arcsinh(x[:, 0]), x[:, 2]))
    pair = in_memory([Unit()], np.hstack([u[:, :1], c]))
    np.testing.assert_allclose(frame.to_numpy(), np.hstack([a, pair[:, :1], u[:, 1:], pair[:, 1:]]), atol=1e-13)


# -- types, and what is missing ----------------------------------------------------------------------------------
def test_between_steps_nothing_is_narrowed_and_types_come_back(tmp_path: Path) -> None:
    x = numbers()[:, 0].astype(np.float32)
    whole = np.arange(50, dtype=np.int16)
    given = written(tmp_path, {"f": x, "i": whole})
    plan = api.fit(given, [PlanStep(Log1p()), PlanStep(ZScore()), PlanStep(Asinh())])
    made, back = there_and_back(plan, given)
    schema = {n: str(t) for n, t in zip(pq.read_schema(made).names, pq.read_schema(made).types, strict=True)}
    assert schema == {"f": "float", "i": "double"}
    assert pq.read_schema(back).equals(pq.read_schema(given))
    exact = in_memory([Log1p(), ZScore(), Asinh()], x.astype(np.float64)[:, None])[:, 0]
    np.testing.assert_array_equal(pq.read_table(made)["f"].to_numpy(), exact.astype(np.float32))
    np.testing.assert_array_equal(pq.read_table(back)["i"].to_numpy(), whole)


def test_what_was_missing_stays_what_it_was(tmp_path: Path) -> None:
    text = "id,a,b\nx,NA,1\ny,3,-9\nz,1,\nw,8,4\n"
    (tmp_path / "in.csv").write_text(text)
    options = csv.Options(na_values="NA,-9")
    plan = api.fit(tmp_path / "in.csv", [PlanStep(Log1p()), PlanStep(Center())], format_options=options)
    made, back = there_and_back(plan, tmp_path / "in.csv", format_options=options)
    first, second, third, _ = made.read_text().splitlines()[1:]
    assert first.startswith("x,NA,")
    assert second.endswith(",-9")
    assert third.endswith(",")
    assert back.read_text() == text


def test_null_and_nan_stay_apart(tmp_path: Path) -> None:
    given = written(tmp_path, {"x": pa.array([1.0, None, np.nan, 3.0]), "y": pa.array([1.0, 2.0, 5.0, None])})
    made, back = there_and_back(api.fit(given, [PlanStep(Log1p()), PlanStep(ZScore())]), given)
    for path in (made, back):
        x = pq.read_table(path)["x"].to_pylist()
        assert x[1] is None
        assert np.isnan(x[2])
        assert pq.read_table(path)["y"].to_pylist()[3] is None


def test_a_result_beyond_a_float_is_told_though_a_step_follows(tmp_path: Path) -> None:
    given = written(tmp_path, {"x": [0.0, 1e-9], "y": [0.0, 1e-9]})
    plan = api.fit(given, [PlanStep(ZScore()), PlanStep(Unit())])
    more = written(tmp_path, {"x": [0.0, 0.0], "y": [0.0, 1e300]}, "more.parquet")
    with pytest.raises(BadDataError, match=r"row 2: the result in column 'y' is beyond float64$"):
        api.apply(plan, more, tmp_path / "o.arrow")


def test_what_has_no_logarithm_is_told_in_the_fit(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b\n1,2\n3,-4\n")
    with pytest.raises(BadDataError, match=r"in.csv:3: column 'b': there is no log1p of -4"):
        api.fit(tmp_path / "in.csv", [PlanStep(Log1p()), PlanStep(ZScore())])


# -- what a plan can't be ----------------------------------------------------------------------------------------
SCHEMA = (*(Field(n, "float64") for n in "abc"), Field("e", "list<float32>"), Field("pc1", "float64"))
ABC = ("a,b,c",)
SHARE = Whiten(kind="pca", components=0.9)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([PlanStep(SHARE, ABC), PlanStep(Unit(), ("pc1",))], r"column 'pc1' is of steps\[0\] \(whiten\), and how"),
        ([PlanStep(SHARE, ("e",)), PlanStep(Unit(), ("e",))], r"column 'e' is of steps\[0\]"),
        ([PlanStep(Whiten(kind="pca", rank="auto", prefix="u"), ABC), PlanStep(Unit())], "column 'u1' is of"),
    ],
)  # fmt: skip
def test_what_no_step_may_follow(choices: list[PlanStep], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Plan(tuple(choices), "p.toml").steps(SCHEMA, lambda name: 4)
    assert caught.value.message.startswith(f"p.toml: steps[{len(choices) - 1}]: ")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([PlanStep(Decorrelate(), ABC)], "p.toml: steps[0]: x.csv: a column is called pc1 already"),
        (
            [PlanStep(Decorrelate(prefix="u"), ABC), PlanStep(Unit(), ("a",))],
            "steps[1]: x.csv: column 'a' is there no more: steps[0] (decorrelate) makes others of it",
        ),
        (
            [PlanStep(Decorrelate(prefix="u", components=1), ABC), PlanStep(Unit(), ("u2",))],
            "steps[1]: x.csv: no numeric",
        ),
    ],
)
def test_columns_that_are_not_there(choices: list[PlanStep], said: str) -> None:
    with pytest.raises(BadDataError) as caught:
        Plan(tuple(choices), "p.toml").steps(SCHEMA, lambda name: 4, data="x.csv")
    assert said in caught.value.message


def test_nothing_is_left_beside_keys_and_weights() -> None:
    with pytest.raises(BadDataError, match="every selected column is one of --by or --weights: a, b"):
        Plan((PlanStep(Unit()),), "p.toml").steps(SCHEMA[:2], lambda name: 4, {"a", "b"}, data="x.csv")


def test_components_that_nobody_takes_may_be_as_many_as_data_say(tmp_path: Path) -> None:
    given = written(tmp_path, dict(zip(NAMES, numbers().T, strict=True)))
    plan = api.fit(given, [PlanStep(Asinh()), PlanStep(SHARE, ("a,b",)), PlanStep(Unit(), ("c",))])
    assert set(FrameTransform(plan).gives()) == {*plan.steps[1].outputs, "c"}
    assert plan.needs() == NAMES


def test_steps_learn_together_as_early_as_they_can() -> None:
    """After all steps whose results they learn from, whatever the order in which they stand."""
    methods = ZScore(), Log1p(), ZScore(), MinMax(), Unit(), ZScore(), ZScore()
    pairs = ("a",), ("b",), ("b",), ("a",), ("a", "c"), ("c",), ("d",)
    plan = Parameters(tuple(Step(m, c) for m, c in zip(methods, pairs, strict=True)))
    assert plan.passes.of_steps == (0, 0, 0, 1, 2, 2, 0)
    assert plan.passes.count == 3


def test_the_way_of_columns_by_their_names() -> None:
    course = ColumnLineage.of([(("a", "b"), ("p", "q")), (("c",), ("c",)), (("q", "c"), ("q", "c"))])
    assert course.needs == ("a", "b", "c")
    assert course.origins == {"p": ("a", "b"), "q": ("a", "b"), "c": ("c",)}
    assert course.places == {"p": "a", "q": "a", "c": "c"}
    assert course.after(["c", "a", "x", "b"]) == {"b": ["p", "q"], "c": ["c"]}
    assert course.sources({"p": 2, "q": 1, "c": 0}) == {"a": "q", "b": "q", "c": "c"}
    assert course.clashes == ()
    assert ColumnLineage.of([(("a",), ("p",)), (("b",), ("p",))]).clashes == ("p",)


# -- the parameter file ------------------------------------------------------------------------------------------
def document(folder: Path) -> dict[str, Any]:
    given = written(folder, dict(zip(NAMES, numbers().T.astype(np.float32), strict=True)))
    plan = api.fit(given, [PlanStep(Log1p()), PlanStep(PCA), PlanStep(Unit())])
    made: dict[str, Any] = json.loads(params.write(plan))
    return made


def refused(value: dict[str, Any]) -> str:
    with pytest.raises(BadParametersError) as caught:
        params.read(json.dumps(value).encode(), allow_edited=True)
    return caught.value.message


def test_a_file_of_several_steps(tmp_path: Path) -> None:
    made = document(tmp_path)
    assert [s["method"] for s in made["steps"]] == ["log1p", "whiten", "unit"]
    types = [{c["type"] for c in s["columns"].values()} for s in made["steps"]]
    assert types == [{"float32"}, {"float64"}, {"float64"}]
    assert list(made["steps"][2]["columns"]) == ["pc1", "pc2"]
    plan = params.read(json.dumps(made).encode())
    assert params.write(plan) == params.write(params.read(params.write(plan)))


def test_steps_in_a_file_must_go_on_from_those_before(tmp_path: Path) -> None:
    made = document(tmp_path)
    first, second, third = made["steps"]
    assert "$.steps[0].columns.pc1: not in $.schema" in refused(made | {"steps": [third]})
    assert "$.steps[2].columns.a: not in $.schema" in refused(made | {"steps": [first, second, first]})
    assert "$.steps[1].columns.a.type: is not what" in refused(made | {"steps": [first, first]})


def test_a_fitted_step_is_said_to_be_what_it_is() -> None:
    data = pa.table({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]})
    (step,) = api.fit(data, Center()).steps
    taken = api.fit(data, [PlanStep(Center(), fitted=step), PlanStep(ZScore())])
    assert taken.steps[0].does_as(step)
    for wrong in (PlanStep(ZScore(), fitted=step), PlanStep(Center(), ("a",), fitted=step)):
        with pytest.raises(UsageError, match="other columns or another method than its step of a, b"):
            api.fit(data, [wrong])
