/* Columns to rows of delimited text. */
#include "kernel.h"
#include "numbers_out.h"

enum {
    MOST_AT_ONCE = 16, /* bytes; there is room for as many */
    AHEAD = 8          /* rows */
};

/* Copy a field, in one go where it is short and not at the end of its text. */
INLINE char *copy_field(char *to, const nk_table *table, uint64_t start, uint32_t size)
{
    const char *const from = table->text + start;
    if (LIKELY(size <= MOST_AT_ONCE && start + MOST_AT_ONCE <= table->text_size))
        memcpy(to, from, MOST_AT_ONCE);
    else
        memcpy(to, from, size);
    return to + size;
}

/* Text that is being written, up to `limit`. */
typedef struct {
    char *end;
    const char *limit;
    uint64_t word; /* of the table's, the next one */
} writing;

INLINE int has_room(const writing *w, uint64_t size)
{
    return (uint64_t)(w->limit - w->end) >= NK_ROOM + size;
}

/* A field of text, or a word. */
INLINE int format_text(const nk_table *table, uint32_t start, uint32_t length, writing *w)
{
    if (UNLIKELY((uint64_t)start + length > table->text_size))
        return NK_UNFIT;
    if (UNLIKELY(!has_room(w, length)))
        return NK_FULL;
    w->end = copy_field(w->end, table, start, length);
    return NK_DONE;
}

/* What stands for a NaN: a word, if the table has one for the place. */
static int format_missing(const nk_table *table, uint32_t column, uint64_t row, writing *w)
{
    for (; w->word < table->word_count; w->word++) {
        const nk_word *const word = table->words + w->word;
        if (word->row > row || (word->row == row && word->column > column))
            break;
        if (word->row == row && word->column == column) {
            w->word++;
            return format_text(table, word->start, word->length, w);
        }
    }
    return NK_DONE;
}

INLINE int format_row(const nk_table *table, uint64_t row, writing *w)
{
    for (uint32_t j = 0; j < table->fields; j++) {
        const nk_column *const column = table->columns + j;
        int status = NK_DONE;
        if (UNLIKELY(!has_room(w, 0)))
            return NK_FULL;
        if (!column->values) {
            if (LIKELY(row + AHEAD < table->rows)) /* parsed long ago, it is in no near cache */
                __builtin_prefetch((const void *)((uintptr_t)table->text + column->starts[row + AHEAD]));
            status = format_text(table, column->starts[row], column->lengths[row], w);
        } else {
            const double x = column->values[row];
            const uint64_t size = bits_of(x) & ~MINUS_BIT, infinite = UINT64_C(0x7ff) << 52;
            if (LIKELY(size < infinite))
                w->end = write_number(w->end, x);
            else if (size == infinite)
                status = NK_INFINITE;
            else
                status = format_missing(table, column->word_column, table->first_row + row, w);
        }
        if (UNLIKELY(status))
            return status;
        *w->end++ = table->delimiter;
    }
    w->end--; /* none behind the last */
    return NK_DONE;
}

int32_t nk_format(const nk_table *table, nk_output *output)
{
    if (!table->fields || output->row > table->rows || output->word > table->word_count ||
        output->size > output->capacity)
        return NK_UNFIT;
    writing w = {output->text + output->size, output->text + output->capacity, output->word};
    while (output->row < table->rows) {
        const char *const start = w.end;
        const int status = format_row(table, output->row, &w);
        if (status)
            return status;
        if (table->fields == 1 && w.end == start) { /* a blank line would be no row */
            *w.end++ = '"';
            *w.end++ = '"';
        }
        if (table->crlf)
            *w.end++ = '\r';
        *w.end++ = '\n';
        output->size = (uint64_t)(w.end - output->text);
        output->row++;
        output->word = w.word;
    }
    return NK_DONE;
}
