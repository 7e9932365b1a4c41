/* A number of which it is known where it ends: its last sixteen digits at once, in one register. */
#ifndef NK_NUMBERS_WITHIN_H
#define NK_NUMBERS_WITHIN_H

#include "numbers_in.h"

#include <emmintrin.h>

enum { LANES = 16, MOST_BEFORE = 8 }; /* digits of the register, and of a word before them */

/* All bits of the last `count` lanes, 0 to LANES. */
INLINE __m128i last_lanes(int count)
{
    static const uint8_t lanes[2 * LANES] = {
        [LANES] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    return _mm_loadu_si128((const __m128i *)(const void *)(lanes + count));
}

INLINE __m128i load_lanes(const char *text)
{
    return _mm_loadu_si128((const __m128i *)(const void *)text);
}

/* What the values of sixteen digits come to: as pairs, fours, eights. */
INLINE uint64_t sixteen_digits_value(__m128i values)
{
    const __m128i tens = _mm_mullo_epi16(_mm_and_si128(values, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
    const __m128i pairs = _mm_add_epi16(tens, _mm_srli_epi16(values, 8));
    const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
    const __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(10000 | 1 << 16));
    const uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

/* The values of the first `count` bytes of a word, 0 to 8, as its last, and zeros before them. */
INLINE uint64_t first_digits(uint64_t word, int count)
{
    const int half = 32 - 4 * count; /* of a shift, which is by 64 where there are none */
    return (word ^ ZERO_DIGITS) << half << half;
}

/* A word without the byte at a place, 0 to 7. */
INLINE uint64_t without_byte(uint64_t word, int place)
{
    const uint64_t before = (UINT64_C(1) << 8 * place) - 1;
    return (word & before) | (word >> 8 & ~before);
}

/* Read the number that is the text up to `end`, if it is one without an exponent: whether it is; if not, it may be one
 * yet. Nothing before `begin` is read. Branches ask for nothing but what the numbers of a column mostly have in common:
 * not for the sign, the place of the point, or whether the last of many digits is there. */
INLINE int read_number_within(const char *begin, const char *text, const char *end, double *x, unsigned *traits)
{
    const int negative = *text == '-', size = (int)(end - text) - negative, many = size > LANES;
    text += negative;
    if (UNLIKELY(end - begin <= LANES || end - text > LANES + MOST_BEFORE))
        return 0;
    const __m128i late = load_lanes(end - LANES);
    const unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(late, _mm_set1_epi8('.'))) &
                            (UINT32_C(0xffff0000) >> (many ? LANES : size)); /* others are of fields before */
    __m128i digits = late;
    uint64_t before = 0;
    int fraction = 0, count = size;
    if (LIKELY(points)) { /* without the last point, what stands before it is one further to the right */
        fraction = __builtin_clz(points) - LANES;
        const __m128i behind = last_lanes(fraction), early = load_lanes(end - LANES - 1);
        digits = _mm_or_si128(_mm_and_si128(behind, late), _mm_andnot_si128(behind, early));
        count--;
        if (count > LANES)
            before = first_digits(load(text), count - LANES);
    } else if (many) {
        const uint64_t word = load(text), point = zero_bytes(word ^ '.' * ONES);
        count--;
        fraction = count - lowest_byte(point | UINT64_C(1) << 63);
        if (!point || fraction < LANES)
            return 0;
        before = first_digits(without_byte(word, count - fraction), count - LANES);
    }
    digits = _mm_and_si128(_mm_sub_epi8(digits, _mm_set1_epi8('0')), last_lanes(count < LANES ? count : LANES));
    const __m128i excess = _mm_subs_epu8(digits, _mm_set1_epi8(9));
    const int others = _mm_movemask_epi8(_mm_cmpeq_epi8(excess, _mm_setzero_si128())) ^ 0xffff;
    const uint64_t first = eight_digits_value(before);
    const uint64_t m = first * UINT64_C(10000000000000000) + sixteen_digits_value(digits);
    if (UNLIKELY(others || beyond_nine(before) || first >= 1000 || !m)) /* more digits than 19; or 0, or none */
        return 0;
    *traits |= points || many ? NK_FRACTION : m > WHOLE_DOUBLES ? NK_WIDE : 0u;
    const uint64_t bits =
        many && fraction ? nearest_fraction(m, (uint32_t)fraction) : bits_of((double)m / nk_exact_tens[fraction]);
    *x = double_of(bits | (uint64_t)negative << 63);
    return 1;
}

#endif
