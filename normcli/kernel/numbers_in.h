/* Decimal to double: the nearest, to the bit.
 *
 * Digits are read eight at a time. A decimal m * 10^e is then one exact division (W. D. Clinger, "How to read floating
 * point numbers accurately", PLDI 1990), or a product with a power of ten of 128 bits (D. Lemire, after M. Eisel,
 * "Number parsing at a gigabyte per second", Software: Practice and Experience 51, 2021).
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
enum {
    GREATEST_EXACT_TEN = 22, /* of the powers of ten that a double holds */
    MOST_DIGITS = 19         /* that a 64-bit word holds, whatever they are */
};

HIDDEN extern const double nk_exact_tens[GREATEST_EXACT_TEN + 1];
HIDDEN extern const uint32_t nk_small_tens[8];

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

/* Go on with *m over the digits of a text, to where they end. Of more than 19, *m is only the low bits. */
INLINE const char *read_digits(const char *text, uint64_t *m)
{
    for (;;) {
        const uint64_t values = load(text) ^ ZERO_DIGITS, others = beyond_nine(values);
        if (others) {
            const int bit = __builtin_ctzll(others), count = bit >> 3;
            *m = *m * nk_small_tens[count] + eight_digits_value(values << 8 << (63 - bit));
            return text + count;
        }
        *m = *m * 100000000 + eight_digits_value(values);
        text += 8;
    }
}

/* A number as most are, else as nk_read_any_number. Where one ends the next begins, so what counts is how soon that is
 * known: the point is looked for at once, and what stands before it is checked later. */
INLINE const char *read_number(const char *text, double *x, unsigned *traits)
{
    const uint64_t word = load(text), points = zero_bytes(word ^ '.' * ONES);
    const int negative = (char)word == '-', bit = points ? __builtin_ctzll(points) : 63, before = bit >> 3;
    const uint64_t values = ((word ^ ZERO_DIGITS) & ~(uint64_t)(negative ? 0xff : 0)) << 8 << (63 - bit);
    const char *end = text + before + 1;
    uint64_t m = 0;
    int count, fraction = 0;
    unsigned trait = 0;
    if (LIKELY(points && !beyond_nine(values))) {
        m = eight_digits_value(values);
        end = read_digits(end, &m);
        fraction = (int)(end - text) - before - 1;
        count = before - negative + fraction;
        trait = NK_FRACTION;
    } else { /* no point within eight bytes, or one of another field */
        const char *const first = text + negative;
        end = read_digits(first, &m);
        count = (int)(end - first);
        if (*end == '.') {
            const char *const after = end + 1;
            end = read_digits(after, &m);
            fraction = (int)(end - after);
            count += fraction;
            trait = NK_FRACTION;
        }
    }
    if (UNLIKELY(count < 1 || count > MOST_DIGITS || (*end | 0x20) == 'e' || m == 0))
        return nk_read_any_number(text, x, traits);
    double size;
    if (m <= WHOLE_DOUBLES) {
        size = (double)m / nk_exact_tens[fraction];
    } else {
        const uint64_t bits = nk_nearest_double(m, -fraction);
        if (UNLIKELY(bits == UNKNOWN_BITS))
            return NULL;
        size = double_of(bits);
        trait |= trait ? 0u : NK_WIDE;
    }
    *traits |= trait;
    *x = double_of(bits_of(size) | (uint64_t)negative << 63);
    return end;
}

#endif
