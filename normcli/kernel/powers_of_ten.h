/* Powers of ten as 128-bit significands, for both directions: the script tables.py makes them. */
#ifndef NK_POWERS_OF_TEN_H
#define NK_POWERS_OF_TEN_H

#include "octets.h"

#define LEAST_POWER (-342)  /* a greatest significand of 64 bits times this is below half of the least double */
#define GREATEST_POWER 324  /* what the least double needs to be written */
#define MOST_FRACTION 23     /* digits behind a point */
#define EXACT_POWER 55      /* from 0 to here, 128 bits hold the power: 5^55 < 2^128 < 5^56 */

/* 10^e = (high * 2^64 + low) * 2^(floor(log2(10^e)) - 127), the highest bit set: rounded up below 10^0, exact to
 * 10^EXACT_POWER, rounded down above. */
typedef struct {
    uint64_t high, low;
} power_of_ten;

HIDDEN extern const power_of_ten nk_powers[GREATEST_POWER - LEAST_POWER + 1];

/* 10^-f for f = 0 to MOST_FRACTION: the high word, and the biased exponent of 2^63 times it, less 1. */
typedef struct {
    uint64_t high, exponent;
} fraction_power;

HIDDEN extern const fraction_power nk_fractions[MOST_FRACTION + 1];

INLINE power_of_ten ten_to(int e)
{
    return nk_powers[e - LEAST_POWER];
}

/* floor(log2(10^e)) for all powers of the table; tables.py checks this formula, and the other two */
INLINE int log2_of_ten(int e)
{
    return (e * 1741647) >> 19;
}

/* floor(log10(2^q)), and floor(log10(3/4 * 2^q)), for all exponents q of doubles as whole numbers times 2^q */
INLINE int log10_of_two(int q)
{
    return (q * 1262611) >> 22;
}

INLINE int log10_of_three_quarters(int q)
{
    return (q * 1262611 - 524031) >> 22;
}

#endif
