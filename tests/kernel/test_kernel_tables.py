"""The table of powers, and what the writer of numbers takes for granted about 64 bits of it, by exact fractions."""

import random
from fractions import Fraction

from normcli.kernel import tables

TEN, LOW = Fraction(10), (1 << 64) - 1


def exponent(e: int) -> int:
    """Of two, by which the significand of 10^e is to be multiplied."""
    return tables.floor_log2_of_ten(e) - 127


def test_formulas_for_logarithms_hold_for_every_exponent() -> None:
    tables.check()


def test_significands_are_rounded_up_below_one_exact_for_a_while_and_then_rounded_down() -> None:
    for e in range(tables.LEAST, tables.GREATEST + 1):
        off = tables.significand(e) - TEN**e / Fraction(2) ** exponent(e)
        assert abs(off) < 1
        assert off > 0 if e < 0 else off == 0 if e <= tables.EXACT else off < 0


def test_what_64_bits_say_is_less_than_two_units_off_for_every_exponent_of_doubles() -> None:
    """As shortest_decimal of numbers_out.h computes them in units of 2^-60 * 10^k: how far a double c * 2^q is above a
    multiple of ten, and half its distance from the next; it leaves to the exact way what is closer than four."""
    dice = random.Random(31)
    for q in range(-1074, 972):
        k = (q * 1262611) >> 22
        shift = q + tables.floor_log2_of_ten(-k) + 1
        assert 1 <= shift <= 4
        power = tables.significand(-k) + (-k > tables.EXACT)
        unit, half = TEN**k / 2**60, (power >> 64) >> (5 - shift)
        assert abs(half - Fraction(2) ** (q - 1) / unit) < 1
        assert 2**59 <= half < 5 * 2**60
        for c in (1 << 52, (1 << 53) - 1, dice.randrange(1 << 52, 1 << 53), dice.randrange(1, 1 << 52)):
            value = (c << shift) * (power >> 64) + ((c << shift) * (power & LOW) >> 64)
            whole, behind = value >> 64, value & LOW
            tens = whole // 10 * 10
            over = (whole - tens) << 60 | behind >> 4
            assert abs(over - (c * Fraction(2) ** q / unit - tens * 2**60)) < 2
            assert abs(over - half - (c * Fraction(2) ** q / unit - tens * 2**60 - Fraction(2) ** (q - 1) / unit)) < 2
