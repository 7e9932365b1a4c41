/* Strips of rows: text in which all fields are found before any is read, and which is then read column by column. The
 * processor works on several fields at once, where field by field each has to wait until it is known where the one
 * before it ends; and in one column, what branches ask for is mostly the same. */
#ifndef NK_STRIPS_H
#define NK_STRIPS_H

#include "fields.h"

/* The instructions that it is made for are part of every x86-64; without them it would take longer than it saves. */
#if defined __SSE2__ && !defined NK_NO_STRIPS
#define NK_STRIPS 1
#else
#define NK_STRIPS 0
#endif

/* Those of newer ones are used where the processor says that it has them. */
#if NK_STRIPS && defined __x86_64__ && !defined NK_NO_AVX2
#define NK_AVX2 1
#else
#define NK_AVX2 0
#endif

enum {
    STEP = 64,              /* bytes in which fields are found at once */
    MOST_MARKS = 1024,      /* fields of a strip: with their text, they stay in the first cache */
    STRIP_MOST_FIELDS = 512 /* of a row: longer ones are read field by field */
};

/* Fields of whole rows, without quotes, and with carriage returns in line ends alone. */
typedef struct {
    uint32_t rows;
    int wide;                    /* whether any byte is not ASCII */
    int avx2;                    /* whether numbers are read by AVX2 */
    uint32_t ends[1 + MOST_MARKS]; /* where in the text each field ends, behind one less than where the first begins */
} strip;

/* Fields of a column. */
typedef struct {
    const char *text;
    const uint32_t *ends; /* of the field before the first one; and of the next, `fields` further on */
    uint32_t fields, rows;
    uint32_t size;        /* of the text of a strip, about */
    char separator;       /* behind each field */
    int last;             /* of the row */
} strip_column;

/* Find fields from `row` on, where one begins. */
HIDDEN void nk_find_fields(const text_scan *scan, const char *row, uint32_t fields, strip *s);

/* Append `rows` rows of a strip, from the one numbered `first` on, to the block, up to one in which something else
 * stands than numbers, empty fields and text: how many were appended. */
HIDDEN uint32_t nk_parse_strip(const text_scan *scan, const nk_layout *layout, const strip *s, uint32_t first,
                               uint32_t rows, nk_block *block);

/* -- what either way of reading a strip needs of the other one ----------------------------------------------------- */

/* The bits of STEP bytes before the first quote, or carriage return that ends no line. */
HIDDEN uint64_t nk_bits_before(const char *text);

/* Whether a field is a number that is not as most are; then it is read. */
HIDDEN int nk_read_other_number(const char *text, const char *end, double *x, unsigned *traits);

/* nk_find_fields by AVX2. */
HIDDEN void nk_find_fields_avx2(const text_scan *scan, const char *row, uint32_t fields, strip *s);

/* Read the numbers of a column, in a strip with `avx2`: how many rows there are before one in which it is not certain
 * what stands there. */
HIDDEN uint32_t nk_read_numbers_avx2(const strip_column *column, double *x, uint8_t *traits);

#endif
