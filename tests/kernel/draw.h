/* Random numbers, and what the checks of the kernel share. */
#ifndef DRAW_H
#define DRAW_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

void set_seed(uint64_t seed);
uint64_t draw(void);            /* 64 random bits */
unsigned below(unsigned limit); /* 0 to limit - 1 */

uint64_t double_bits(double x);
double any_double(void); /* finite: of random bits, and of the shapes that data have */

/* Print what is wrong, and end the process. */
_Noreturn void fail(const char *what, const char *text, double x);

/* Memory of exactly so many bytes, in which AddressSanitizer finds each access beyond them. */
void *exactly(size_t size);

void check_writing(uint64_t count, uint64_t every);
void check_reading(uint64_t count);
void check_pieces(uint64_t count);
void check_columns(uint64_t count);
void check_comoments(uint64_t count);
void check_sketches(uint64_t count);

#endif
