/* Pieces of random rows, half of them with bytes changed, in memory of exactly the capacities that are stated: values
 * and fields are those that were written, or there is a doubt; as text, they are the same whatever the room for it. */
#include "piece.h"

/* -- what nk_parse says -------------------------------------------------------------------------------------------- */

static nk_block any_block(unsigned rows)
{
    nk_block b = {.capacity = below(3) ? rows : 1 + below(rows), .word_capacity = below(NUMBERS * ROWS)};
    b.stride = b.capacity + below(3);
    b.values = exactly(NUMBERS * b.stride * sizeof *b.values);
    b.starts = exactly(TEXTS * b.stride * sizeof *b.starts);
    b.lengths = exactly(TEXTS * b.stride * sizeof *b.lengths);
    b.words = exactly(b.word_capacity * sizeof *b.words);
    b.traits = exactly(NUMBERS);
    memset(b.traits, 0, NUMBERS);
    return b;
}

static void free_block(nk_block *b)
{
    free(b->values);
    free(b->starts);
    free(b->lengths);
    free(b->words);
    free(b->traits);
}

static void check_text_field(const char *text, span field, size_t start, size_t length)
{
    const int bare = text[field.start] == '"' && start == field.start + 1 && length + 2 == field.length;
    if (!bare && (start != field.start || length != field.length))
        fail("a field of text", "", (double)field.start);
    if (bare && !length)
        fail("an empty text without quotes", "", (double)field.start);
}

static void check_number_field(const char *text, span field, double x, unsigned traits)
{
    char word[64], *end, *start = word;
    memcpy(word, text + field.start, field.length);
    word[field.length] = 0;
    if (*start == '"') {
        start++;
        word[field.length - 1] = 0;
    }
    if (double_bits(strtod(start, &end)) != double_bits(x))
        fail("value", word, x);
    if (strpbrk(start, ".eE") && !(traits & NK_FRACTION))
        fail("no trait of a fraction", word, x);
    if (!strpbrk(start, ".eE") && fabs(x) > 9007199254740992.0 && !(traits & NK_WIDE))
        fail("no trait of a wide number", word, x);
}

/* Rows `done` and following of the piece, which are those of the block. */
static void check_rows(const piece *p, const char *text, size_t done, const nk_block *b)
{
    uint64_t words = 0;
    for (size_t r = 0; r < b->rows; r++) {
        size_t number = 0, other = 0;
        for (int j = 0; j < FIELDS; j++) {
            const span field = p->fields[done + r][j];
            if (KINDS[j] == NK_TEXT) {
                const size_t place = other++ * b->stride + r;
                check_text_field(text, field, b->starts[place], b->lengths[place]);
            } else if (KINDS[j] == NK_NUMBER) {
                const double x = b->values[number * b->stride + r];
                if (!isnan(x)) {
                    check_number_field(text, field, x, b->traits[number]);
                } else if (!(b->traits[number] & NK_MISSING)) {
                    fail("no trait of a missing value", "", x);
                } else if (field.length) {
                    const nk_word w = b->words[words++];
                    if (w.row != r || w.column != number || w.start != field.start || w.length != field.length)
                        fail("a word", "", (double)field.start);
                }
                number++;
            }
        }
    }
    if (words != b->word_count)
        fail("more words than there are", "", (double)words);
}

/* -- what nk_format says ------------------------------------------------------------------------------------------- */

static void table_of(const nk_block *b, const char *text, size_t size, const piece *p, nk_column *columns, nk_table *t)
{
    for (unsigned k = 0; k < NUMBERS; k++)
        columns[2 * k] = (nk_column){.values = b->values + k * b->stride, .word_column = k};
    for (unsigned k = 0; k < TEXTS; k++)
        columns[2 * k + 1] = (nk_column){.starts = b->starts + k * b->stride, .lengths = b->lengths + k * b->stride};
    *t = (nk_table){.columns = columns, .text = text, .text_size = size, .words = b->words, .rows = b->rows};
    t->word_count = b->word_count;
    t->fields = NUMBERS + TEXTS;
    t->delimiter = p->delimiter;
    t->crlf = (uint8_t)p->crlf;
}

