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
        const char *const end = *text == '"' ? NULL : read_number(text, x, &traits);
        f->next = LIKELY(end != NULL) ? next_field(scan, end, last) : NULL;
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

/* Parse the row at *text into row `rows` of the block, and move *text to where the next one begins, or to the field in
 * doubt. */
INLINE int parse_row(const text_scan *scan, const nk_layout *layout, const char **text, nk_block *block)
{
    places at = {block->rows, block->rows, 0};
    for (uint32_t j = 0; j < layout->fields; j++) {
        const int last = j == layout->fields - 1, kind = layout->kinds[j];
        field f;
        const int status = LIKELY(kind == NK_NUMBER) ? parse_number(scan, *text, last, &at, &f, block)
                                                     : parse_text(scan, *text, last, kind == NK_TEXT, &at, &f, block);
        if (UNLIKELY(status)) {
            block->doubt_field = j;
            return status;
        }
        *text = f.next;
    }
    return NK_DONE;
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

int32_t nk_parse(const nk_layout *layout, const char *text, uint64_t size, nk_block *block)
{
    block->doubt = block->doubt_field = block->reason = NK_NO_DOUBT;
    if (!is_sound(block, size) || !nk_is_fit(layout))
        return NK_UNFIT;
    const char *row = text + block->position, *end = text + size;
    while (end > row && end[-1] != '\n')
        end--;
    const text_scan scan = {
        .start = text,
        .end = end,
        .words = layout->words,
        .words_end = layout->words + layout->words_size,
        .delimiters = ONES * (uint8_t)layout->delimiter,
        .delimiter = layout->delimiter,
    };
    int status = NK_DONE;
    const char *next = row;
    while (row < end && status == NK_DONE) {
        const uint64_t words = block->word_count;
        if (block->rows == block->capacity) {
            status = NK_FULL;
        } else if (layout->fields == 1 && is_blank(row)) { /* an empty field would look like that, too */
            status = NK_DOUBT;
            block->reason = NK_FEW_FIELDS;
        } else {
            status = parse_row(&scan, layout, &next, block);
        }
        if (status == NK_DONE) {
            row = next;
            block->rows++;
        } else {
            block->word_count = words;
        }
    }
    if (status == NK_DONE && end < text + size) {
        status = NK_DOUBT;
        block->reason = NK_NO_LINE_END;
    }
    if (status == NK_DOUBT)
        block->doubt = (uint64_t)(next - text);
    else
        block->doubt_field = 0;
    block->position = (uint64_t)(row - text);
    return status;
}
