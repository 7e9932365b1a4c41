/* Delimited text to columns of doubles, and back; columns to sums and co-moments. The prefix nk_ is short for normcli's
 * kernel.
 *
 * Every function works on memory that the caller owns, within capacities that the caller states. None allocates, keeps
 * state between calls (but what the processor can do), or calls anything but memchr, memcmp, memcpy and memset of the C
 * library, so that all of them may run in any number of threads at once, on different memory. Text is UTF-8, and its
 * quote is ", which is doubled within a field (RFC 4180). Whatever a function was not made for, it does not guess at:
 * it stops and says where.
 *
 * Integers have fixed widths and pointers 64 bits, so that a layout is the same for every compiler; the sizes of the
 * structs, in bytes, are at their ends.
 */
#ifndef NK_KERNEL_H
#define NK_KERNEL_H

#include <stdint.h>

#define NK_INTERFACE 5       /* number of this interface: another one where a layout or a meaning changes */
#define NK_PADDING 16        /* bytes that must be readable after a text that is parsed, whatever they are */
#define NK_LONGEST_NUMBER 24 /* characters of the longest number: -1.7976931348623157e+308 */
#define NK_ROOM 40           /* bytes that nk_write_number may write to */
#define NK_LONGEST_TEXT 0x7fffffef

#define NK_EXPORT __attribute__((visibility("default")))

enum nk_status {
    NK_DONE = 0,     /* all of it */
    NK_FULL = 1,     /* a capacity is used up: go on from here with more room; no progress: a row needs more than all */
    NK_DOUBT = 2,    /* nk_parse: the next row is not one to be certain about */
    NK_INFINITE = 3, /* nk_format: an infinite value in the next row */
    NK_UNFIT = 4     /* arguments that nothing can be done with */
};

enum nk_reason { /* of a doubt */
    NK_NO_DOUBT = 0,
    NK_NO_NUMBER = 1,     /* neither a number nor a word for missing; or infinite, NaN, -0, or too close to call */
    NK_FEW_FIELDS = 2,    /* a short row, or a blank one */
    NK_MANY_FIELDS = 3,   /* a long row */
    NK_QUOTE = 4,         /* a quote in a field that is not quoted, text after a closing quote, or no closing quote */
    NK_RETURN = 5,        /* a carriage return that is not part of a line end */
    NK_NOT_UTF8 = 6,
    NK_NO_LINE_END = 7    /* the text ends within a row */
};

/* -- text to columns ----------------------------------------------------------------------------------------------- */

enum nk_kind { /* of a field */
    NK_TEXT = 0,   /* where it stands is stored */
    NK_NUMBER = 1, /* a double is stored */
    NK_SKIP = 2    /* checked as text is, and nothing stored */
};

enum nk_trait { /* of the values of a column of numbers; bits, which nk_parse adds and never clears */
    NK_FRACTION = 1, /* a number with a point or an exponent */
    NK_WIDE = 2,     /* a number with neither that is beyond 2^53: the double may differ from it */
    NK_MISSING = 4   /* an empty field, or a word for missing */
};

/* What rows look like. */
typedef struct {
    const uint8_t *kinds;  /* (fields) nk_kind */
    const char *words;     /* what means missing besides an empty field: words, each ended by a newline */
    uint32_t words_size;   /* bytes; a word that is a number makes the layout unfit */
    uint32_t fields;       /* of a row; at least 1 */
    char delimiter;        /* ASCII; no letter, digit, quote, line end, plus, minus or point */
    uint8_t unused[7];
} nk_layout; /* 32 */

/* A missing value that is not an empty field: a word, or spaces. */
typedef struct {
    uint32_t row;
    uint32_t column;  /* counts columns of numbers only */
    uint32_t start;   /* where the field begins in the text */
    uint32_t length;  /* bytes of it as it stands, with spaces around a word */
} nk_word; /* 16 */

/* Rows in columns. A column of numbers begins at values + column * stride; a column of text, likewise, at starts and
 * lengths. */
