/* Rows of delimited text to columns. */
#include "strips.h"

#include <math.h>
#include <stddef.h>

/* Where in its arrays the block gets the next field of each kind. */
typedef struct {
    uint64_t number, text; /* places */
    uint32_t column;       /* of numbers */
} places;

/* The missing value in a field, which is listed unless it is empty. */
INLINE int store_word(const text_scan *scan, const field *f, const places *at, nk_block *block)
{
    if (f->end == f->start)
        return NK_DONE;
    if (block->word_count == block->word_capacity)
        return NK_FULL;
    nk_word *const word = block->words + block->word_count++;
    word->row = (uint32_t)block->rows;
    word->column = at->column;
    word->start = (uint32_t)(f->start - scan->start);
    word->length = (uint32_t)(f->end - f->start);
    return NK_DONE;
}

INLINE int parse_number(const text_scan *scan, const char *text, int last, places *at, field *f, nk_block *block)
{
    double *const x = block->values + at->number;
    unsigned traits = 0;
    if (*text == (last ? '\n' : scan->delimiter)) {
        *x = NAN;
        traits = NK_MISSING;
        f->next = text + 1;
    } else {
        const int quoted = *text == '"';
        const char *end = quoted ? NULL : read_usual_number(text, x, &traits);
        if (UNLIKELY(!end && !quoted))
            end = nk_read_any_number(text, x, &traits);
        f->next = LIKELY(end != NULL) ? next_field(scan, end, last) : NULL; /* an exponent may stand there */
        if (UNLIKELY(!f->next)) {
            block->reason = (uint32_t)nk_read_other_field(scan, text, last, f, x, &traits);
            if (block->reason)
                return NK_DOUBT;
            if (traits & NK_MISSING && store_word(scan, f, at, block) == NK_FULL)
                return NK_FULL;
        }
    }
    block->traits[at->column++] |= (uint8_t)traits;
    at->number += block->stride;
    return NK_DONE;
}

INLINE int parse_text(const text_scan *scan, const char *text, int last, int stores, places *at, field *f,
                      nk_block *block)
{
    block->reason = (uint32_t)read_text_field(scan, text, last, f);
    if (UNLIKELY(block->reason))
        return NK_DOUBT;
    if (stores) {
        block->starts[at->text] = (uint32_t)(f->start - scan->start);
        block->lengths[at->text] = (uint32_t)(f->end - f->start);
        at->text += block->stride;
    }
    return NK_DONE;
}

INLINE int parse_field(const text_scan *scan, int kind, const char **text, int last, places *at, nk_block *block)
{
    field f;
    const int status = LIKELY(kind == NK_NUMBER) ? parse_number(scan, *text, last, at, &f, block)
                                                 : parse_text(scan, *text, last, kind == NK_TEXT, at, &f, block);
    if (LIKELY(!status))
        *text = f.next;
    return status;
}

/* Parse the row at *text into row `rows` of the block, and move *text to where the next one begins, or to the field in
 * doubt. */
INLINE int parse_row(const text_scan *scan, const uint8_t *kinds, uint32_t fields, const char **text, nk_block *block)
{
    places at = {block->rows, block->rows, 0};
    int status = NK_DONE;
    uint32_t j = 0;
    for (; j < fields - 1; j++) { /* the last field is another copy of the code, which knows how it ends */
        status = parse_field(scan, kinds[j], text, 0, &at, block);
        if (UNLIKELY(status))
            break;
    }
    if (LIKELY(!status))
        status = parse_field(scan, kinds[j], text, 1, &at, block);
    block->doubt_field = j;
    return status;
}

static int is_blank(const char *text)
{
    return *text == '\n' || *text == '\r';
}

/* Whether the cursor and the capacities agree with each other. */
static int is_sound(const nk_block *block, uint64_t size)
{
    return size <= NK_LONGEST_TEXT && block->position <= size && block->capacity <= block->stride &&
           block->rows <= block->capacity && block->capacity <= UINT32_MAX && block->word_count <= block->word_capacity;
}

/* Append the row at *row field by field, and move *row behind it; of one that is not DONE nothing counts, and the
 * cursor says where it is in doubt. */
