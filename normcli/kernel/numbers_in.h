/* Decimal to double: the nearest, to the bit.
 *
 * Digits are read eight at a time. A decimal m * 10^e is then a product with a power of ten of 128 bits (D. Lemire,
 * after M. Eisel, "Number parsing at a gigabyte per second", Software: Practice and Experience 51, 2021); with an
 * exponent, it may be one exact division or product of doubles (W. D. Clinger, "How to read floating point numbers
 * accurately", PLDI 1990), which would be as fast here, but for a branch that follows no pattern.
 *
 * A text must hold, after a number, something that is not part of one, and NK_PADDING readable bytes from there on.
 */
#ifndef NK_NUMBERS_IN_H
#define NK_NUMBERS_IN_H

#include "kernel.h"
#include "powers_of_ten.h"

#define WHOLE_DOUBLES (UINT64_C(1) << 53) /* up to here a double holds every whole number */
#define INFINITE_BITS (UINT64_C(0x7ff) << 52)
#define UNKNOWN_BITS UINT64_MAX
enum { MOST_DIGITS = 19 }; /* that a 64-bit word holds, whatever they are */

HIDDEN extern const uint32_t nk_small_tens[9]; /* 10^0 to 10^8 */
HIDDEN extern const double nk_exact_tens[23];  /* 10^0 to 10^22: those that a double holds */

/* Any number, however it is spelled, to *x: where it ends, or NULL if there is none, if it is infinite, -0 without a
 * point, or if more digits than 19 tell to which double it is nearer. Adds to *traits. */
HIDDEN const char *nk_read_any_number(const char *text, double *x, unsigned *traits);

/* The bits of the double nearest to m * 10^e, m > 0: INFINITE_BITS if that is infinite, UNKNOWN_BITS if 128 bits of the
 * power are too few to tell. */
HIDDEN uint64_t nk_nearest_double(uint64_t m, int e);

INLINE int is_digit(char c)
{
    return (uint8_t)(c - '0') < 10;
}

/* A word of digits' values, 0 to 9, and others: the high bit of each byte that is none, exact up to the lowest. */
INLINE uint64_t beyond_nine(uint64_t values)
{
    return ((values + 0x76 * ONES) | values) & HIGH_BITS;
}

/* What the values of eight digits come to: as pairs, fours, and eight, in three multiplications. */
INLINE uint32_t eight_digits_value(uint64_t values)
{
    const uint64_t pairs = values * 10 + (values >> 8), mask = UINT64_C(0x000000ff000000ff);
    const uint64_t first_and_third = (pairs & mask) * (100 + (UINT64_C(1000000) << 32));
    const uint64_t second_and_fourth = ((pairs >> 16) & mask) * (1 + (UINT64_C(10000) << 32));
    return (uint32_t)((first_and_third + second_and_fourth) >> 32);
}

/* How many digits a word begins with: 0 to 8. */
INLINE int leading_digits(uint64_t values)
{
    const uint64_t others = beyond_nine(values);
    return (others ? __builtin_ctzll(others) : 64) >> 3;
}

/* m, then the first `count` digits of a word, 0 to 8. */
INLINE uint64_t with_digits(uint64_t m, uint64_t values, int count)
{
    const int half = 32 - 4 * count; /* of a shift, which is by 64 where there are none */
    return m * nk_small_tens[count] + eight_digits_value(values << half << half);
}

/* Go on with *m over the digits of a text, to where they end. Of more than 19, *m is only the low bits. */
INLINE const char *read_digits(const char *text, uint64_t *m)
{
    for (;;) {
        const uint64_t values = load(text) ^ ZERO_DIGITS;
        const int count = leading_digits(values);
        *m = with_digits(*m, values, count);
        text += count;
        if (count < 8)
            return text;
    }
}

/* The same behind a point, where 24 digits or more may be taken for 24. Of long ones no branch decides how many there
 * are: 15 to 17 follow no pattern. */