typedef struct {
    double *values;        /* (columns of numbers, stride) NaN where missing */
    uint32_t *starts;      /* (columns of text, stride) where a field begins in the text; */
    uint32_t *lengths;     /* (columns of text, stride) without quotes around a field that needs none, with others */
    nk_word *words;        /* (word_capacity) by rows, then columns */
    uint8_t *traits;       /* (columns of numbers) bits of nk_trait */
    uint64_t stride;       /* values from one column to the next */
    uint64_t capacity;     /* rows; at most stride */
    uint64_t word_capacity;
    /* cursor: nk_parse goes on from here, and moves it; 0 at first */
    uint64_t rows;         /* of the columns that are filled */
    uint64_t word_count;
    uint64_t position;     /* of the text: where the next row begins */
    /* after a doubt: about the row at `position` */
    uint64_t doubt;        /* where in the text its field begins */
    uint32_t doubt_field;
    uint32_t reason;       /* nk_reason */
} nk_block; /* 104 */

/* Append the rows of text[block->position .. size), each ended by LF or CR LF, to the block. Only whole rows are
 * stored: of one that does not fit, or is in doubt, nothing counts (beyond the cursor, anything may be written within
 * capacities; traits may have bits of it, and of rows behind it). text[size .. size + NK_PADDING) must be readable, and
 * size at most NK_LONGEST_TEXT. Returns NK_DONE, NK_FULL, NK_DOUBT or NK_UNFIT.
 *
 * Certain are: numbers [+-]digits[.digits][eE[+-]digits] (digits on one side of the point will do), as the nearest
 * double, with spaces or tabs around, or in quotes without; an empty field, spaces, or a word, with spaces or tabs
 * around, as missing; text that has no quotes, or has them at both ends and doubled between. */
NK_EXPORT int32_t nk_parse(const nk_layout *layout, const char *text, uint64_t size, nk_block *block);

/* How often each of two bytes is in text[0 .. size). */
NK_EXPORT void nk_count(const char *text, uint64_t size, const char octets[2], uint64_t counts[2]);

/* -- columns to text ----------------------------------------------------------------------------------------------- */

/* A column of the output: numbers if there are values, else text. */
typedef struct {
    const double *values;     /* (rows) or NULL */
    const uint32_t *starts;   /* (rows) of fields in the text, or NULL */
    const uint32_t *lengths;  /* (rows) */
    uint32_t word_column;     /* column in the words of the block; increases from one column of numbers to the next */
    uint32_t unused;
} nk_column; /* 32 */

/* Rows to be written. */
typedef struct {
    const nk_column *columns;
    const char *text;       /* what starts and words are about; nothing behind its size is read */
    uint64_t text_size;
    const nk_word *words;   /* by rows, then columns; those of other rows or columns do no harm */
    uint64_t word_count;
    uint64_t rows;
    uint64_t first_row;     /* what row 0 of the columns is called in the words */
    uint32_t fields;        /* columns; at least 1 */
    char delimiter;
    uint8_t crlf;           /* 1: rows end in CR LF; 0: in LF */
    uint8_t unused[2];
} nk_table; /* 64 */

/* Where text goes. */
typedef struct {
    char *text;
    uint64_t capacity;
    /* cursor: nk_format goes on from here, and moves it; 0 at first */
    uint64_t size;  /* of the text: bytes */
    uint64_t row;   /* of the table, the next one */
    uint64_t word;  /* of the words, the next one */
} nk_output; /* 40 */

/* Append rows as text: numbers in the spelling of nk_write_number; a NaN as its word, or as an empty field if it has
 * none; text as it stands. The empty field of a row of one field is written as "". A row is begun only where it is
 * certain to fit: NK_ROOM bytes for each field, and its text. Returns NK_DONE, NK_FULL, NK_INFINITE or NK_UNFIT (a
 * field beyond the text, too). */
NK_EXPORT int32_t nk_format(const nk_table *table, nk_output *output);

/* -- one number ---------------------------------------------------------------------------------------------------- */

/* Whether text[0 .. size) is a number that nk_parse is certain about; then *value is the double. text[size] must be a
 * newline, and NK_PADDING bytes from there on readable. */
NK_EXPORT int32_t nk_read_number(const char *text, uint64_t size, double *value);

/* Write the shortest decimal that reads back as x, and of those the nearest, into NK_ROOM bytes; how many characters it
 * has, 0 if x is infinite or NaN. Its spelling is that of polars 2: from 1e-5 to below 1e16 with a point, and a digit
 * on both sides of it (0.00001, 1000000000000000.0, 0.0, -0.0); else with an exponent, its sign always, and no zero
 * before it (1e+16, 9.999999e-6, 5e-324). */
NK_EXPORT uint32_t nk_write_number(double x, char *text);

