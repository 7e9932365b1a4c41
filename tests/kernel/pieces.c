/* Pieces of random rows, half of them with bytes changed, in memory of exactly the capacities that are stated: values
 * and fields are those that were written, or there is a doubt; as text, they are the same whatever the room for it. */
#include "draw.h"

enum { FIELDS = 7, NUMBERS = 3, TEXTS = 3, ROWS = 24, LONGEST_PIECE = 1 << 14 };
static const uint8_t KINDS[FIELDS] = {NK_TEXT, NK_NUMBER, NK_NUMBER, NK_TEXT, NK_NUMBER, NK_SKIP, NK_TEXT};
static const char WORDS[] = "NA\nnan\n";

typedef struct {
    size_t start, length;
} span;

typedef struct {
    char text[LONGEST_PIECE];
    size_t size;
    span fields[ROWS][FIELDS];
    unsigned rows;
    char delimiter;
    int crlf, changed;
} piece;

static int any_number_field(char *to)
{
    switch (below(14)) {
    case 0:
        return sprintf(to, "%s", below(2) ? "" : below(2) ? "NA" : " nan ");
    case 1:
        return sprintf(to, " %d ", (int)below(1000) - 500);
    case 2:
        return sprintf(to, "\"%u\"", below(100000));
    case 3:
        return sprintf(to, "%llu", (unsigned long long)(draw() >> (1 + below(63)))); /* 19 digits at most */
    default:
        return (int)nk_write_number(any_double(), to);
    }
}

/* A field of text; `d` where the delimiter is to stand. */
static int any_text_field(char *to, char delimiter)
{
    static const char *const texts[] = {
        "", "Rome", "S\xc3\xa3o Paulo", "\"adb\"", "\"say \"\"so\"\"\"", "\"two\nlines\"", "\"Oslo\"", "\"\"", " spaces ",
        "a longer text, which takes more than sixteen bytes", "\xe2\x82\xac\xf0\x9f\x98\x80 and more", "\"\r\n\""};
    const char *const text = texts[below(12)];
    int n = 0;
    const int quotes = *text != '"' && strchr(text, delimiter);
    if (quotes)
        to[n++] = '"';
    for (const char *c = text; *c; c++)
        to[n++] = *c == 'd' && *text == '"' ? delimiter : *c;
    if (quotes)
        to[n++] = '"';
    return n;
}

static void change_bytes(piece *p)
{
    static const char bytes[] = "\",\n\r.-+e0N \x80\xc3";
    p->size -= below(2);
    for (unsigned k = 1 + below(3); k--;)
        p->text[below((unsigned)p->size)] = below(2) ? (char)draw() : bytes[below(13)];
}

static void any_piece(piece *p)
{
    char *end = p->text;
    p->rows = 1 + below(ROWS);
    p->delimiter = ",;\t|"[below(4)];
    p->crlf = below(4) == 0;
    p->changed = (int)below(2);
    for (unsigned r = 0; r < p->rows; r++)
        for (int j = 0; j < FIELDS; j++) {
            span *const field = &p->fields[r][j];
            field->start = (size_t)(end - p->text);
            end += KINDS[j] == NK_NUMBER ? any_number_field(end) : any_text_field(end, p->delimiter);
            field->length = (size_t)(end - p->text) - field->start;
            if (j < FIELDS - 1)
                *end++ = p->delimiter;
            else if (p->crlf)
                *end++ = '\r';
            if (j == FIELDS - 1)
                *end++ = '\n';
        }
    p->size = (size_t)(end - p->text);
    if (p->changed)
        change_bytes(p);
}

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
    char *const expected = exactly(capacity);
    table_of(b, text, size, p, columns, &table);
    check_in_parts(&table, expected, format_at_once(&table, expected, capacity));
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
        char *const words = exactly(sizeof WORDS - 1);
        memcpy(words, WORDS, sizeof WORDS - 1);
        const nk_layout layout = {
            .kinds = KINDS, .words = words, .words_size = sizeof WORDS - 1, .fields = FIELDS, .delimiter = p.delimiter};
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
