/* Random rows of delimited text: some numbers, some texts in quotes, and in half of them bytes that were changed. */
#include "piece.h"

const uint8_t KINDS[FIELDS] = {NK_TEXT, NK_NUMBER, NK_NUMBER, NK_TEXT, NK_NUMBER, NK_SKIP, NK_TEXT};
const char WORDS[] = "NA\nnan\n";

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
        "", "Rome", "S\xc3\xa3o Paulo", "\"adb\"", "\"say \"\"so\"\"\"", "\"two\nlines\"", "\"Oslo\"", "\"\"",
        " spaces ",
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

void any_piece(piece *p)
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