INLINE const char *read_fraction(const char *text, uint64_t *m)
{
    const uint64_t first = load(text) ^ ZERO_DIGITS;
    const int count = leading_digits(first);
    *m = with_digits(*m, first, count);
    if (count < 8)
        return text + count;
    const uint64_t second = load(text + 8) ^ ZERO_DIGITS, third = load(text + 16) ^ ZERO_DIGITS;
    const int more = leading_digits(second), rest = leading_digits(third) & -(more == 8);
    *m = with_digits(with_digits(*m, second, more), third, rest);
    return text + 8 + more + rest;
}

/* The double nearest to m / 10^fraction, m > 0 and fraction from 1 to MOST_FRACTION, as nk_nearest_double has it; here
 * nothing can be infinite, below the normal doubles or unknown, and no branch decides anything usual. The high word of
 * these powers is less than the power, by less than 1, so the product is too small, by less than 1 in its high word:
 * only where that ends in ones does what is missing count, and only there can m be halfway between two doubles. */
INLINE uint64_t nearest_fraction(uint64_t m, uint32_t fraction)
{
    const uint64_t zeros = (uint64_t)__builtin_clzll(m);
    const uint128 product = (uint128)(m << zeros) * nk_fractions[fraction].high;
    const uint64_t high = (uint64_t)(product >> 64);
    if (UNLIKELY((high & 0x1ff) == 0x1ff))
        return nk_nearest_double(m, -(int)fraction);
    const uint64_t upper = high >> 63;
    const uint64_t significand = ((high >> (upper + 9)) + 1) >> 1; /* of 53 bits; a carry goes into the exponent */
    return ((nk_fractions[fraction].exponent + upper - zeros) << 52) + significand;
}

/* How many zeros the digits of a number begin with. */
INLINE int leading_zeros(const char *text)
{
    int count = 0;
    for (text += *text == '-'; *text == '0' || *text == '.'; text++)
        count += *text == '0';
    return count;
}

/* A number as most are: where it ends, or NULL where nk_read_any_number is to be asked, as it is where an exponent may
 * follow. Where a number ends the next begins, so what counts is how soon that is known: the point is looked for at
 * once, and what stands before it is checked later. */
INLINE const char *read_usual_number(const char *text, double *x, unsigned *traits)
{
    const uint64_t word = load(text), points = zero_bytes(word ^ '.' * ONES);
    const int negative = (char)word == '-', bit = points ? __builtin_ctzll(points) : 63, before = bit >> 3;
    const uint64_t values = ((word ^ ZERO_DIGITS) & ~(uint64_t)(negative ? 0xff : 0)) << 8 << (63 - bit);
    const char *end = text + before + 1;
    uint64_t m = 0;
    int count, fraction = 0, point = 1;
    if (LIKELY(points && !beyond_nine(values))) {
        m = eight_digits_value(values);
        end = read_fraction(end, &m);
        fraction = (int)(end - text) - before - 1;
        count = before - negative + fraction;
    } else { /* no point within eight bytes, or one of another field */
        const char *const first = text + negative;
        end = read_digits(first, &m);
        count = (int)(end - first);
        point = *end == '.';
        if (point) {
            const char *const after = end + 1;
            end = read_fraction(after, &m);
            fraction = (int)(end - after);
            count += fraction;
        }
    }
    if (UNLIKELY(count > MOST_DIGITS))
        count = fraction > MOST_FRACTION ? count : count - leading_zeros(text);
    if (UNLIKELY(count > MOST_DIGITS || m == 0)) /* or no digits */
        return NULL;
    const uint64_t bits = fraction ? nearest_fraction(m, (uint32_t)fraction) : bits_of((double)m);
    *traits |= point ? NK_FRACTION : m > WHOLE_DOUBLES ? NK_WIDE : 0u;
    *x = double_of(bits | (uint64_t)negative << 63);
    return end;
}

/* Any number, as nk_read_any_number has it. */
INLINE const char *read_number(const char *text, double *x, unsigned *traits)
{
    unsigned trait = 0;
    const char *const end = read_usual_number(text, x, &trait);
    if (UNLIKELY(!end || (*end | 0x20) == 'e'))
        return nk_read_any_number(text, x, traits);
    *traits |= trait;
    return end;
}

#endif
