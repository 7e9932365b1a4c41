/* Strips by vectors of 32 bytes: see strips.h. */
#include "strips.h"

#if NK_AVX2

#include "numbers_avx2.h"

#include <math.h>

enum { ENTRIES = 4 };

/* Of STEP bytes. */
typedef struct {
    uint64_t marks; /* bits of delimiters and newlines */
    int others;     /* whether there is a quote or a carriage return */
} step_bits;

/* Bytes that are one or another. */
AVX2 INLINE __m256i either(__m256i bytes, __m256i one, __m256i another)
{
    return _mm256_or_si256(_mm256_cmpeq_epi8(bytes, one), _mm256_cmpeq_epi8(bytes, another));
}

/* `all` gets the bits of all bytes. */
AVX2 INLINE step_bits bits_of_step(const char *text, char delimiter, __m256i *all)
{
    const __m256i delimiters = _mm256_set1_epi8(delimiter), newlines = _mm256_set1_epi8('\n');
    const __m256i quotes = _mm256_set1_epi8('"'), returns = _mm256_set1_epi8('\r');
    const __m256i first = load_wide(text), second = load_wide(text + WIDTH);
    const __m256i others = _mm256_or_si256(either(first, quotes, returns), either(second, quotes, returns));
    const uint32_t of_first = (uint32_t)_mm256_movemask_epi8(either(first, delimiters, newlines));
    const uint32_t of_second = (uint32_t)_mm256_movemask_epi8(either(second, delimiters, newlines));
    *all = _mm256_or_si256(*all, _mm256_or_si256(first, second));
    return (step_bits){of_first | (uint64_t)of_second << WIDTH, !_mm256_testz_si256(others, others)};
}

AVX2 void nk_find_fields_avx2(const text_scan *scan, const char *row, uint32_t fields, strip *s)
{
    uint32_t *end = s->ends, *const most = s->ends + MOST_MARKS - STEP;
    const char delimiter = scan->delimiter;
    uint64_t within = UINT64_MAX;
    __m256i all = _mm256_setzero_si256();
    *end++ = (uint32_t)(row - scan->start) - 1;
    for (const char *text = row; end <= most && within == UINT64_MAX && scan->end - text >= STEP; text += STEP) {
        const step_bits bits = bits_of_step(text, delimiter, &all);
        if (UNLIKELY(bits.others))
            within = nk_bits_before(text);
        uint64_t marks = bits.marks & within;
        const uint32_t place = (uint32_t)(text - scan->start);
        const unsigned count = (unsigned)__builtin_popcountll(marks);
        for (unsigned i = 0; i < count; i += ENTRIES) /* within the strip, for ENTRIES goes into STEP */
            for (unsigned k = 0; k < ENTRIES; k++) {
                end[i + k] = place + (uint32_t)_tzcnt_u64(marks);
                marks &= marks - 1;
            }
        end += count;
    }
    s->wide = _mm256_movemask_epi8(all) != 0;
    s->avx2 = row - scan->start > WIDTH; /* so much is read before each field */
    s->rows = (uint32_t)(end - s->ends - 1) / fields;
}

/* Numbers of a column; `last` is whether it is the last of its row. */
AVX2 INLINE uint32_t read_numbers(const strip_column *column, int last, double *x, unsigned *traits)
{
    const strip_column c = *column; /* a copy, which nothing can point to, stays in registers */
    const constants same = find_constants();
    const uint32_t *ends = c.ends;
    uint32_t r = 0;
    unsigned all = 0;
    for (; r < c.rows; r++, ends += c.fields) {
        const char *const start = c.text + (uint32_t)(ends[0] + 1), *const mark = c.text + ends[1];
        const char *const end = last && mark > start && mark[-1] == '\r' ? mark - 1 : mark;
        if (UNLIKELY(*mark != c.separator))
            break;
        __builtin_prefetch(start + c.size); /* the next strip comes from afar, and nothing else is waited for here */
        if (LIKELY(read_number_before(&same, start, end, x + r, &all)))
            continue;
        unsigned of_number = NK_MISSING;
        if (start < end ? !nk_read_other_number(start, end, x + r, &of_number) : c.fields == 1)
            break; /* no number, or a blank row */
        if (start == end)
            x[r] = NAN;
        all |= of_number;
    }
    *traits |= all;
    return r;
}

AVX2 uint32_t nk_read_numbers_avx2(const strip_column *c, double *x, uint8_t *traits)
{
    unsigned all = 0;
    const uint32_t rows = c->last ? read_numbers(c, 1, x, &all) : read_numbers(c, 0, x, &all);
    *traits |= (uint8_t)all;
    return rows;
}

#endif
