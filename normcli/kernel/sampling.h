/* Samples of columns that are being reduced. */
#ifndef NK_SAMPLING_H
#define NK_SAMPLING_H

#include "kernel.h"
#include "octets.h"

/* Appends the sample of the j-th column of so many rows, of which x are the values but NaN, so many as `count` says. */
HIDDEN void nk_sample_reduced(nk_samples *samples, uint64_t j, const double *x, uint64_t count, uint64_t rows);

#endif
