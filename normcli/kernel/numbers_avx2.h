/* A number of which it is known where it ends: its last 32 characters at once, in one register. What takes time is the
 * number of instructions, so those of AVX2 take two thirds of the time of those in numbers_within.h. */
#ifndef NK_NUMBERS_AVX2_H
#define NK_NUMBERS_AVX2_H

#include "numbers_in.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))) /* NK_AVX2_AND_BITS */

enum {
    WIDTH = 32,
    LONGEST_WITHIN = 24, /* characters without a sign: no more than MOST_FRACTION of them are behind a point */
    LONGEST_SHORT = 16   /* with a point among them, these are digits that a double holds exactly */
};

AVX2 INLINE __m256i load_wide(const void *bytes)
{
    return _mm256_loadu_si256((const __m256i *)bytes);
}

/* Vectors that are the same for all numbers. */
typedef struct {
    __m256i points, zeros, nines, pairs, fours, eights;
} constants;

/* The same vector, which the compiler does not make anew for every number. */
AVX2 INLINE __m256i lasting(__m256i vector)
{
    __asm__("" : "+x"(vector));
    return vector;
}

AVX2 INLINE constants find_constants(void)
{
    return (constants){
        .points = lasting(_mm256_set1_epi8('.')),
        .zeros = lasting(_mm256_set1_epi8('0')),
        .nines = lasting(_mm256_set1_epi8(9)),
        .pairs = lasting(_mm256_set1_epi16(10 | 1 << 8)),
        .fours = lasting(_mm256_set1_epi32(100 | 1 << 16)),
        .eights = lasting(_mm256_set1_epi32(10000 | 1 << 16)),
    };
}

#define ALL 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
static const uint8_t bits_of_lanes[3 * WIDTH] __attribute__((aligned(WIDTH))) = {[WIDTH] = ALL, ALL};

/* All bits of the last `count` lanes, 0 to WIDTH. */
AVX2 INLINE __m256i last_of_lanes(uint32_t count)
{
    return load_wide(bits_of_lanes + count);
}

/* All bits of the other ones. */
AVX2 INLINE __m256i before_last_of_lanes(uint32_t count)
{
    return load_wide(bits_of_lanes + WIDTH + count);
}

/* What the last 24 lanes come to, of which all others are 0; 0 too if they are not digits, or more than 19. */
AVX2 INLINE uint64_t digits_value(const constants *same, __m256i values)
{
    const __m256i excess = _mm256_subs_epu8(values, same->nines);
    const __m256i pairs = _mm256_maddubs_epi16(values, same->pairs);
    const __m256i fours = _mm256_madd_epi16(pairs, same->fours);
    const __m256i eights = _mm256_madd_epi16(_mm256_packus_epi32(fours, fours), same->eights);
    const uint64_t early = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(eights)) >> 32;
    const uint64_t late = (uint64_t)_mm_cvtsi128_si64(_mm256_extracti128_si256(eights, 1));
    if (UNLIKELY(!_mm256_testz_si256(excess, excess)) || UNLIKELY(early >= 1000))
        return 0;
    return early * UINT64_C(10000000000000000) + (late & UINT32_MAX) * 100000000 + (late >> 32);
}

/* Read the number that is the text up to `end`, if it is one without an exponent: whether it is; if not, it may be one
 * yet. WIDTH + 1 bytes before `end` must be readable. */
AVX2 INLINE int read_number_before(const constants *same, const char *text, const char *end, double *x, unsigned *traits)
{
    const uint32_t negative = _lzcnt_u32((uint8_t)*text ^ '-') >> 5; /* a byte set by == waits for its whole register */
    const uint32_t size = (uint32_t)(end - text) - negative;
    if (UNLIKELY(size - 1 >= LONGEST_WITHIN))
        return 0;
    const __m256i late = load_wide(end - WIDTH);
    const uint32_t points = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(late, same->points));
    const uint32_t fraction = _lzcnt_u32(points);
    uint64_t bits;
    if (LIKELY(fraction - 1 < size - 1)) { /* without the last point, what stands before it is one further to the right */
        const __m256i moved = _mm256_xor_si256(late, load_wide(end - WIDTH - 1));
        const __m256i digits = _mm256_xor_si256(late, _mm256_and_si256(moved, before_last_of_lanes(fraction)));
        const __m256i values = _mm256_and_si256(_mm256_sub_epi8(digits, same->zeros), last_of_lanes(size - 1));
        const uint64_t m = digits_value(same, values);
        if (UNLIKELY(!m))
            return 0;
        bits = size > LONGEST_SHORT ? nearest_fraction(m, fraction)
                                    : bits_of((double)(int64_t)m / nk_exact_tens[fraction]);
        *traits |= NK_FRACTION;
    } else {
        const __m256i values = _mm256_and_si256(_mm256_sub_epi8(late, same->zeros), last_of_lanes(size));
        const uint64_t m = digits_value(same, values);
        if (UNLIKELY(!m || m > INT64_MAX))
            return 0;
        bits = bits_of((double)(int64_t)m);
        *traits |= m > WHOLE_DOUBLES ? NK_WIDE : 0u;
    }
    *x = double_of(bits | (uint64_t)negative << 63);
    return 1;
}

#endif
