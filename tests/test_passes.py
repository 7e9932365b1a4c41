"""Plans of several passes: what they learn is what commands one after the other learn."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from normcli import api
from normcli.blocks.record import Record
from normcli.errors import BadDataError, NormcliError, NormcliWarning, UsageError
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.batch import Batch
from normcli.methods.clip import Clip
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.fill import Fill
from normcli.methods.layer import Layer
from normcli.methods.log1p import Log1p
from normcli.methods.minmax import MinMax
from normcli.methods.power import Power
from normcli.methods.quantile import Quantile
from normcli.methods.robust import Robust
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.winsorize import Winsorize
from normcli.methods.zscore import ZScore
from normcli.parameters import Parameters
from normcli.parameters import file as params
from normcli.parameters.plan import PlanStep
from tests.conftest import examples

METHODS: list[Method] = [
    Fill(), Fill(with_="median"), Fill(with_=1.5), Winsorize(quantiles=(0.1, 0.8)), Clip(high=2.0), Power(), ZScore(),
    MinMax(range=(-1.0, 1.0)), Robust(), Quantile(resolution=5), Asinh(), Unit(), Layer(),
]  # fmt: skip
ALONE: list[Method] = [Whiten(shrinkage=0.5), Batch(batch_size=7), Robust(exact=True), Fill(with_="median", exact=True)]
NAMES = ("a", "b", "c")
ROWS = 17  # of a block


def table(seed: int, rows: int) -> pa.Table:
    """Numbers with gaps, a list, keys, and weights of which some are 0."""
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=(rows, 3)).round(3)
    columns = {n: pa.array(x[:, j], mask=rng.uniform(size=rows) < 0.2) for j, n in enumerate(NAMES)}
    lists = pa.array(list(rng.normal(size=(rows, 2))), pa.list_(pa.float64(), 2))
    keys = pa.array(rng.choice(["x", "y"], rows))
    return pa.table({**columns, "l": lists, "k": keys, "w": pa.array(rng.integers(0, 3, rows))})


def assert_same(a: Record, b: Record) -> None:
    assert type(a) is type(b)
    assert a.settings() == b.settings()
    for name in a.axes():
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def one_after_the_other(steps: list[PlanStep], data: Path, **options: Any) -> list[Parameters]:
    fits = []
    for i, step in enumerate(steps):
        fits.append(api.fit(data, step.method, columns=step.columns, **(options if step.method.statistics else {})))
        result = data.with_name(str(i))
        api.apply(fits[-1], data, f"{result}/", allow_normalized=True)
        for path in result.glob("*.parquet"):
            pq.write_table(pq.read_table(path), path, row_group_size=ROWS)  # into blocks as those of the data
        data = result
    return fits


def check_law(steps: list[PlanStep], content: pa.Table, **options: Any) -> None:
    """Of rows in two files of several blocks each: transforms, states, what comes out and is warned of are the same."""
    with TemporaryDirectory() as folder:
        data, half = Path(folder) / "data", content.num_rows // 2
        data.mkdir()
        for name, part in (("1", content.slice(0, half)), ("2", content.slice(half))):
            pq.write_table(part, data / f"{name}.parquet", row_group_size=ROWS)
        options = options if any(step.method.statistics for step in steps) else {}
        try:
            fits = one_after_the_other(steps, data, **options)
        except (BadDataError, UsageError) as e:
            with pytest.raises(type(e), match=re.escape(essence(e))):
                api.fit(data, steps, **options)
            return
        plan = api.fit(data, steps, params=Path(folder) / "p.json", output=f"{folder}/out/", **options)
        apart = [step for fit in fits for step in fit.steps]
        assert [type(s.method) for s in plan.steps] == [type(s.method) for s in apart]
        groups = 1 + len(plan.keys)
        for mine, theirs in zip(plan.steps, apart, strict=True):
            expected = theirs.fitted if theirs.fitted.groups in (0, groups) else theirs.fitted.taken([0] * groups)
            assert_same(mine.fitted, expected)
            for a, b in zip(mine.states, theirs.states, strict=True):
                assert_same(a, b)
        last = data.with_name(str(len(steps) - 1))
        for name in ("1.parquet", "2.parquet"):
            mine, theirs = (pq.read_table(where / name) for where in (Path(folder) / "out", last))
            for column in content.column_names:
                assert mine[column].combine_chunks().equals(theirs[column].combine_chunks()), column
        by_row = [fit.skipped for fit in fits if any(step.method.by_row for step in fit.steps)]
        assert plan.skipped >= max(by_row, default=0)
        assert plan.skipped <= sum(by_row)
        written = params.write(plan)
        assert params.write(params.read(written)) == written


def essence(error: NormcliError) -> str:
    """What a message says, without the files and steps in it."""
    return error.message.rpartition(": ")[2].partition(";")[0]


columns = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(lambda names: tuple(sorted(names)))


@settings(max_examples=examples(200, part=20))
@given(
    st.lists(st.builds(PlanStep, st.sampled_from(METHODS), columns), min_size=1, max_size=5),
    st.integers(0, 1000), st.integers(20, 60), st.sampled_from([{}, {"by": ("k",)}, {"weights": "w"}]),
)  # fmt: skip
def test_a_plan_of_passes_equals_commands_one_after_the_other(
    steps: list[PlanStep], seed: int, rows: int, options: dict[str, Any]
) -> None:
    check_law(steps, table(seed, rows), **options)


@pytest.mark.parametrize("method", ALONE, ids=repr)
def test_steps_that_need_more_than_one_block_can_learn_late(method: Method) -> None:
    """Of whole batches, and of exact quantiles, which take passes of their own."""
    content = table(1, 60)
    content = content.set_column(0, "a", pa.array(np.nan_to_num(content["a"].to_numpy())))
    check_law([PlanStep(Fill(), NAMES), PlanStep(ZScore(), NAMES), PlanStep(method, NAMES)], content)


def test_rows_that_miss_a_value_count_once_whatever_pass_takes_it() -> None:
    x = np.random.default_rng(6).normal(size=(10, 4))
    x[:3, 0] = np.nan
    x[3:8, 2] = np.nan
    data, pairs = pa.table(dict(zip("abcd", x.T, strict=True))), (("a", "b"), ("c", "d"))
    late = [PlanStep(Decorrelate(prefix=names[0]), names) for names in pairs]
    with pytest.warns(UserWarning, match="8 of 10 rows"):
        together = api.fit(data, late)
    for steps in ([PlanStep(ZScore(), ("c", "d")), *late], [PlanStep(ZScore(), ("a", "b")), *late]):
        with pytest.warns(UserWarning, match="8 of 10 rows"):
            assert api.fit(data, steps).skipped == together.skipped == 8


@pytest.mark.parametrize(
    ("values", "steps", "expected"),
    [
        ([3.0] * 4, [Fill(), Winsorize(), Power(), ZScore()], ["constant: a; it comes out as 0"]),
        ([3.0] * 4, [MinMax(range=(2.0, 5.0)), Fill(), Clip(high=1.5)], ["constant: a; it comes out as 1.5"]),
        ([3.0] * 4, [ZScore(), Whiten(eps=0.1)], ["constant: a"]),
        ([None] * 4, [ZScore(), Fill(with_=0.0)], ["no value in a: nothing is learned, and it comes out as 0"]),
        ([None] * 4, [ZScore(), Fill()], ["no value in a: nothing is learned, and all comes out missing"]),
        (
            [0.0, 0.0, 0.0, 9.0],
            [Winsorize(quantiles=(0.0, 0.3)), ZScore()],
            [
                "the quantiles are the same in a: all values become one",
                "steps[1] (zscore): constant: a; it comes out as 0",
            ],
        ),
    ],
)
def test_a_column_is_warned_of_once_with_what_comes_out_in_the_end(
    values: list[float | None], steps: list[Method], expected: list[str]
) -> None:
    data = pa.table({"a": pa.array(values, pa.float64()), "b": [1.0, 2.0, 5.0, 7.0]})
    with pytest.warns(NormcliWarning) as caught:
        fitted = api.fit(data, list(map(PlanStep, steps)))
    hint, texts = ' (exclude = ["a"] leaves it out)', [str(w.message) for w in caught]
    assert [t.removesuffix(hint) for t in texts] == expected
    assert all(t.endswith(hint) for t in texts if "quantiles" not in t)
    out = api.apply(fitted, data, allow_normalized=True)["a"].to_pylist()
    said = expected[-1].rpartition("as ")[2]
    assert "comes out" not in expected[-1] or set(out) == ({None} if "missing" in said else {float(said)})


def test_a_fault_that_no_value_of_the_data_shows_names_its_step(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a\n1\n2\n3\n-50\n")
    steps = [PlanStep(ZScore()), PlanStep(Log1p()), PlanStep(MinMax())]
    what = r"steps\[1\] \(log1p\): column 'a': there is no log1p of -1.73"
    with pytest.raises(BadDataError, match=r"d.csv:5: " + what):
        api.fit(tmp_path / "d.csv", steps)
    with pytest.raises(BadDataError, match=r"d.csv: row 4: " + what):
        api.fit(tmp_path / "d.csv", steps, params=tmp_path / "p.json", output=tmp_path / "z.csv")
    good = pa.table({"a": [1.0, 2.0, 3.0]})
    fitted = api.fit(good, [PlanStep(ZScore(target_mean=5.0)), PlanStep(Log1p())])
    with pytest.raises(BadDataError, match=r"d.csv:5: steps\[1\]"):
        api.apply(fitted, tmp_path / "d.csv", tmp_path / "z.csv")
    with pytest.raises(BadDataError, match=r"d.csv:5: column 'a': there is no log1p of -50,"):
        api.fit(tmp_path / "d.csv", steps[1:])


class Anew:
    """Tables by how often they were asked for."""

    def __init__(self, tables: Callable[[int], list[pa.Table]]) -> None:
        self.tables, self.count = tables, 0

    def __iter__(self) -> Iterator[pa.Table]:
        self.count += 1
        return iter(self.tables(self.count))


OTHERS: dict[str, Callable[[pa.Table, int], pa.Table]] = {
    "augmented": lambda t, n: t.set_column(1, "b", pc.multiply(t["b"], n)),
    "shuffled": lambda t, n: t.take(np.roll(np.arange(t.num_rows), n)),
    "of other keys": lambda t, n: t.set_column(4, "k", pc.binary_join_element_wise(t["k"], str(n), "")),
    "of other weights": lambda t, n: t.set_column(5, "w", pc.add(t["w"], n)),
    "of other lists": lambda t, n: t.set_column(3, "l", t["l"].take(np.roll(np.arange(t.num_rows), n))),
}


@pytest.mark.parametrize("how", OTHERS)
@pytest.mark.parametrize("last", [MinMax(), Batch(batch_size=7)], ids=repr)
def test_tables_that_are_others_each_time_are_refused(how: str, last: Method) -> None:
    parts = [table(seed, 40) for seed in (1, 2)]
    steps = [PlanStep(Fill(), NAMES), PlanStep(ZScore(), ("l", *NAMES)), PlanStep(last, NAMES)]
    options: dict[str, Any] = {"of other keys": {"by": "k"}, "of other weights": {"weights": "w"}}.get(how, {})
    if options:
        steps[-1] = PlanStep(MinMax(), NAMES)
    same = api.fit(Anew(lambda n: parts), steps, **options)
    assert params.write(same) == params.write(api.fit(parts, steps, **options))
    with pytest.raises(BadDataError, match="is read more than once, and had other values the next time"):
        api.fit(Anew(lambda n: [OTHERS[how](part, n) for part in parts]), steps, **options)


def test_lists_learn_in_passes_beside_columns() -> None:
    steps = [
        PlanStep(ZScore(), ("l",)),
        PlanStep(Winsorize(quantiles=(0.1, 0.9)), ("a", "l")),
        PlanStep(MinMax(), ("l",)),
    ]
    check_law(steps, table(2, 50))


def test_the_transforms_are_those_of_a_pipeline_of_scikit_learn(tmp_path: Path) -> None:
    content = table(3, 1000).select(NAMES)
    pq.write_table(content, tmp_path / "data.parquet")
    x = np.column_stack([content[n].to_numpy() for n in NAMES])
    filled = SimpleImputer(strategy="median").fit_transform(x)
    ends = np.quantile(filled, (0.05, 0.95), axis=0)
    pipeline = make_pipeline(
        SimpleImputer(strategy="median"), FunctionTransformer(np.clip, kw_args={"a_min": ends[0], "a_max": ends[1]}),
        PowerTransformer(standardize=False), StandardScaler(),
    )  # fmt: skip
    expected = pipeline.fit_transform(x)
    steps = [Fill(with_="median"), Winsorize(quantiles=(0.05, 0.95)), Power(), ZScore()]
    plan = api.fit(tmp_path / "data.parquet", list(map(PlanStep, steps)))
    api.apply(plan, tmp_path / "data.parquet", tmp_path / "z.parquet")
    result = pq.read_table(tmp_path / "z.parquet")
    np.testing.assert_allclose(np.column_stack([result[n] for n in NAMES]), expected, atol=1e-6)
