"""Numbers on which readers and writers of decimals are known to go wrong, and their spelling from repr."""

import math
import random
import struct
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

LEAST = 5e-324  # double

# between two doubles, or a digit away from that; of few bits; below the normal ones; at the ends of their spellings
DECIMALS = (Path(__file__).parents[1] / "data" / "hard_decimals.txt").read_text().split()
DOUBLES = [float(text) for text in DECIMALS]
LONG_DECIMALS = [
    "1" + "0" * 308,
    "0." + "0" * 400 + "1e401",
    "0." + "0" * 150_000 + "1e150001",
    "1" + "0" * 400 + "e-400",
    "0" * 500 + "1.5",
    "1." + "0" * 600,
]
NO_NUMBERS = [
    "",
    "1 ",
    " 1",
    "+",
    "-",
    ".",
    "e5",
    "1e",
    "1e+",
    "+-1",
    "1.2.3",
    "1_0",
    "0x10",
    "nan",
    "inf",
    "--1",
    "1e--1",
]
TOO_LARGE = ["1e309", "1.7976931348623159e308", "-1e400", "1" + "0" * 400, "1e99999999999999999999"]


def random_doubles(count: int, dice: random.Random) -> Iterator[float]:
    """Finite: of random bits, powers of two and their neighbours, short decimals, below the normal ones."""
    while count:
        kind = dice.randrange(5)
        if kind == 0:
            x = struct.unpack("d", struct.pack("Q", dice.getrandbits(64)))[0]
        elif kind == 1:
            x = 2.0 ** dice.randrange(-1074, 1024)
            x = math.nextafter(x, dice.choice([-math.inf, math.inf])) if dice.randrange(3) else x
        elif kind == 2:
            x = round(dice.gauss(0, 1000), dice.randrange(8))
        elif kind == 3:
            x = dice.getrandbits(dice.randrange(1, 53)) * LEAST
        else:
            x = dice.gauss(0, 1)
        if math.isfinite(x):
            yield x
            count -= 1


def halfway(x: float, dice: random.Random) -> str:
    """The decimal between x > 0 and the double above, exactly or cut off, or a unit of its last digit beside it."""
    above = math.nextafter(x, math.inf)
    middle = (Fraction(x) + Fraction(above)) / 2 if math.isfinite(above) else Fraction(x)
    exponent = math.floor(math.log10(x)) if x > 1e-300 else -324
    digits = dice.choice([17, 18, 19, 20, 25, 40])
    scaled = middle * Fraction(10) ** (digits - exponent)
    return f"{round(scaled) + dice.choice([-1, 0, 0, 0, 1])}e{exponent - digits}"


def random_decimals(count: int, dice: random.Random) -> Iterator[str]:
    """A third of them halfway between doubles, the others of 1 to 25 digits, with exponents to 400."""
    for x in random_doubles(count, dice):
        if dice.randrange(3) == 0:
            yield halfway(abs(x) or 1.0, dice)
            continue
        whole = "".join(dice.choices("0123456789", k=dice.choice([0, 1, 2, 3, 7, 8, 9, 15, 16, 17])))
        part = "".join(dice.choices("0123456789", k=dice.choice([0, 1, 2, 3, 6, 8, 13, 15, 16, 17])))
        decimal = f"{whole}.{part}" if part or dice.randrange(2) else whole
        exponent = dice.choice(["", "", "", f"e{dice.randrange(-400, 400)}", f"E{dice.randrange(-20, 20):+d}"])
        yield dice.choice(["", "-", "+"]) + (decimal if decimal.strip(".") else "5") + exponent


def spelling(x: float) -> str:
    """As the kernel is to write it: the digits of repr, a point from 1e-5 to below 1e16, else an exponent."""
    sign, digits, exponent = Decimal(repr(x)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, minus = "".join(map(str, digits)), "-" if sign else ""
    point = len(text) + exponent  # digits before it
    if x == 0:
        return minus + "0.0"
    if not 1e-5 <= abs(x) < 1e16:
        fraction = "." + text[1:] if len(text) > 1 else ""
        return f"{minus}{text[0]}{fraction}e{point - 1:+d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    return f"{minus}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"
