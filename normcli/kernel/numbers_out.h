/* Double to the shortest decimal that reads back as it, and of those the nearest.
 *
 * The exact way is that of R. Giulietti, "The Schubfach way to render doubles", 2020. The value and the bounds of what
 * reads back as it are products with a power of ten; here one product is enough, for a bound is the value plus or minus
 * the power itself. It is asked next to never: 64 bits behind the point decide nearly always, as told at
 * shortest_decimal.
 */
#ifndef NK_NUMBERS_OUT_H
#define NK_NUMBERS_OUT_H

#include "powers_of_ten.h"

#define MINUS_BIT (UINT64_C(1) << 63)
#define TEN_8 UINT64_C(100000000)
#define TEN_16 UINT64_C(10000000000000000)
enum { MOST_DIGITS_OUT = 17 };

typedef struct {
    uint64_t digits; /* the shortest, then zeros */
    int exponent;    /* of ten: the value is digits * 10^exponent */
} shortest;

/* A double c * 2^q in units of 10^k, where 10^k <= 2^q < 10^(k + 1): (c << shift) * ten / 2^128. */
typedef struct {
    uint64_t c;
    power_of_ten ten; /* rounded up */
    int k, shift;     /* shift is 1 to 4 */
} scaled;

/* The shortest decimal of the double of these bits, finite and above 0, exactly. */
HIDDEN shortest nk_shortest_exactly(uint64_t bits);

/* Write digits d.ddde-7: the first, and `count` of 16 others, eight values in each word. Where it ends. */
HIDDEN char *nk_write_scientific(char *text, uint64_t first, uint64_t high, uint64_t low, int count, int exponent);

/* `uneven`: three quarters of 2^q count instead, for a double that is nearer to the one below than to the one above. */
INLINE scaled scale(uint64_t bits, int uneven)
{
    const uint64_t fraction = bits & (UINT64_MAX >> 12);
    const int biased = (int)(bits >> 52), q = (biased ? biased : 1) - 1075;
    scaled v;
    v.c = biased ? fraction | UINT64_C(1) << 52 : fraction;
    v.k = uneven ? log10_of_three_quarters(q) : log10_of_two(q);
    v.shift = q + log2_of_ten(-v.k) + 1;
    v.ten = ten_to(-v.k);
    v.ten.low += -v.k > EXACT_POWER; /* never carries: tables.py checks it */
    return v;
}

/* The shortest decimal of the double of these bits, finite and above 0.
 *
 * The value is whole + behind / 2^64 in units of 10^k. Half the distance to the next double is at least 1/2 of that and
 * less than 5, so at most one multiple of ten reads back as the double, and the nearest whole number always does. The
 * three comparisons are of numbers that are less than two units of 2^-60 off; where they are closer than four, and for
 * powers of two, whose neighbours are not equally far, the exact way decides. */
INLINE shortest shortest_decimal(uint64_t bits)
{
    const scaled v = scale(bits, 0);
    const uint64_t c = v.c << v.shift;
    const uint128 value = (uint128)c * v.ten.high + (uint64_t)(((uint128)c * v.ten.low) >> 64);
    const uint64_t whole = (uint64_t)(value >> 64), behind = (uint64_t)value, tens = whole / 10 * 10;
    /* in units of 2^-60: half a distance, and the distances to the multiples of ten below and above */
    const uint64_t half = v.ten.high >> (5 - v.shift);
    const uint64_t over = (whole - tens) << 60 | behind >> 4, under = (UINT64_C(10) << 60) - over;
    const int close = (over - half + 4 <= 8) | (under - half + 4 <= 8) | (behind - MINUS_BIT + 4 <= 8) | !(bits << 12);
    if (UNLIKELY(close))
        return nk_shortest_exactly(bits);
    shortest d = {whole + (behind >> 63), v.k};
    d.digits = under < half ? tens + 10 : d.digits;
    d.digits = over < half ? tens : d.digits;
    return d;
}

/* The values of the eight digits of x < 10^8, the first in the lowest byte: fours, pairs and digits, in all parts of
 * the word at once. */
INLINE uint64_t digit_values(uint64_t x)
{
    const uint64_t high = (x * 109951163) >> 40; /* x / 10^4 */
    const uint64_t fours = (x << 32) - high * ((UINT64_C(10000) << 32) - 1);
    const uint64_t hundreds = ((fours * 10486) >> 20) & UINT64_C(0x0000007f0000007f);
    const uint64_t pairs = (fours << 16) - hundreds * ((100 << 16) - 1);
    const uint64_t tens = ((pairs * 103) >> 10) & UINT64_C(0x000f000f000f000f);
    return (pairs << 8) - tens * ((10 << 8) - 1);
}

/* How many of sixteen digits are left without the zeros at the end. */
INLINE int significant_digits(uint64_t high, uint64_t low)
{
    return low ? 16 - (__builtin_clzll(low) >> 3) : high ? 8 - (__builtin_clzll(high) >> 3) : 0;
}

/* d.ddd or 0.000ddd, where the point is behind `point` digits, 1 to -4: no branch decides which, for z-scores follow
 * no pattern. */
INLINE char *write_below_ten(char *text, uint64_t first, uint64_t high, uint64_t low, int count, int point)
{
    const int whole = point == 1;
    char *const others = text + (3 - point);
    memcpy(text, "0.000000", 8);
    others[-1 - whole] = (char)('0' + first);
    store(others, high | ZERO_DIGITS);
    store(others + 8, low | ZERO_DIGITS);
    return others + (count + (whole & !count));
}

/* ddd.ddd, where the point is behind 2 to 16 digits; a whole number gets a zero behind it. */
INLINE char *write_above_ten(char *text, uint64_t first, uint64_t high, uint64_t low, int count, int point)
{
    const uint128 others = ((uint128)low << 64 | high) >> (8 * (point - 1));
    text[0] = (char)('0' + first);
    store(text + 1, high | ZERO_DIGITS);
    store(text + 9, low | ZERO_DIGITS);
    text[point] = '.';
    store(text + point + 1, (uint64_t)others | ZERO_DIGITS);
    store(text + point + 9, (uint64_t)(others >> 64) | ZERO_DIGITS);
    return text + point + 1 + (count >= point ? count - point + 1 : 1);
}

/* Write a finite x into NK_ROOM bytes: where it ends. */
INLINE char *write_number(char *text, double x)
{
    const uint64_t bits = bits_of(x) & ~MINUS_BIT;
    *text = '-';
    text += bits_of(x) >> 63;
    if (UNLIKELY(!bits)) {
        memcpy(text, "0.0", 3);
        return text + 3;
    }
    shortest d = shortest_decimal(bits);
    while (UNLIKELY(bits >> 52 == 0) && d.digits < TEN_16 / 10) { /* below the normal doubles there may be fewer */
        d.digits *= 10;
        d.exponent--;
    }
    /* Now there are 16 or 17 digits. No branch: which it is follows no pattern. */
    const int sixteen = d.digits < TEN_16;
    d.digits += d.digits * 9 & -(uint64_t)sixteen;
    const int point = d.exponent - sixteen + MOST_DIGITS_OUT; /* digits before it */
    const uint64_t nine = d.digits / TEN_8, first = nine / TEN_8;
    const uint64_t high = digit_values(nine - first * TEN_8), low = digit_values(d.digits - nine * TEN_8);
    const int count = significant_digits(high, low);
    if (UNLIKELY(point < -4 || point > 16))
        return nk_write_scientific(text, first, high, low, count, point - 1);
    if (point <= 1)
        return write_below_ten(text, first, high, low, count, point);
    return write_above_ten(text, first, high, low, count, point);
}

#endif
