/* Decimal to double: see numbers_in.h. */
#include "numbers_in.h"

#include <stddef.h>

/* the powers of ten that a double holds */
const double nk_exact_tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
const uint32_t nk_small_tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

enum {
    GREATEST_EXACT_TEN = 22,
    SIGNIFICANT_BITS = 53,
    BIAS = 1023,
    EXPONENT_LIMIT = 99999 /* beyond which a power of ten may be cut: the number is 0 or infinite already */
};
static const int64_t WRITTEN_LIMIT = INT64_C(10000000000); /* no text has as many digits to make up for it */

/* Eisel and Lemire's product, with the rounding of Lemire's paper, sections 5 to 8. */
uint64_t nk_nearest_double(uint64_t m, int e)
{
    if (e < LEAST_POWER)
        return 0;
    if (e > 308)
        return INFINITE_BITS;
    const int zeros = __builtin_clzll(m);
    const power_of_ten ten = ten_to(e);
    m <<= zeros;
    const uint128 product = (uint128)m * ten.high;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1ff) == 0x1ff) { /* what the low half of the power adds may carry into the bits that count */
        const uint64_t more = (uint64_t)(((uint128)m * ten.low) >> 64);
        low += more;
        high += low < more;
        if (low == UINT64_MAX && (e < -27 || e > EXACT_POWER))
            return UNKNOWN_BITS;
    }
    const int upper = (int)(high >> 63), shift = upper + 64 - SIGNIFICANT_BITS - 2; /* one bit is left to round by */
    uint64_t significand = high >> shift;
    int exponent = log2_of_ten(e) + 63 + upper - zeros + BIAS;
    if (exponent <= 0) { /* below the normal doubles */
        if (exponent <= -63)
            return 0;
        significand >>= 1 - exponent;
        significand += significand & 1;
        return significand >> 1; /* a carry into bit 52 makes it the least normal one */
    }
    /* Halfway between two doubles only where 10^e or 10^-e has few bits: then to the even one. */
    if (UNLIKELY(low <= 1) && e >= -4 && e <= 23 && (significand & 3) == 1 && significand << shift == high)
        significand--;
    significand += significand & 1;
    significand >>= 1;
    if (significand >> SIGNIFICANT_BITS) {
        significand >>= 1;
        exponent++;
    }
    if (exponent >= 0x7ff)
        return INFINITE_BITS;
    return (significand & (UINT64_MAX >> 12)) | (uint64_t)exponent << 52;
}

/* m * 10^e and its neighbour m + 1 where digits were cut off behind m: the bits of both if they are the same. */
static uint64_t nearest_of(uint64_t m, int e, int cut)
{
    if (!cut && m <= WHOLE_DOUBLES && e >= -GREATEST_EXACT_TEN && e <= GREATEST_EXACT_TEN)
        return bits_of(e < 0 ? (double)m / nk_exact_tens[-e] : (double)m * nk_exact_tens[e]);
    const uint64_t bits = nk_nearest_double(m, e);
    return cut && bits != nk_nearest_double(m + 1, e) ? UNKNOWN_BITS : bits;
}

/* The digits of a decimal, as m * 10^e. */
typedef struct {
    uint64_t m;  /* its first 19 digits */
    int64_t e;
    int cut;     /* whether others than zeros are behind those */
    int point;   /* whether there is one */
} decimal;

/* Read digits with or without a point: where they end, or NULL if there are none. */
static const char *read_decimal(const char *text, decimal *d)
{
    int count = 0, any = 0;
    for (;; text++) {
        if (*text == '.' && !d->point) {
            d->point = 1;
            continue;
        }
        if (!is_digit(*text))
            return any ? text : NULL;
        any = 1;
        d->e -= d->point;
        if (count < MOST_DIGITS) {
            d->m = d->m * 10 + (uint64_t)(*text - '0');
            count += d->m != 0;
        } else {
            d->cut |= *text != '0';
            d->e++;
        }
    }
}

/* Add the exponent behind an e to *e: where it ends, or NULL if there are no digits. */
static const char *read_exponent(const char *text, int64_t *e)
{
    const int negative = *text == '-';
    if (negative || *text == '+')
        text++;
    if (!is_digit(*text))
        return NULL;
    int64_t exponent = 0;
    for (; is_digit(*text); text++)
        if (exponent < WRITTEN_LIMIT)
            exponent = exponent * 10 + (*text - '0');
    *e += negative ? -exponent : exponent;
    return text;
}

COLD const char *nk_read_any_number(const char *text, double *x, unsigned *traits)
{
    const int negative = *text == '-';
    if (negative || *text == '+')
        text++;
    decimal d = {0};
    text = read_decimal(text, &d);
    if (!text)
        return NULL;
    const int exponent = (*text | 0x20) == 'e';
    if (exponent) {
        text = read_exponent(text + 1, &d.e);
        if (!text)
            return NULL;
    }
    const int whole = !d.point && !exponent;
    if (d.m == 0 && whole && negative)
        return NULL; /* an integer 0, or a float -0.0: only the type of the column decides */
    const int64_t limit = EXPONENT_LIMIT;
    const int e = (int)(d.e > limit ? limit : d.e < -limit ? -limit : d.e);
    const uint64_t bits = d.m ? nearest_of(d.m, e, d.cut) : 0;
    if (bits >= INFINITE_BITS)
        return NULL;
    *x = double_of(bits | (uint64_t)negative << 63);
    *traits |= !whole ? NK_FRACTION : d.e > 0 || d.m > WHOLE_DOUBLES ? NK_WIDE : 0u;
    return text;
}

int32_t nk_read_number(const char *text, uint64_t size, double *value)
{
    unsigned traits = 0;
    return size && text[size] == '\n' && read_number(text, value, &traits) == text + size;
}
