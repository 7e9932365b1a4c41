"""Write powers.h, the rows of the tables in powers_of_ten.c: python tables.py > powers.h

A row of nk_powers is the 128-bit significand of 10^e with its highest bit set, rounded up below 10^0, exact to 10^55,
and rounded down above: so Eisel and Lemire's proof wants them for reading. Schubfach's, for writing, wants them rounded
up; it adds 1 to the low word above 10^55, which never carries (checked here). Rows of nk_fractions are the high words
of 10^0 and below, and the exponents of doubles that go with them.

All arithmetic is on Python's integers. The formulas for logarithms in powers_of_ten.h are checked for every exponent in
use. Nothing but the standard library is needed: the script runs while a wheel is built.
"""

LEAST, GREATEST = -342, 324
EXACT = 55
FRACTION = 23  # MOST_FRACTION


def significand(e: int) -> int:
    """The 128-bit significand of 10^e."""
    power: int = 5 ** abs(e)
    if e >= 0:
        shift = 128 - power.bit_length()
        return power << shift if shift >= 0 else power >> -shift
    shift = 127 + power.bit_length()  # 2^shift / power is in [2^127, 2^128): no power of five is one of two
    return -(-(1 << shift) // power)


def floor_log2_of_ten(e: int) -> int:
    """floor(log2(10^e))"""
    power: int = 10 ** abs(e)
    return power.bit_length() - 1 if e >= 0 else -(power - 1).bit_length()


def floor_log10(numerator: int, denominator: int) -> int:
    """floor(log10(numerator / denominator))"""
    guess = len(str(numerator)) - len(str(denominator))
    reached = numerator * 10 ** max(-guess, 0) >= denominator * 10 ** max(guess, 0)
    return guess if reached else guess - 1


def check() -> None:
    """Raises AssertionError if a formula of powers_of_ten.h is wrong, or adding 1 to a low word would carry."""
    for e in range(LEAST, GREATEST + 1):
        assert (1741647 * e) >> 19 == floor_log2_of_ten(e), e
        assert significand(e).bit_length() == 128, e
        assert e <= EXACT or significand(e) % 2**64 != 2**64 - 1, e
    for e in range(EXACT + 1):
        assert significand(e) == (10**e << 127) >> floor_log2_of_ten(e), e
        assert significand(e) << floor_log2_of_ten(e) == 10**e << 127, e  # exact
    for q in range(-1074, 972):
        numerator, denominator = 2 ** max(q, 0), 2 ** max(-q, 0)
        assert (1262611 * q) >> 22 == floor_log10(numerator, denominator), q
        assert (1262611 * q - 524031) >> 22 == floor_log10(3 * numerator, 4 * denominator), q


def header() -> str:
    """The text of powers.h."""
    check()
    same = f"LEAST_POWER == {LEAST} && GREATEST_POWER == {GREATEST} && EXACT_POWER == {EXACT}"
    same += f" && MOST_FRACTION == {FRACTION}"
    lines = ["/* Made by tables.py; not to be edited. */", f"#if !({same})", "#error another range of powers", "#endif"]
    lines.append("#ifdef NK_FRACTIONS")
    for e in range(0, -FRACTION - 1, -1):
        lines.append(f"{{UINT64_C(0x{significand(e) >> 64:016x}), {floor_log2_of_ten(e) + 63 + 1022}}}, /* {e} */")
    lines.append("#else")
    for e in range(LEAST, GREATEST + 1):
        high, low = divmod(significand(e), 2**64)
        lines.append(f"{{UINT64_C(0x{high:016x}), UINT64_C(0x{low:016x})}}, /* {e} */")
    return "\n".join([*lines, "#endif", ""])


if __name__ == "__main__":
    print(header(), end="")
