"""What every method of the folder keeps, whatever it does: a new file is held to it before anyone edits a test."""

import pickle
from collections.abc import Callable
from functools import reduce
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from msgspec import Struct

from normcli import api, registry
from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.blocks.record import Array, Record
from normcli.columns import Field
from normcli.errors import NotInvertibleError
from normcli.methods import Method, States
from normcli.parameters import Parameters, Step
from normcli.parameters import file as params
from normcli.stats import Statistic
from normcli.transforms import Transform
from tests.conftest import longer
from tests.least_options import least
from tests.memory_tables import KINDS, arrow, numbers

NAMES = registry.names("methods")
every_name = pytest.mark.parametrize("name", NAMES)


def made(name: str) -> Method:
    """With the defaults; where an option is required (so many groups, so many channels), 1."""
    kind = registry.only("methods", name)
    method: Method = msgspec.convert(dict.fromkeys(least(kind), 1), kind)
    method.check()
    return method


def data() -> Array:
    """(60, 4) of units and shapes far apart, no column constant, all of it above −1 (log1p knows no other)."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4))
    return np.column_stack([10 + x[:, 0], 1e6 + 10 * x[:, 1], np.exp(x[:, 2]), 40 + np.rint(5 * x[:, 3])])


COLUMNS = ("plain", "far off", "skew", "whole")


def fitted(name: str, x: Array | None = None) -> Step:
    return fit_blocks(made(name), np.array_split(data() if x is None else x, 3), COLUMNS)


def plan_of(step: Step, rows: int) -> Parameters:
    return Parameters((step,), tuple(Field(n, "float64") for n in step.columns), rows)


def assert_same(a: Record, b: Record) -> None:
    """Of one kind, settings equal, arrays equal to the bit (NaN where nothing is known; zeros of either sign)."""
    assert type(a) is type(b)
    assert a.settings() == b.settings()
    for name in a.axes():
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        assert getattr(b, name).dtype == np.float64


def roundtrip(step: Step, rows: int) -> Step:
    written = params.write(plan_of(step, rows))
    read = params.read(written)
    assert params.write(read) == written
    return read.steps[0]


# -- what it is --------------------------------------------------------------------------------------------------
@every_name
def test_a_method_is_a_frozen_record_of_plain_options(name: str) -> None:
    method = made(name)
    assert isinstance(method, Struct)
    assert hash(method) == hash(made(name))
    plain = params.options(method)
    assert msgspec.json.decode(msgspec.json.encode(plain)) == msgspec.json.decode(msgspec.json.encode(method))
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(plain)), type(method)) == method


@every_name
def test_a_method_is_found_by_its_name(name: str) -> None:
    assert registry.name_of(made(name)) == name
    assert name == name.lower()
    assert "_" not in name


@every_name
def test_a_method_says_its_formula_first_then_what_to_know(name: str) -> None:
    lines = (type(made(name)).__doc__ or "").splitlines()
    assert lines[0].strip()
    assert not lines[0].startswith(f"{type(made(name)).__name__}(")  # what dataclass writes by itself
    assert not lines[0].rstrip().endswith(".")
    assert lines[1].strip() == ""
    assert any(line.strip() for line in lines[2:])


@every_name
def test_every_option_is_described(name: str) -> None:
    schema = msgspec.json.schema(type(made(name)))["$defs"][type(made(name)).__name__]
    for option, entry in schema["properties"].items():
        assert entry.get("description"), option


@every_name
def test_a_method_shows_what_it_has_learned_or_learns_nothing(name: str) -> None:
    """In words that are names of JSON, too; each as long as there are columns, or components."""
    step = fitted(name)
    terms = step.terms()
    words = [*terms.columns, *terms.components, *terms.values]
    assert bool(words) == step.learns
    assert all(word.isascii() and word.isidentifier() for word in words)
    assert all(values.shape == (len(step.features),) for values in terms.columns.values())
    assert all(values.shape == (len(step.results),) for values in terms.components.values())
    numbers = [*terms.columns.values(), *terms.components.values()]
    assert all(np.isfinite(values).all() for values in numbers)


@every_name
def test_a_method_says_whether_it_can_be_undone(name: str) -> None:
    """In words; and where they are yes or no, that is how it is."""
    method, transform = made(name), fitted(name).fitted
    assert isinstance(method.invertible, str)
    assert method.invertible
    if method.invertible == "yes":
        transform.check_invertible()
    elif method.invertible == "no":
        with pytest.raises(NotInvertibleError):
            transform.check_invertible()


@every_name
def test_a_method_says_what_shares_where_it_comes_from_and_its_other_names(name: str) -> None:
    kind = registry.only("methods", name)
    *drawing, what = made(name).shares.split("\n")
    assert len(drawing) >= 2
    assert what
    assert made(name).source
    assert not made(name).source.endswith(".")
    assert made(name).aliases
    names = [*kind.aliases, *(a for n in NAMES if n != name for a in (n, *registry.only("methods", n).aliases))]
    assert len(names) == len(set(names))
    assert all(alias == alias.lower() for alias in made(name).aliases)


# -- learning ----------------------------------------------------------------------------------------------------
@every_name
def test_a_method_learns_from_what_its_blanks_saw(name: str) -> None:
    method = made(name)
    assert all(isinstance(s, Statistic) and s.groups == 0 for s in method.statistics)
    assert all(registry.name_of(s) in registry.names("stats") for s in method.statistics)
    assert len({type(s) for s in method.statistics}) == len(method.statistics)
    block = Block.of(data())
    states = {type(s): s.of(block) for s in method.statistics}
    transform = method.learn(States(COLUMNS, states))
    assert isinstance(transform, Transform)
    assert registry.name_of(transform) in registry.names("transforms")


@every_name
def test_what_is_learned_is_finite(name: str) -> None:
    learned = fitted(name).fitted
    for field in learned.axes():
        assert np.isfinite(getattr(learned, field)).all(), field


@every_name
def test_learning_mutates_no_state(name: str) -> None:
    method, x = made(name), data()
    states = {type(s): s.of(Block.of(x)) for s in method.statistics}
    before = pickle.dumps(states)
    method.learn(States(COLUMNS, states))
    assert pickle.dumps(states) == before


@every_name
def test_fitting_is_measuring_merging_and_learning(name: str) -> None:
    step, pieces = fitted(name), [Block.of(x) for x in np.array_split(data(), 3)]
    if step.unfitted_multiple > 1:  # batches run on from one piece to the next
        pieces = [Block.joined(pieces)]
    for state, blank in zip(step.states, step.method.statistics, strict=True):
        assert_same(state, reduce(lambda a, b: a.merge(b), map(blank.of, pieces), blank))


@every_name
def test_equal_data_give_equal_bytes(name: str) -> None:
    assert params.write(plan_of(fitted(name), 60)) == params.write(plan_of(fitted(name), 60))


@every_name
def test_what_columns_will_be_called_is_known_before_the_fit(name: str) -> None:
    step = fitted(name)
    before = step.method.outputs(COLUMNS)
    assert before == step.outputs if step.method.outputs_known else set(before) >= set(step.outputs)


@every_name
def test_a_method_of_single_values_learns_nothing_and_knows_no_rows(name: str) -> None:
    method, x = made(name), data()
    if method.element_wise:
        assert method.statistics == ()
        assert not method.by_row
        whole = fitted(name).fitted(Block.of(x))
        alone = fit_blocks(method, [x[:1, :1]], COLUMNS[:1]).fitted
        np.testing.assert_array_equal(alone(Block.of(x.reshape(-1, 1)))[:, 0], whole.ravel())


@every_name
def test_the_order_of_columns_is_the_order_of_results(name: str) -> None:
    """Methods of columns know nothing of the other columns."""
    if not made(name).by_row:
        x, order = data(), [2, 0, 3, 1]
        straight, turned = fitted(name), fitted(name, x[:, order])
        np.testing.assert_array_equal(turned.fitted(Block.of(x[:, order])), straight.fitted(Block.of(x))[:, order])


# -- where it goes -----------------------------------------------------------------------------------------------
@every_name
def test_a_step_comes_back_from_its_parameter_file(name: str) -> None:
    step = fitted(name)
    back = roundtrip(step, 60)
    assert (back.method, back.columns, back.outputs) == (step.method, step.columns, step.outputs)
    assert_same(back.fitted, step.fitted)
    for got, state in zip(back.states, step.states, strict=True):
        assert_same(got, state)
    x = Block.of(data())
    np.testing.assert_array_equal(back.fitted(x), step.fitted(x))


@every_name
def test_a_method_learns_the_same_again_from_its_parameter_file(name: str) -> None:
    step = fitted(name)
    assert_same(Step(step.method, step.columns).learn(roundtrip(step, 60).states).fitted, step.fitted)


@every_name
def test_states_from_a_parameter_file_merge_like_those_in_memory(name: str) -> None:
    a, b = fitted(name), fitted(name, data()[::-1] * 2)
    again, other = roundtrip(a, 60), roundtrip(b, 60)
    for one, two, three, four in zip(a.states, b.states, again.states, other.states, strict=True):
        assert_same(three.merge(four), one.merge(two))


@every_name
@pytest.mark.parametrize("copy", [lambda x: pickle.loads(pickle.dumps(x))], ids=["pickle"])
def test_a_step_pickles(name: str, copy: Callable[[Step], Step]) -> None:
    for step in (Step(made(name), COLUMNS), fitted(name)):
        back = copy(step)
        assert (back.method, back.columns) == (step.method, step.columns)
        for one, two in zip(back.states, step.states, strict=True):
            assert_same(one, two)
    assert_same(back.fitted, step.fitted)


# -- what it gives -----------------------------------------------------------------------------------------------
@every_name
def test_there_is_a_name_for_every_column_that_comes_out(name: str) -> None:
    step = fitted(name)
    assert step.fitted(Block.of(data())).shape == (60, len(step.outputs))
    assert len(set(step.outputs)) == len(step.outputs)


@every_name
def test_what_can_be_undone_is(name: str) -> None:
    transform, x = fitted(name).fitted, data()
    try:
        transform.check_invertible()
    except NotInvertibleError:
        return
    back = transform.inverse(Block.of(transform(Block.of(x))))
    assert (np.abs(back - x) <= 1e-10 * np.abs(x).max(axis=0)).all()


@every_name
def test_missing_values_are_left_out_and_stay_missing(name: str) -> None:
    """By value, or for methods that need whole rows, by row; but for what fills them."""
    x = data()
    x[[3, 30, 59], [0, 1, 1]] = np.nan
    step = fitted(name, x)
    gone = np.isnan(x).any(axis=1, keepdims=True) if step.method.by_row else np.isnan(x)
    y = step.fitted(Block.of(x))
    np.testing.assert_array_equal(np.isnan(y), np.broadcast_to(gone & (name != "fill"), y.shape))
    back = roundtrip(step, 60)
    np.testing.assert_array_equal(back.fitted(Block.of(x)), y)


@every_name
def test_a_column_without_a_value_goes_through_the_parameter_file(name: str) -> None:
    """And comes out missing, or as it is where missing values are filled; methods that need whole rows refuse it, those
    that learn nothing do not mind."""
    if not made(name).by_row and made(name).statistics:
        x = data()
        x[:, 1] = np.nan
        step = fitted(name, x)
        back = roundtrip(step, 60)
        assert_same(back.fitted, step.fitted)
        y = back.fitted(Block.of(data()))
        np.testing.assert_array_equal(y[:, 1], data()[:, 1] if name == "fill" else np.full(60, np.nan))
        assert np.isfinite(y[:, [0, 2, 3]]).all()


@every_name
def test_data_without_any_value_go_through_the_parameter_file(name: str) -> None:
    """So that a nightly fit that met them goes on the next night."""
    if not made(name).by_row and made(name).statistics:
        step = fitted(name, np.full((60, 4), np.nan))
        back = roundtrip(step, 60)
        assert_same(back.fitted, step.fitted)
        for mine, theirs in zip(back.states, step.states, strict=True):
            assert_same(mine, theirs)


# -- tables in memory --------------------------------------------------------------------------------------------
MEMORY = {**KINDS, "numpy": lambda table: np.column_stack([x.to_numpy() for x in table.columns])}
FIRST = ["numpy", "pandas", "polars", "pyarrow-chunks"]
every_memory = pytest.mark.parametrize("kind", [*FIRST, *longer(*sorted(MEMORY.keys() - {*FIRST}))])


@every_name
@every_memory
def test_a_method_takes_tables_in_memory_of_every_kind(name: str, kind: str) -> None:
    """With the same parameters, and the same numbers out, as of a table of Arrow; and what it gives can be restored, if
    the method can be undone."""
    names = COLUMNS if kind != "numpy" else tuple(f"x{j}" for j in range(4))
    table = pa.table(dict(zip(names, data().T, strict=True)))
    expected = api.fit(table, made(name), block_size=25)
    fitted = api.fit(MEMORY[kind](table), made(name), block_size=25)
    assert params.write(fitted) == params.write(expected)
    result, out = api.apply(fitted, MEMORY[kind](table)), api.apply(expected, table)
    assert type(result) is (pa.Table if kind in ("duckdb", "exporter") else type(MEMORY[kind](table)))
    np.testing.assert_array_equal(rows_of(result), rows_of(out))
    if expected.is_invertible:
        np.testing.assert_array_equal(
            rows_of(api.apply(fitted, result, inverse=True)), rows_of(api.apply(expected, out, inverse=True))
        )


def rows_of(table: Any) -> Array:
    return table if isinstance(table, np.ndarray) else numbers(table, arrow(table).column_names)