/* -- columns to sums ----------------------------------------------------------------------------------------------- */

/* Samples of columns, and sketches of them. nk_sample takes columns, lengths, counts and heights; nk_reduce has columns
 * and lengths of its own, counts, and finds heights h as great as 1 + share * count >= 2^h permits. */
typedef struct {
    const double *const *columns; /* (features) of (lengths) each */
    const uint64_t *lengths;      /* (features) */
    uint64_t *counts;             /* (features) values that are not NaN */
    uint64_t *heights;            /* (features) of 2^height consecutive values, one is sampled */
    double *sample;               /* counts >> heights values of each column, one column after the other */
    double *items;                /* (features, k) level after level, padded with +inf; beyond the sample, at first */
    int64_t *sizes;               /* (features, NK_LEVELS) */
    uint64_t *seeds;              /* (features) */
    double *room;                 /* (the longest column with NaN) for whatever nk_sample needs meanwhile */
    double position;              /* of the block */
    double shares[2];             /* of columns without NaN, and with them */
    uint64_t features;
    uint64_t k;                   /* most items, more than heights */
    uint64_t size;                /* of the sample: 0 at first */
    /* result */
    uint64_t width;               /* items of the fullest column */
    uint64_t levels;              /* of the deepest */
} nk_samples; /* 136 */

/* Columns, and the reductions of their values but NaN. Every sum has the bits of numpy's pairwise summation of a
 * contiguous column, from which NaN was removed. */
typedef struct {
    const double *const *columns; /* (features) of (rows) each */
    double *room;                 /* (rows) for whatever is needed meanwhile */
    double *counts;               /* (features), as all that follow: values that are not NaN */
    double *sums;
    double *least;                /* +inf without a value; NaN where least or greatest is 0 and there is a -0: */
    double *greatest;             /* which zero numpy takes depends on the processor; -inf without a value */
    double *centers;              /* from which deviations are taken */
    double *deviations;           /* sums of them */
    double *squares;              /* sums of their squares; deviations and squares are rounded before they are added */
    nk_samples *samples;          /* NULL, or of as many features: these are sampled, too, while they are in the cache */
    uint64_t rows;
    uint32_t features;
    uint32_t lanes;               /* 0; for tests, 2: no wider vectors than every processor has */
} nk_columns; /* 96 */

NK_EXPORT void nk_reduce(const nk_columns *columns); /* all of it, with centers that are sums divided by counts */

/* Deviations and squares from the centers that are there, and with the counts of nk_reduce. */
NK_EXPORT void nk_reduce_deviations(const nk_columns *columns);

/* -- columns to co-moments ----------------------------------------------------------------------------------------- */

/* Rows of columns, and their means and co-products, high + low; (features), or (features, features) with room up to a
 * stride, which is the next multiple of 8. What is beyond the features may be anything. */
typedef struct {
    const double *const *columns; /* (features) of (rows) each */
    const double *weights;        /* (rows) or NULL: each row counts 1 */
    double *means;                /* (stride) on entry, any point near the values */
    double *means_low;            /* (stride) 0 on entry */
    double *products;             /* (stride, stride) 0 on entry; symmetric */
    double *products_low;
    double *room;                 /* (room_size) for whatever is needed meanwhile; best from a line of the cache on */
    uint64_t room_size;           /* at least nk_comoments_room */
    uint64_t rows;
    uint64_t stride;
    double count;                 /* the sum of the weights */
    uint32_t features;
    uint32_t lanes;               /* 0; for tests, how many doubles a vector has: 8, 4 or 2 */
} nk_comoments; /* 96 */

NK_EXPORT uint64_t nk_comoments_room(const nk_comoments *comoments); /* doubles, for its features and weights */

/* Means and co-products of the rows. Returns NK_DONE; NK_UNFIT, and nothing is done, where this processor has no fused
 * multiply-adds, or no such vectors. The bits are the same on all that have them:
 *
 * - A center is the mean that was given, and to it the mean deviation from there, which is summed in 8 parts by turns.
 * - Deviations from centers, and their products with weights, are rounded; in parts of 8 rows, counted from the first,
 *   they, and products of two of them, are added one after the other, the products fused; so are the sums of 8 parts, a
 *   run; the sum of a run is added to the total, and the error of that addition to its low part.
 * - The mean deviation from the centers is added to these, and what it makes of the products is taken from them. Where
 *   a product overflows it is the greatest double. */
