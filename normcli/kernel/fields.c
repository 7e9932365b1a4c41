/* Fields of delimited text: see fields.h. */
#include "fields.h"

#include <math.h>
#include <stddef.h>

COLD int nk_is_utf8(const char *text, const char *end)
{
    const uint8_t *byte = (const uint8_t *)text, *const stop = (const uint8_t *)end;
    while (byte < stop) {
        const uint8_t lead = *byte++;
        if (lead < 0x80)
            continue;
        int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || stop - byte < more)
            return 0;
        const uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const uint8_t greatest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (*byte < least || *byte > greatest)
            return 0;
        for (byte++; --more; byte++)
            if (*byte < 0x80 || *byte > 0xbf)
                return 0;
    }
    return 1;
}

COLD int nk_wrong_end(const text_scan *scan, const char *text, int last)
{
    if (*text == '\r')
        return NK_RETURN;
    if (*text == '\n' && !last)
        return NK_FEW_FIELDS;
    return *text == scan->delimiter && last ? NK_MANY_FIELDS : NK_QUOTE;
}

const char *nk_quoted_end(const text_scan *scan, const char *text, uint64_t *others, int *needed)
{
    for (text++; text < scan->end; text++) {
        text = next_mark(scan, text, others);
        if (*text == '"') {
            if (text[1] != '"')
                return text + 1;
            text++;
        }
        *needed = 1;
    }
    return NULL;
}

/* Whether a field, without spaces around, is empty or one of the words. */
static int is_missing(const text_scan *scan, const char *start, const char *end)
{
    const size_t size = (size_t)(end - start);
    if (!size)
        return 1;
    for (const char *word = scan->words; word < scan->words_end;) {
        const char *const word_end = memchr(word, '\n', (size_t)(scan->words_end - word));
        if ((size_t)(word_end - word) == size && !memcmp(word, start, size))
            return 1;
        word = word_end + 1;
    }
    return 0;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* A number in quotes, and nothing else: what might stand there besides is in doubt. */
static int read_quoted_number(const text_scan *scan, const char *text, int last, field *f, double *x, unsigned *traits)
{
    const char *const end = read_number(text + 1, x, traits);
    if (!end || *end != '"')
        return NK_NO_NUMBER;
    f->start = text;
    f->end = end + 1;
    f->next = next_field(scan, f->end, last);
    return f->next ? NK_NO_DOUBT : nk_wrong_end(scan, f->end, last);
}

COLD int nk_read_other_field(const text_scan *scan, const char *text, int last, field *f, double *x, unsigned *traits)
{
    uint64_t others = 0;
    *traits = 0;
    if (*text == '"')
        return read_quoted_number(scan, text, last, f, x, traits);
    const char *end = next_mark(scan, text, &others);
    f->start = text;
    f->end = end;
    f->next = next_field(scan, end, last);
    if (!f->next)
        return nk_wrong_end(scan, end, last);
    while (text < end && is_space(*text))
        text++;
    while (text < end && is_space(end[-1]))
        end--;
    if (is_missing(scan, text, end)) {
        *x = NAN;
        *traits = NK_MISSING;
        return NK_NO_DOUBT;
    }
    return read_number(text, x, traits) == end ? NK_NO_DOUBT : NK_NO_NUMBER;
}

/* ASCII, and nothing that numbers, quotes or line ends are made of. */
static int is_delimiter(char c)
{
    const uint8_t letter = (uint8_t)((c | 0x20) - 'a');
    return c > 0 && !memchr("\"\r\n+-.", c, 6) && !is_digit(c) && letter >= 26;
}

int nk_is_fit(const nk_layout *layout)
{
    if (!layout->fields || !is_delimiter(layout->delimiter))
        return 0;
    const char *word = layout->words, *const words_end = word + layout->words_size;
    for (; word < words_end; word++) {
        const char *const end = memchr(word, '\n', (size_t)(words_end - word));
        if (!end)
            return 0;
        double x;
        unsigned traits = 0;
        if (nk_read_any_number(word, &x, &traits) == end)
            return 0; /* nothing asks whether a number is a word */
        word = end;
    }
    return 1;
}
