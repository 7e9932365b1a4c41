"""Exports: what parameters compute, written for other engines. One file per target, found by its name; its fields are
its options."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from json import dumps
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from normcli import registry
from normcli.blocks.expressions import Binary, Call, Product, Reduction, in_order
from normcli.caching import cached_property
from normcli.errors import NoFormulaError, UsageError
from normcli.parameters import Parameters
from normcli.parameters.formulas import Formula, formula
from normcli.parameters.targets import fixed_types


class Export(Struct, frozen=True, dict=True):
    """What is exported: parameters, of all rows (group 0) or of those of a key; what restores columns, if `inverse`; if
    `lossy`, but for what steps have changed for good."""

    parameters: Parameters
    group: int = 0
    inverse: bool = False
    lossy: bool = False

    @cached_property
    def formula(self) -> Formula:
        """What they compute. Raises NotInvertibleError, NoFormulaError."""
        return formula(self._effective, group=self.group, inverse=self.inverse)

    def check_invertible(self) -> None:
        """Raises NotInvertibleError for what is to be undone and can't be."""
        if self.inverse:
            self._effective.check_invertible()

    @property
    def is_rounded(self) -> bool:
        """Whether it restores integers or decimals, to which `apply` rounds."""
        return self.inverse and bool(fixed_types(self.parameters))

    @property
    def _effective(self) -> Parameters:
        return self.parameters.lossy() if self.inverse and self.lossy else self.parameters

    @property
    def method(self) -> str:
        """The methods of the steps, by name."""
        return " → ".join(dict.fromkeys(registry.name_of(step.method) for step in self.parameters.steps))

    @property
    def rows(self) -> int:
        """How many rows they were learned from."""
        return self.parameters.key_rows[self.group - 1] if self.group else self.parameters.rows

    @property
    def key(self) -> str:
        """What all rows of the key have in common, as a condition in ASCII; empty for all rows."""
        if not self.group:
            return ""
        values = zip(self.parameters.by, self.parameters.keys[self.group - 1], strict=True)
        return " and ".join(f"{dumps(name)} = {dumps(value)}" for name, value in values)

    @property
    def heading(self) -> str:
        """What it is, on one line of ASCII."""
        what = self.method.replace("→", "->") + (" undone" if self.inverse else "")
        where = f" with {self.key}" if self.group else ""
        learned = f", learned from {self.rows:,} rows{where}" if self.parameters.learns else ""
        return f"{what}{learned} ({self.parameters.digest})"


class Target(Struct, frozen=True, kw_only=True):
    """A way to write an export; the fields of a subclass are its options."""

    binary: ClassVar[bool] = False
    undoes: ClassVar[bool] = False  # whether what it writes without `inverse` undoes it, too

    def write(self, export: Export) -> bytes:
        """The contents of the file. Raises NoFormulaError for what the target can't compute, and UsageError that names
        what to install."""
        raise NotImplementedError

    def variants(self) -> Mapping[str, Target]:
        """The target with other options, some of which may do what these do not, by these options as words."""
        return {}

    def difference(self, formula: Formula) -> float:
        """How far its results may be off, of the greatest absolute value among the results of a column; 0: same bits
        for finite data."""
        return 0.0 if is_arithmetic(formula) else 1e-13

    def accuracy(self, export: Export) -> str:
        """The same in words, on one line of ASCII."""
        difference = self.difference(export.formula)
        rounds = " Without --dtype, apply rounds integers and decimals that it restores." * export.is_rounded
        if not difference:
            return f"The same bits as normcli apply in float64.{rounds}"
        relative = "relative to the greatest result of a column"
        return f"Within {difference:.0e} of normcli apply in float64, {relative}.{rounds}"


def content(target: Target, export: Export) -> bytes:
    """What a target writes. Raises NotInvertibleError, NoFormulaError that says which other targets can, and what
    `write` raises."""
    export.check_invertible()
    try:
        return target.write(export)
    except NoFormulaError as e:
        methods = ", ".join(dict.fromkeys(map(registry.name_of, export.parameters.methods)))
        what = f"--to {registry.name_of(target)}: not of {methods}: {e.message}"
        raise NoFormulaError(what, e.hint or _instead(target, export)) from None


def _instead(target: Target, export: Export) -> str:
    """What can instead of a target that can't, as far as its packages are there."""
    kinds = {name: registry.only("exports", name) for name in registry.names("exports")}
    others = {f"--to {name}": kind() for name, kind in kinds.items() if kind is not type(target)}
    able = [words for words, other in {**target.variants(), **others}.items() if _can(other, export)]
    forth = replace(export, inverse=False)
    two_way = [words for words, other in others.items() if export.inverse and other.undoes and _can(other, forth)]
    parts = ((able, " can"), (two_way, " can, without --inverse"))
    return "; ".join(", ".join(names) + what for names, what in parts if names) or "no other target can"


def _can(target: Target, export: Export) -> bool:
    """Whether a target writes an export, and its packages are there."""
    with suppress(UsageError):
        target.write(export)
        return True
    return False


def is_arithmetic(formula: Formula) -> bool:
    """Whether a formula consists of operations that are rounded correctly everywhere, in an order that it says."""

    def is_exact(x: object) -> bool:
        if isinstance(x, Call):
            return x.function in ("abs", "sqrt")
        return not isinstance(x, Product | Reduction) and not (isinstance(x, Binary) and x.operator == "**")

    return all(map(is_exact, in_order(formula.result)))
