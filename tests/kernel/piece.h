/* Random rows of delimited text. */
#ifndef PIECE_H
#define PIECE_H

#include "draw.h"

enum { FIELDS = 7, NUMBERS = 3, TEXTS = 3, ROWS = 24, LONGEST_PIECE = 1 << 14 };
extern const uint8_t KINDS[FIELDS];
extern const char WORDS[]; /* each ended by a newline */

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

void any_piece(piece *p);

#endif
