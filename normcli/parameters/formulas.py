"""Formulas: what parameters compute of a row, as one expression over their input columns."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from msgspec import Struct

from normcli.blocks.expressions import Expression, Input, take
from normcli.errors import NoFormulaError, NotInvertibleError
from normcli.parameters.parameters import Parameters

Feature = tuple[Expression, int]  # an expression, and the position in it
Features = Mapping[str, tuple[str, ...]]  # names by column


class Formula(Struct, frozen=True):
    """The outputs of parameters as an expression over their inputs: columns of numbers, those of a list each by
    itself, as `name[0]`. A name may be that of several; what counts is the position."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input: Input  # (rows, inputs)
    result: Expression  # (rows, outputs)


def formula(parameters: Parameters, *, group: int = 0, inverse: bool = False) -> Formula:
    """The formula of all rows (group 0) or of those of a key; of the restored columns if `inverse`. Raises
    NotInvertibleError, NoFormulaError."""
    before, after = column_features(parameters)[:: -1 if inverse else 1]
    positions = itertools.count()
    input = Input(sum(map(len, before.values())))
    columns: dict[str, list[Feature]] = {c: [(input, next(positions)) for _ in names] for c, names in before.items()}
    for i, step in reversed([*enumerate(parameters.steps)]) if inverse else enumerate(parameters.steps):
        takes, gives = (step.outputs, step.columns) if inverse else (step.columns, step.outputs)
        x = take([feature for column in takes for feature in columns.pop(column)])
        transform = step.fitted.taken([group])
        try:
            y = transform.inverse_formula(x) if inverse else transform.formula(x)
        except (NoFormulaError, NotInvertibleError) as e:
            raise type(e)(parameters.at(i) + e.message, e.hint) from None
        features: list[Feature] = [(y, j) for j in range(len(step.features if inverse else step.results))]
        columns |= dict(zip(gives, [features] if step.length is not None else ([f] for f in features), strict=True))
    result = take([feature for column in after for feature in columns[column]])
    return Formula(flat(before), flat(after), input, result)


def column_features(parameters: Parameters) -> tuple[Features, Features]:
    """The names of the features of each input column and of each output column, in order: of a list, those of its
    values, which may be the names of other columns, too."""
    lists = [step for step in parameters.steps if step.length is not None]
    features = {step.columns[0]: step.features for step in reversed(lists)}
    results = {step.columns[0]: step.results for step in lists}
    lineage = parameters.lineage
    return (
        {column: features.get(column, (column,)) for column in lineage.needs},
        {column: results.get(column, (column,)) for column in lineage.gives},
    )


def feature_names(parameters: Parameters) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the features of the input columns and of the output columns, in order."""
    before, after = column_features(parameters)
    return flat(before), flat(after)


def flat(columns: Features) -> tuple[str, ...]:
    """The names of the features of all columns, in order."""
    return tuple(itertools.chain.from_iterable(columns.values()))
