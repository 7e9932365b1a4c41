"""Exports: what parameters compute, written for other engines. One file per target, found by its name; its fields are
its options."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from normcli import registry
from normcli.blocks.expressions import Binary, Call, Product, Total, in_order
from normcli.caching import cached_property
from normcli.parameters import Parameters
from normcli.parameters.formulas import Formula, formula


class Export(Struct, frozen=True, dict=True):
    """What is exported: parameters, of all rows (group 0) or of those of a key; what restores columns, if `inverse`."""

    parameters: Parameters
    group: int = 0
    inverse: bool = False

    @cached_property
    def formula(self) -> Formula:
        """What they compute. Raises NotInvertibleError, NoFormulaError."""
        return formula(self.parameters, group=self.group, inverse=self.inverse)

    @property
    def method(self) -> str:
        """The methods of the steps, by name."""
        return " → ".join(dict.fromkeys(registry.name_of(step.method) for step in self.parameters.steps))

    @property
    def heading(self) -> str:
        """What it is, on one line of ASCII."""
        what = self.method.replace("→", "->") + (" undone" if self.inverse else "")
        learned = f", learned from {self.parameters.rows:,} rows" if self.parameters.learns else ""
        return f"{what}{learned} ({self.parameters.digest})"


class Target(Struct, frozen=True, kw_only=True):
    """A way to write an export; the fields of a subclass are its options."""

    suffix: ClassVar[str]  # of files, by convention
    binary: ClassVar[bool] = False

    def write(self, export: Export) -> bytes:
        """The contents of the file. Raises NoFormulaError for what the target can't compute, and UsageError that names
        what to install."""
        raise NotImplementedError

    def difference(self, formula: Formula | None) -> float:
        """How far its results may be off, of the greatest absolute value among the results of a column; 0: same bits
        for finite data. The formula is that of what is exported, if there is one."""
        return 0.0 if formula is not None and is_arithmetic(formula) else 1e-13


def is_arithmetic(formula: Formula) -> bool:
    """Whether a formula consists of operations that are rounded correctly everywhere, in an order that it says."""

    def is_exact(x: object) -> bool:
        if isinstance(x, Call):
            return x.function in ("abs", "sqrt")
        return not isinstance(x, Product | Total) and not (isinstance(x, Binary) and x.operator == "**")

    return all(map(is_exact, in_order(formula.result)))
