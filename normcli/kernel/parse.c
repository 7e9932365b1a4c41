/* Rows of delimited text to columns. */
#include "fields.h"

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

/* Parse rows up to `end`, behind a newline: how it ended, with the cursor behind the last whole row, and in `doubt`
 * where the next field begins. */
static int parse_rows(const text_scan *scan, const nk_layout *layout, nk_block *block)
{
    nk_block b = *block; /* of which nothing can be changed by what is stored into its arrays */
    const uint8_t *const kinds = layout->kinds;
    const uint32_t fields = layout->fields;
    const char *row = scan->start + b.position, *next = row;
    int status = NK_DONE;
    while (row < scan->end && status == NK_DONE) {
        const uint64_t words = b.word_count;
        if (b.rows == b.capacity) {
            status = NK_FULL;
        } else if (fields == 1 && is_blank(row)) { /* an empty field would look like that, too */
            status = NK_DOUBT;
            b.reason = NK_FEW_FIELDS;
            b.doubt_field = 0;
        } else {
            status = parse_row(scan, kinds, fields, &next, &b);
        }
        if (status == NK_DONE) {
            row = next;
            b.rows++;
        } else {
            b.word_count = words;
        }
    }
    b.position = (uint64_t)(row - scan->start);
    b.doubt = (uint64_t)(next - scan->start);
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
        return NK_DOUBT; /* at `doubt`, where the next row begins */
    }
    block->doubt = NK_NO_DOUBT;
    return status;
}