NK_EXPORT int32_t nk_find_comoments(const nk_comoments *comoments);

NK_EXPORT uint32_t nk_lanes(void); /* doubles of a vector that it uses; 0: no fused multiply-adds here */

/* Copies what is not NaN of x[0 .. rows) to `to`, which has room for all; how many values that are. */
NK_EXPORT uint64_t nk_present(const double *x, uint64_t rows, double *to);

/* -- sketches ------------------------------------------------------------------------------------------------------ */

#define NK_LEVELS 128 /* of a merged sketch */

/* Quantile sketches of some rows of data, one per row. */
typedef struct {
    const double *items;  /* (rows, width) level after level, each sorted; finite, and none of them -0 */
    const int64_t *sizes; /* (rows, levels) items of each level, at most `width` in all */
    const int64_t *sides; /* (rows, levels) 0, or 1 or 2: which of each pair moves up next */
    uint64_t width;
    uint64_t levels;      /* at most NK_LEVELS */
} nk_sketches; /* 40 */

typedef struct {
    const nk_sketches *parts; /* (count) of as many rows each */
    const double *capacities; /* (NK_LEVELS) of a level so far below the highest */
    double *items;            /* (rows, capacity) padded with +inf */
    int64_t *sizes;           /* (rows, NK_LEVELS) */
    int64_t *sides;           /* (rows, NK_LEVELS) */
    double *room;             /* (3 * room_size + 2 * capacity) for whatever is needed meanwhile, and */
    uint64_t *ends;           /* (count + 1), at least 3 */
    uint64_t room_size;       /* at least the widths of all parts, or in turn, of one and the capacity */
    uint64_t count;
    uint64_t rows;
    uint64_t k;               /* most items of a row */
    uint64_t capacity;        /* at least k, or the widths of all parts */
    uint64_t in_turn;         /* 1: at least two parts are merged one after the other; 0: all at once */
    /* result */
    uint64_t width;           /* items of the fullest row */
    uint64_t levels;          /* up to the last one that holds an item */
} nk_merge; /* 120 */

/* Merges sketches row by row, as normcli/stats/_compactors.py says. Returns NK_DONE, or NK_UNFIT where levels do not
 * suffice. */
NK_EXPORT int32_t nk_merge_sketches(nk_merge *merge);

/* Fills samples; when each column of one is sorted, nk_halve makes sketches of it. Returns NK_DONE, or NK_UNFIT where
 * a count is wrong. */
NK_EXPORT int32_t nk_sample(nk_samples *samples);
NK_EXPORT void nk_halve(nk_samples *samples);

/* -- values between cuts ------------------------------------------------------------------------------------------- */

#define NK_CELLS 4096
#define NK_MOST_CUTS 65534

/* The cuts of a column, and the cells that they lie in. */
typedef struct {
    const double *cuts;  /* (count + 2) finite, ascending, and behind them two NaN */
    uint16_t *first;     /* (NK_CELLS) the first cut that is in the cell or above; count + 1 for a cell of several */
    uint8_t *with_cuts;  /* (NK_CELLS) whether the cell has any */
    double low;          /* where the lowest cell begins, which has all below it; the highest has all above */
    double scale;        /* cells by unit */
    uint64_t count;      /* at most NK_MOST_CUTS; 0: the column is not counted */
} nk_cuts; /* 48 */

typedef struct {
    uint64_t *counts;    /* (features, stride) are added to: how many values are below the first cut, how many are equal
                          * to it, how many lie between it and the second, and so on; and two 0 */
    uint32_t *room;      /* (NK_CELLS) for whatever is needed meanwhile */
    uint64_t rows;       /* below 2^32 */
    uint64_t features;
    uint64_t stride;     /* at least 3 + 2 * count of any column */
} nk_counts; /* 40 */

/* Lays the cells of cuts, of which there must be one; all but `cuts` and `count` is filled in. */
NK_EXPORT void nk_lay_cuts(nk_cuts *cuts);

/* Counts the values but NaN of columns (features) of (rows) each. */
NK_EXPORT void nk_count_between(const nk_cuts *cuts, const double *const *columns, const nk_counts *to);

/* -- which library this is ----------------------------------------------------------------------------------------- */

NK_EXPORT uint32_t nk_interface(void); /* NK_INTERFACE */

#endif
