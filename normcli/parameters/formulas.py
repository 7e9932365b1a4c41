"""Formulas: what parameters compute of a row, as one expression over their input columns."""

from __future__ import annotations

from msgspec import Struct

from normcli.blocks.expressions import Expression, Input, take
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.parameters.parameters import Parameters


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
    inputs, outputs = feature_names(parameters)[:: -1 if inverse else 1]
    input = Input(len(inputs))
    columns: dict[str, tuple[Expression, int]] = {name: (input, j) for j, name in enumerate(inputs)}
    for i, step in reversed([*enumerate(parameters.steps)]) if inverse else enumerate(parameters.steps):
        takes, gives = (step.results, step.features) if inverse else (step.features, step.results)
        x = take([columns.pop(name) for name in takes])
        transform = step.fitted.taken([group])
        try:
            y = transform.inverse_formula(x) if inverse else transform.formula(x)
        except (NoFormulaError, NotInvertibleError) as e:
            raise type(e)(parameters.at(i) + e.message, e.hint) from None
        columns |= {name: (y, j) for j, name in enumerate(gives)}
    return Formula(inputs, outputs, input, take([columns[name] for name in outputs]))


def feature_names(parameters: Parameters) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the features of the input columns and of the output columns, in order: those of a list each by
    itself."""
    lists = [step for step in parameters.steps if step.length is not None]
    features = {step.columns[0]: step.features for step in reversed(lists)}
    results = {step.columns[0]: step.results for step in lists}
    lineage = parameters.lineage
    return (
        tuple(name for column in lineage.needs for name in features.get(column, (column,))),
        tuple(name for column in lineage.gives for name in results.get(column, (column,))),
    )