static int append_row(const text_scan *scan, const nk_layout *layout, const char **row, nk_block *b)
{
    const uint64_t words = b->word_count;
    const char *next = *row;
    int status = NK_DONE;
    if (b->rows == b->capacity) {
        status = NK_FULL;
    } else if (layout->fields == 1 && is_blank(next)) { /* an empty field would look like that, too */
        status = NK_DOUBT;
        b->reason = NK_FEW_FIELDS;
        b->doubt_field = 0;
    } else {
        status = parse_row(scan, layout->kinds, layout->fields, &next, b);
    }
    b->doubt = (uint64_t)(next - scan->start);
    if (status != NK_DONE) {
        b->word_count = words;
        return status;
    }
    b->rows++;
    *row = next;
    return NK_DONE;
}

#if NK_STRIPS

enum { MOST_DETOUR = 255, FEW = 16 };

/* Rows that go field by field before the next strip: more and more of them while strips are of no use. */
typedef struct {
    uint32_t rows, next;
} detour;

/* Append the rows of a strip, and field by field those that can't be read otherwise, unless these are many. */
static int append_strip(const text_scan *scan, const nk_layout *layout, const char **row, detour *d, nk_block *b)
{
    strip s;
    nk_find_fields(scan, *row, layout->fields, &s);
    uint32_t done = 0, others = 0;
    int status = NK_DONE;
    while (done < s.rows && status == NK_DONE && others <= s.rows / FEW) {
        const uint64_t room = b->capacity - b->rows, left = s.rows - done;
        done += nk_parse_strip(scan, layout, &s, done, (uint32_t)(room < left ? room : left), b);
        *row = scan->start + (uint32_t)(s.ends[(uint64_t)done * layout->fields] + 1);
        if (done < s.rows) {
            status = append_row(scan, layout, row, b);
            done++;
            others++;
        }
    }
    d->next = others || !s.rows ? 2 * d->next + 1 : 0;
    d->next = d->next > MOST_DETOUR ? MOST_DETOUR : d->next;
    d->rows = d->next;
    return status;
}

#endif

/* Parse rows up to `end`, behind a newline: how it ended, with the cursor behind the last row, and in `doubt` where the
 * next field begins. */
static int parse_rows(const text_scan *scan, const nk_layout *layout, nk_block *block)
{
    nk_block b = *block; /* of which nothing can be changed by what is stored into its arrays */
    const char *row = scan->start + b.position;
    int status = NK_DONE;
#if NK_STRIPS
    detour d = {0, 0};
    while (layout->fields <= STRIP_MOST_FIELDS && row < scan->end && status == NK_DONE) {
        if (d.rows) {
            d.rows--;
            status = append_row(scan, layout, &row, &b);
        } else {
            status = append_strip(scan, layout, &row, &d, &b);
        }
    }
#endif
    while (row < scan->end && status == NK_DONE)
        status = append_row(scan, layout, &row, &b);
    b.position = (uint64_t)(row - scan->start);
    *block = b;
    return status;
}

int32_t nk_parse(const nk_layout *layout, const char *text, uint64_t size, nk_block *block)
{
    block->doubt = block->doubt_field = block->reason = NK_NO_DOUBT;
    if (!is_sound(block, size) || !nk_is_fit(layout))
        return NK_UNFIT;
    uint64_t end = size;
    while (end > block->position && text[end - 1] != '\n')
        end--;
    const text_scan scan = {
        .start = text,
        .end = text + end,
        .words = layout->words,
        .words_end = layout->words + layout->words_size,
        .delimiters = ONES * (uint8_t)layout->delimiter,
        .delimiter = layout->delimiter,
    };
    const int status = parse_rows(&scan, layout, block);
    if (status == NK_DOUBT)
        return NK_DOUBT;
    block->doubt_field = NK_NO_DOUBT;
    if (status == NK_DONE && end < size) {
        block->reason = NK_NO_LINE_END;
        block->doubt = block->position;
        return NK_DOUBT;
    }
    block->doubt = NK_NO_DOUBT;
    return status;
}
