/* Where fields end: delimiters and newlines of 64 bytes at once, as the bits of a word, the first byte's the lowest. */
#ifndef NK_MARKS_H
#define NK_MARKS_H

#include "strips.h"

#include <emmintrin.h>

typedef struct {
    uint64_t marks;  /* delimiters and newlines */
    uint64_t others; /* quotes and carriage returns */
    int wide;        /* whether any byte is not ASCII */
} step_bits;

INLINE uint64_t high_bits(__m128i bytes)
{
    return (uint16_t)_mm_movemask_epi8(bytes);
}

/* Bytes that are one or another. */
INLINE __m128i either(__m128i bytes, __m128i one, __m128i another)
{
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, one), _mm_cmpeq_epi8(bytes, another));
}

/* Of STEP bytes. */
INLINE step_bits bits_of_step(const char *text, char delimiter)
{
    const __m128i delimiters = _mm_set1_epi8(delimiter), newlines = _mm_set1_epi8('\n');
    const __m128i quotes = _mm_set1_epi8('"'), returns = _mm_set1_epi8('\r');
    step_bits bits = {0, 0, 0};
    __m128i all = _mm_setzero_si128(), any = _mm_setzero_si128(), others[4];
    for (int i = 0; i < 4; i++) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        others[i] = either(bytes, quotes, returns);
        any = _mm_or_si128(any, others[i]);
        all = _mm_or_si128(all, bytes);
        bits.marks |= high_bits(either(bytes, delimiters, newlines)) << 16 * i;
    }
    bits.wide = high_bits(all) != 0;
    if (UNLIKELY(high_bits(any)))
        for (int i = 0; i < 4; i++)
            bits.others |= high_bits(others[i]) << 16 * i;
    return bits;
}

INLINE unsigned count_bits(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    return (unsigned)((((bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * ONES) >> 56);
}

#endif
