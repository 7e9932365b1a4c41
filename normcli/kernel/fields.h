/* Fields of delimited text: where they end, what is in quotes, what is missing. */
#ifndef NK_FIELDS_H
#define NK_FIELDS_H

#include "numbers_in.h"

/* Text to be scanned. It ends in a newline, at which every scan ends at the latest. */
typedef struct {
    const char *start, *end;
    const char *words, *words_end; /* each ended by a newline */
    uint64_t delimiters;           /* one in each byte */
    char delimiter;
} text_scan;

/* A field as it is stored, and where the next one begins. */
typedef struct {
    const char *start, *end, *next;
} field;

/* Whether a layout is one to work with. */
HIDDEN int nk_is_fit(const nk_layout *layout);

/* The end of the quoted field at `text`, just behind its last quote, or NULL if it has none. `others` gets bits if it
 * is not ASCII, `needed` whether there is anything in it that needs quotes. */
HIDDEN const char *nk_quoted_end(const text_scan *scan, const char *text, uint64_t *others, int *needed);

/* Whether a text is UTF-8 (RFC 3629: no surrogates, nothing longer than it has to be). */
HIDDEN int nk_is_utf8(const char *text, const char *end);

/* Why a field that ends at `text`, the last of its row or not, does not end as it must. */
HIDDEN int nk_wrong_end(const text_scan *scan, const char *text, int last);

/* A field of a column of numbers that is not simply one. A number in quotes, or with spaces around it: 0, with *x and
 * *traits; missing: 0, with NaN, and NK_MISSING in *traits; anything else: the reason of the doubt. */
HIDDEN int nk_read_other_field(const text_scan *scan, const char *text, int last, field *f, double *x,
                               unsigned *traits);

/* The next delimiter, newline, carriage return or quote; `others` gets bits if a byte before it is not ASCII. */
INLINE const char *next_mark(const text_scan *scan, const char *text, uint64_t *others)
{
    for (;; text += 8) {
        const uint64_t word = load(text);
        const uint64_t marks = zero_bytes(word ^ scan->delimiters) | zero_bytes(word ^ '\n' * ONES) |
                               zero_bytes(word ^ '\r' * ONES) | zero_bytes(word ^ '"' * ONES);
        if (marks) {
            *others |= word & HIGH_BITS & (marks ^ (marks - 1));
            return text + lowest_byte(marks);
        }
        *others |= word & HIGH_BITS;
    }
}

/* Where the next field begins if one, the last of its row or not, ends at `text` as it must; else NULL. */
INLINE const char *next_field(const text_scan *scan, const char *text, int last)
{
    if (LIKELY(*text == (last ? '\n' : scan->delimiter)))
        return text + 1;
    return last && *text == '\r' && text[1] == '\n' ? text + 2 : NULL;
}

/* A field of text: 0, or the reason of a doubt. It is stored without quotes that it does not need, as it is written. */
INLINE int read_text_field(const text_scan *scan, const char *text, int last, field *f)
{
    uint64_t others = 0;
    int bare = 0;
    const char *end;
    if (UNLIKELY(*text == '"')) {
        int needed = 0;
        end = nk_quoted_end(scan, text, &others, &needed);
        if (!end)
            return NK_QUOTE;
        bare = !needed && end - text > 2; /* an empty one keeps them: without, it would be missing */
    } else {
        end = next_mark(scan, text, &others);
    }
    f->start = text + bare;
    f->end = end - bare;
    f->next = next_field(scan, end, last);
    if (UNLIKELY(!f->next))
        return nk_wrong_end(scan, end, last);
    return UNLIKELY(others) && !nk_is_utf8(f->start, f->end) ? NK_NOT_UTF8 : NK_NO_DOUBT;
}

#endif