/* All rows as text at once, in memory of the caller's, which is large enough. */
static size_t format_at_once(const nk_table *t, char *to, size_t capacity)
{
    nk_output output = {.text = to, .capacity = capacity};
    if (nk_format(t, &output) != NK_DONE || output.row != t->rows)
        fail("format", "", (double)output.row);
    return output.size;
}

/* The same, through buffers of just any capacity. */
static void check_in_parts(const nk_table *t, const char *expected, size_t size)
{
    nk_output output = {0};
    size_t done = 0, more = 0;
    for (int status = NK_FULL; status == NK_FULL;) {
        output.capacity = more + below(600);
        output.text = exactly(output.capacity);
        output.size = 0;
        status = nk_format(t, &output);
        if (status != NK_FULL && status != NK_DONE)
            fail("format in parts", "", (double)output.row);
        if (done + output.size > size || memcmp(expected + done, output.text, output.size))
            fail("other text in parts", "", (double)output.row);
        done += output.size;
        more = output.size ? 0 : more + 1000;
        free(output.text);
    }
    if (done != size)
        fail("less text in parts", "", (double)done);
}

static void check_formatting(const nk_block *b, const char *text, size_t size, const piece *p)
{
    nk_column columns[NUMBERS + TEXTS];
    nk_table table;
    const size_t capacity = size + b->rows * FIELDS * (NK_ROOM + NK_LONGEST_NUMBER);
    char *const expected = exactly(capacity), *const alone = exactly(size); /* the text without padding */
    memcpy(alone, text, size);
    table_of(b, alone, size, p, columns, &table);
    check_in_parts(&table, expected, format_at_once(&table, expected, capacity));
    free(alone);
    free(expected);
}

void check_pieces(uint64_t count)
{
    static piece p;
    uint64_t doubts = 0, rows = 0, changed_rows = 0;
    for (uint64_t i = 0; i < count; i++) {
        any_piece(&p);
        char *const text = exactly(p.size + NK_PADDING);
        memcpy(text, p.text, p.size);
        memset(text + p.size, "\n5\","[below(4)], NK_PADDING);
        const size_t words_size = strlen(WORDS);
        char *const words = exactly(words_size);
        memcpy(words, WORDS, words_size);
        const nk_layout layout = {
            .kinds = KINDS,
            .words = words,
            .words_size = (uint32_t)words_size,
            .fields = FIELDS,
            .delimiter = p.delimiter,
        };
        uint64_t position = 0;
        size_t done = 0;
        for (int status = NK_FULL; status == NK_FULL;) {
            nk_block b = any_block(p.rows);
            b.position = position;
            status = nk_parse(&layout, text, p.size, &b);
            if (status == NK_UNFIT || (status == NK_DONE && b.position != p.size))
                fail("not all of it", "", (double)b.position);
            if (status == NK_DOUBT && (!p.changed || b.doubt > p.size || b.doubt < b.position || !b.reason))
                fail("a doubt", text + b.position, (double)b.reason);
            if (!p.changed)
                check_rows(&p, text, done, &b);
            check_formatting(&b, text, p.size, &p);
            done += b.rows;
            doubts += status == NK_DOUBT;
            rows += b.rows;
            changed_rows += p.changed ? b.rows : 0;
            position = b.position;
            free_block(&b);
        }
        if (!p.changed && done != p.rows)
            fail("not all rows", "", (double)done);
        free(words);
        free(text);
    }
    printf("pieces: %llu with %llu rows, %llu of them of changed pieces, %llu of which ended in a doubt\n",
           (unsigned long long)count, (unsigned long long)rows, (unsigned long long)changed_rows,
           (unsigned long long)doubts);
}
