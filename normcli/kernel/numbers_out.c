/* Double to decimal: see numbers_out.h. */
#include "numbers_out.h"

#include "kernel.h"

/* 2^128 parts of a unit cut off to whole ones, the lowest bit set where anything was lost. */
static uint64_t sticky(uint128 parts)
{
    return (uint64_t)(parts >> 64) | ((uint64_t)parts > 1);
}

/* What reads back as c * 2^q lies from (c - 1/2) * 2^q to (c + 1/2) * 2^q, with the ends where c is even; the lower end
 * is half as far where c is the least of its binade. Giulietti looks among multiples of 10^(k + 1), of which at most
 * one fits, then of 10^k, and compares in quarters of 10^k. */
COLD shortest nk_shortest_exactly(uint64_t bits)
{
    const int uneven = bits << 12 == 0 && bits >> 52 > 1;
    const scaled v = scale(bits, uneven);
    const uint64_t odd = v.c & 1;

    /* four times the value, with 64 more bits in `low`, and half of a unit of c */
    const uint64_t four = v.c << 2 << v.shift;
    const uint128 rest = (uint128)four * v.ten.low;
    const uint64_t low = (uint64_t)rest;
    const uint128 value = (uint128)four * v.ten.high + (uint64_t)(rest >> 64);
    const uint128 ten = (uint128)v.ten.high << 64 | v.ten.low;
    const uint128 above = ten >> (63 - v.shift), below = above >> uneven;
    const uint64_t above_low = v.ten.low << (v.shift + 1), below_low = v.ten.low << (v.shift + 1 - uneven);

    const uint64_t middle = sticky(value);
    const uint64_t greatest = sticky(value + above + (low + above_low < low)) - odd;
    const uint64_t least = sticky(value - below - (low < below_low)) + odd;

    const uint64_t whole = middle >> 2, tens = whole / 10 * 10;
    const int tens_fit = least <= 4 * tens, next_tens_fit = 4 * tens + 40 <= greatest;
    const int fits = least <= 4 * whole, next_fits = 4 * whole + 4 <= greatest;
    const int nearer = middle + (whole & 1) > 4 * whole + 2; /* the next is; or it is as near, and even */
    shortest d = {whole + (uint64_t)(fits != next_fits ? next_fits : nearer), v.k};
    if (tens_fit != next_tens_fit)
        d.digits = tens + (next_tens_fit ? 10 : 0);
    return d;
}

COLD char *nk_write_scientific(char *text, uint64_t first, uint64_t high, uint64_t low, int count, int exponent)
{
    char others[16];
    store(others, high | ZERO_DIGITS);
    store(others + 8, low | ZERO_DIGITS);
    *text++ = (char)('0' + first);
    if (count) {
        *text++ = '.';
        memcpy(text, others, (size_t)count);
        text += count;
    }
    *text++ = 'e';
    *text++ = exponent < 0 ? '-' : '+';
    const int size = exponent < 0 ? -exponent : exponent;
    if (size >= 100)
        *text++ = (char)('0' + size / 100);
    if (size >= 10)
        *text++ = (char)('0' + size / 10 % 10);
    *text++ = (char)('0' + size % 10);
    return text;
}

uint32_t nk_write_number(double x, char *text)
{
    return (bits_of(x) & ~MINUS_BIT) < UINT64_C(0x7ff) << 52 ? (uint32_t)(write_number(text, x) - text) : 0;
}
