"""Covering arrays: rows of choices in which every pair of values of two factors that can meet does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product

PlanStep = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]
TRIES = 4  # candidates for each row, of which the one that covers most is taken


def pairs_of(choice: Mapping[str, str]) -> Iterator[Pair]:
    """Of a choice's values, each with its factor, by the names of the factors."""
    return combinations(sorted(choice.items()), 2)


def feasible_pairs(factors: Mapping[str, Sequence[str]], excluded: Callable[[PlanStep], bool]) -> set[Pair]:
    """Those that are not excluded by themselves."""
    every = (product([(f, v) for v in factors[f]], [(g, v) for v in factors[g]]) for f, g in combinations(factors, 2))
    pairs = {_pair(a, b) for each in every for a, b in each}
    return {pair for pair in pairs if not excluded(dict(pair))}


def covering_array(
    factors: Mapping[str, Sequence[str]], excluded: Callable[[PlanStep], bool], *, seed: int = 0
) -> Iterator[PlanStep]:
    """Greedy, as AETG (Cohen, Dalal, Fredman and Patton 1997): each row begins with a pair that is not covered yet, and
    every other factor takes the value that covers most; always the same rows. The first value of a factor is excluded
    by nothing."""
    rng, left = random.Random(seed), feasible_pairs(factors, excluded)
    while left:
        start = min(left)
        row = max((_row(factors, excluded, start, left, rng) for _ in range(TRIES)), key=_gain(left))
        yield row
        left.difference_update(pairs_of(row))


def _gain(left: set[Pair]) -> Callable[[PlanStep], int]:
    return lambda row: sum(pair in left for pair in pairs_of(row))


def _row(
    factors: Mapping[str, Sequence[str]], excluded: Callable[[PlanStep], bool], start: Pair, left: set[Pair],
    rng: random.Random,
) -> PlanStep:  # fmt: skip
    """One that begins with a pair. Raises ValueError where there is none, though nothing excludes the pair."""
    for _ in range(100):
        row = dict(start)
        others = [f for f in factors if f not in row]
        for factor in rng.sample(others, len(others)):
            values = [v for v in factors[factor] if not excluded({**row, factor: v})]
            if not values:  # what was taken before leaves none
                break
            gains = {v: (sum(_pair((factor, v), p) in left for p in row.items()), rng.random()) for v in values}
            row[factor] = max(values, key=gains.__getitem__)
        else:
            return row
    raise ValueError(f"{start}: a rule that excludes this pair is missing")


def _pair(a: tuple[str, str], b: tuple[str, str]) -> Pair:
    return (a, b) if a < b else (b, a)


def random_rows(
    factors: Mapping[str, Sequence[str]], excluded: Callable[[PlanStep], bool], count: int, *, seed: int
) -> list[PlanStep]:
    """So many, each value as likely as others that can be there."""
    rng = random.Random(seed)
    pairs = sorted(feasible_pairs(factors, excluded))
    return [_row(factors, excluded, rng.choice(pairs), set(), rng) for _ in range(count)]
