"""Keys: each compared by itself, by its moments."""

from collections import defaultdict

import numpy as np
from msgspec import Struct

from normcli.blocks.record import Array
from normcli.drift.comparing import Columns, Compared
from normcli.drift.describing import described
from normcli.drift.measures import Pair
from normcli.drift.raw_columns import columns_of, raw
from normcli.limits import Limits
from normcli.parameters import Parameters, Step, StepStates
from normcli.parameters.keys import Key, Keyed


class KeyDrift(Struct, frozen=True):
    """A key that has drifted: the number of its new rows, and those of its columns that have drifted."""

    key: Key
    rows: int
    columns: tuple[Columns, ...]


class KeyComparison(Struct, frozen=True):
    """The keys that have drifted, in order, of those that were `compared`, which have rows enough."""

    by: tuple[str, ...]
    compared: int
    drifted: tuple[KeyDrift, ...]


class KeyPairs(Struct, frozen=True):
    """The keys of the fit that new data have, before the verdict. The columns of an entry are those of a step, of one
    key after the other."""

    by: tuple[str, ...]
    keys: tuple[Key, ...]
    rows: Array  # (keys,) of new data
    entries: tuple[Compared, ...]
    min_rows: int

    @classmethod
    def of(cls, parameters: Parameters, keyed: Keyed, min_rows: int) -> "KeyPairs":
        """`keyed` has the states of each step that learns, by key."""
        at = {key: i for i, key in enumerate(parameters.keys)}
        common = [(at[key], i) for i, key in enumerate(keyed.keys) if key in at]
        fitted, data = np.array(common, np.intp).reshape(len(common), 2).T
        rows = np.array(parameters.key_rows, np.float64)[fitted], keyed.rows[data]
        weighted = parameters.weights is not None
        entries = []
        for step, mask, states in zip(parameters.steps, raw(parameters), keyed.states, strict=True):
            if step.learns and mask.any() and states:
                sides = (
                    tuple(s.taken(1 + fitted) for s in step.states), tuple(s.taken(data) for s in states)
                )  # fmt: skip
                pair = _pair(step, sides, rows, weighted=weighted)
                names, columns = step.features * len(common), columns_of(step) * len(common)
                entries.append(Compared.of(names, columns, pair, np.repeat(rows[1] >= min_rows, len(mask)), min_rows))
        keys = tuple(key for key in keyed.keys if key in at)
        return cls(parameters.by, keys, rows[1], tuple(entries), min_rows)

    def comparisons(self, limits: Limits) -> int:
        """The number of values that may be past their limit."""
        return sum(entry.comparisons(limits) for entry in self.entries)

    def judged_by(self, limits: Limits, alpha: float) -> KeyComparison:
        """The verdict, where undrifted data exceed each floor with a probability of at most `alpha`."""
        columns = defaultdict[int, list[Columns]](list)
        for entry in self.entries:
            judged = entry.judged_by(limits, alpha)
            features = len(judged.names) // max(len(self.keys), 1)
            drifted = np.flatnonzero(judged.drifted)
            for i in np.unique(drifted // features).tolist() if len(drifted) else []:
                columns[i].append(judged.taken(drifted[drifted // features == i]))
        some = tuple(KeyDrift(self.keys[i], int(self.rows[i]), tuple(columns[i])) for i in sorted(columns))
        return KeyComparison(self.by, int((self.rows >= self.min_rows).sum()), some)


def _pair(step: Step, sides: tuple[StepStates, StepStates], rows: tuple[Array, Array], *, weighted: bool) -> Pair:
    """(keys · features,) of both sides. What lies outside the range of a key is not counted, but for a column of one
    value of which there is none in the new data."""
    features = len(step.features)
    with np.errstate(all="ignore"):
        fitted, data = (
            {n: a.ravel() for n, a in described(states, features, n_rows[:, None] if weighted else None).items()}
            for states, n_rows in zip(sides, rows, strict=True)
        )
        if step.method.by_row:
            fitted["missing"] = data["missing"] = np.full(len(fitted["count"]), np.nan)
        elsewhere = (data["min"] > fitted["max"]) | (data["max"] < fitted["min"])
        constant = fitted["min"] == fitted["max"]
        data["outside"] = np.where(constant & elsewhere, 1.0, np.nan)
    all_rows = (np.repeat(rows[0], features), np.repeat(rows[1], features))
    return Pair(fitted, data, (fitted["rows"], data["rows"]), all_rows)
