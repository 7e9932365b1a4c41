"""Formulas: what parameters compute of a row, as one expression over their input columns."""

from __future__ import annotations

from msgspec import Struct

from normcli.blocks.expressions import Expression, Input, take
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.parameters.parameters import Parameters
from normcli.parameters.steps import Step


class Formula(Struct, frozen=True):
    """The outputs of parameters as an expression over their inputs: columns of numbers, those of a list each by
    itself, as `name[0]`."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input: Input  # (rows, inputs)
    result: Expression  # (rows, outputs)


def formula(parameters: Parameters, *, group: int = 0, inverse: bool = False) -> Formula:
    """The formula of all rows (group 0) or of those of a key; of the restored columns if `inverse`. Raises
    NotInvertibleError, NoFormulaError."""
    lineage, features = parameters.lineage, _features(parameters.steps, inverse=inverse)
    first, last = (lineage.gives, lineage.needs) if inverse else (lineage.needs, lineage.gives)
    inputs = tuple(name for column in first for name in features.get(column, (column,)))
    input = Input(len(inputs))
    columns: dict[str, tuple[Expression, int]] = {name: (input, j) for j, name in enumerate(inputs)}
    results = _features(parameters.steps, inverse=not inverse)
    for i, step in reversed([*enumerate(parameters.steps)]) if inverse else enumerate(parameters.steps):
        takes, gives = (step.results, step.features) if inverse else (step.features, step.results)
        x = take([columns.pop(name) for name in takes])
        transform = step.fitted.taken([group])
        try:
            y = transform.inverse_formula(x) if inverse else transform.formula(x)
        except (NoFormulaError, NotInvertibleError) as e:
            raise type(e)(parameters.at(i) + e.message, e.hint) from None
        columns |= {name: (y, j) for j, name in enumerate(gives)}
    outputs = tuple(name for column in last for name in results.get(column, (column,)))
    return Formula(inputs, outputs, input, take([columns[name] for name in outputs]))


def _features(steps: tuple[Step, ...], *, inverse: bool) -> dict[str, tuple[str, ...]]:
    """The features of the columns that are lists, before the steps; or after them, if `inverse`."""
    lists = [step for step in steps if step.length is not None]
    return {step.columns[0]: step.results if inverse else step.features for step in lists}
