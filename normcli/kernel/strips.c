/* Rows of fields whose places are known: see strips.h. */
#include "strips.h"

#if NK_STRIPS

#include "marks.h"
#include "numbers_within.h"
#include "processor.h"

#include <math.h>
#include <stddef.h>

COLD uint64_t nk_bits_before(const char *text)
{
    uint64_t others = bits_of_step(text, ',').others;
    for (; others; others &= others - 1) {
        const char *const other = text + __builtin_ctzll(others);
        if (*other == '"' || other[1] != '\n')
            return (others & -others) - 1;
    }
    return UINT64_MAX;
}

void nk_find_fields(const text_scan *scan, const char *row, uint32_t fields, strip *s)
{
    s->avx2 = 0;
#if NK_AVX2
    if (nk_features() & NK_AVX2_AND_BITS) {
        nk_find_fields_avx2(scan, row, fields, s);
        return;
    }
#endif
    uint32_t *end = s->ends, *const most = s->ends + MOST_MARKS - STEP;
    uint64_t within = UINT64_MAX;
    *end++ = (uint32_t)(row - scan->start) - 1;
    s->wide = 0;
    for (const char *text = row; end <= most && within == UINT64_MAX && scan->end - text >= STEP; text += STEP) {
        const step_bits bits = bits_of_step(text, scan->delimiter);
        if (UNLIKELY(bits.others))
            within = nk_bits_before(text);
        uint64_t marks = bits.marks & within;
        const uint32_t place = (uint32_t)(text - scan->start);
        const unsigned count = count_bits(marks);
        for (unsigned i = 0; i < count; i += 8) /* within the strip, for 8 goes into STEP; no branch asks for each */
            for (unsigned k = 0; k < 8; k++) {
                end[i + k] = place + (uint32_t)__builtin_ctzll(marks | UINT64_C(1) << 63);
                marks &= marks - 1;
            }
        end += count;
        s->wide |= bits.wide;
    }
    s->rows = (uint32_t)(end - s->ends - 1) / fields;
}

/* The field of row r: 0, or whether it ends in something else. */
INLINE int wrong_field(const strip_column *c, uint32_t r, field *f)
{
    const uint32_t *const ends = c->ends + (uint64_t)r * c->fields;
    const char *const mark = c->text + ends[1];
    f->start = c->text + (uint32_t)(ends[0] + 1);
    f->end = c->last && mark > f->start && mark[-1] == '\r' ? mark - 1 : mark;
    return *mark != c->separator;
}

COLD int nk_read_other_number(const char *text, const char *end, double *x, unsigned *traits)
{
    return read_number(text, x, traits) == end;
}

/* Read numbers: how many rows there are before one in which it is not certain what stands there. */
static uint32_t __attribute__((noinline)) read_numbers(const strip_column *column, double *x, uint8_t *traits)
{
    const strip_column c = *column; /* a copy, which nothing can point to, stays in registers */
    unsigned all = 0;
    uint32_t r = 0;
    for (; r < c.rows; r++) {
        field f;
        unsigned of_number = 0;
        if (UNLIKELY(wrong_field(&c, r, &f)))
            break;
        __builtin_prefetch(f.start + c.size); /* the next strip comes from afar, and nothing else is waited for here */
        if (f.start == f.end) {
            if (c.fields == 1)
                break; /* a blank row */
            x[r] = NAN;
            of_number = NK_MISSING;
        } else if (UNLIKELY(!read_number_within(c.text, f.start, f.end, x + r, &of_number))) {
            unsigned of_other = 0; /* likewise */
            if (!nk_read_other_number(f.start, f.end, x + r, &of_other))
                break;
            of_number = of_other;
        }
        all |= of_number;
    }
    *traits |= (uint8_t)all;
    return r;
}

static int is_ascii(const char *text, const char *end)
{
    for (; end - text > LANES; text += LANES)
        if (high_bits(load_lanes(text)))
            return 0;
    return !(high_bits(load_lanes(text)) & ((UINT64_C(1) << (end - text)) - 1)); /* it may read some of the padding */
}

/* The same of text, whose places may be stored or not. */
static uint32_t read_texts(const strip_column *c, int wide, uint32_t *starts, uint32_t *lengths)
{
    uint32_t r = 0;
    for (; r < c->rows; r++) {
        field f;
        if (UNLIKELY(wrong_field(c, r, &f)) || (c->fields == 1 && f.start == f.end))
            break;
        if (wide && !is_ascii(f.start, f.end) && !nk_is_utf8(f.start, f.end))
            break;
        if (starts) {
            starts[r] = (uint32_t)(f.start - c->text);
            lengths[r] = (uint32_t)(f.end - f.start);
        }
    }
    return r;
}

uint32_t nk_parse_strip(const text_scan *scan, const nk_layout *layout, const strip *s, uint32_t first, uint32_t rows,
                        nk_block *block)
{
    const uint32_t fields = layout->fields;
    strip_column c = {
        .text = scan->start,
        .ends = s->ends + (uint64_t)first * fields,
        .fields = fields,
        .rows = rows,
        .size = s->ends[(uint64_t)s->rows * fields] - s->ends[0],
    };
    uint64_t number = block->rows, text = block->rows;
    uint8_t *traits = block->traits;
    for (uint32_t j = 0; j < fields; j++, c.ends++) {
        const int kind = layout->kinds[j];
        c.last = j == fields - 1;
        c.separator = c.last ? '\n' : scan->delimiter;
        if (kind == NK_NUMBER) {
#if NK_AVX2
            c.rows = s->avx2 ? nk_read_numbers_avx2(&c, block->values + number, traits)
                             : read_numbers(&c, block->values + number, traits);
#else
            c.rows = read_numbers(&c, block->values + number, traits);
#endif
            traits++;
            number += block->stride;
        } else if (kind == NK_TEXT) {
            c.rows = read_texts(&c, s->wide, block->starts + text, block->lengths + text);
            text += block->stride;
        } else {
            c.rows = read_texts(&c, s->wide, NULL, NULL);
        }
    }
    block->rows += c.rows;
    return c.rows;
}

#endif
