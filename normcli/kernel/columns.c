/* Reductions of columns in numpy's order: eight sums side by side in runs of up to 128 values, and runs pairwise (N. J.
 * Higham, "The accuracy of floating point summation", SIAM Journal on Scientific Computing 14, 1993). */
#include "kernel.h"
#include "octets.h"
#include "sampling.h"

#include <math.h>

#define EACH _Pragma("GCC unroll 8")

enum { RUN = 128, SIDE = 8, AHEAD = 256 };

typedef struct {
    double sum, least, greatest; /* the latter two without a NaN among the values */
} reduced;

typedef struct {
    double sum, squares; /* sums of deviations, and of their squares */
} deviations;

/* How many of the values are the first half: whole sides. */
INLINE uint64_t half_of(uint64_t count)
{
    return count / 2 / SIDE * SIDE;
}

#if defined __SSE2__

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define LANES 4
#define lesser _mm256_min_pd
#define greater _mm256_max_pd
#include "columns_lanes.h"

#define lesser _mm_min_pd
#define greater _mm_max_pd

#elif defined __aarch64__

#include <arm_neon.h>

#define lesser(x, y) (vector_2) vminq_f64((float64x2_t)(x), (float64x2_t)(y))
#define greater(x, y) (vector_2) vmaxq_f64((float64x2_t)(x), (float64x2_t)(y))

#else

#define lesser(x, y) (vector_2){(x)[0] < (y)[0] ? (x)[0] : (y)[0], (x)[1] < (y)[1] ? (x)[1] : (y)[1]}
#define greater(x, y) (vector_2){(x)[0] > (y)[0] ? (x)[0] : (y)[0], (x)[1] > (y)[1] ? (x)[1] : (y)[1]}

#endif

#define TARGET
#define LANES 2
#include "columns_lanes.h"

static reduced reduce(const double *x, uint64_t count, int wide)
{
#if defined __SSE2__
    if (wide)
        return reduce_4(x, count);
#endif
    (void)wide;
    return reduce_2(x, count);
}

static deviations sum_about(const double *x, uint64_t count, double center, int wide)
{
#if defined __SSE2__
    if (wide)
        return sum_about_4(x, count, center);
#endif
    (void)wide;
    return sum_about_2(x, count, center);
}

/* Whether the processor has vectors of four doubles. */
static int is_wide(const nk_columns *c)
{
    return c->lanes != 2 && nk_lanes() >= 4;
}

/* Copies what is not NaN; how many values that are. */
static uint64_t gather(const double *x, uint64_t rows, double *to)
{
    uint64_t count = 0;
    for (uint64_t r = 0; r < rows; r++) {
        to[count] = x[r];
        count += x[r] == x[r];
    }
    return count;
}

static int has_negative_zero(const double *x, uint64_t count)
{
    int any = 0;
    for (uint64_t r = 0; r < count; r++)
        any |= bits_of(x[r]) == bits_of(-0.0);
    return any;
}

static void store_deviations(const nk_columns *c, uint64_t j, deviations d)
{
    c->deviations[j] = 0.0 + d.sum; /* where numpy begins: no sum is -0 */
    c->squares[j] = 0.0 + d.squares;
}

void nk_reduce(const nk_columns *c)
{
    const int wide = is_wide(c);
    for (uint64_t j = 0; j < c->features; j++) {
        const double *x = c->columns[j];
        uint64_t count = c->rows;
        reduced r = reduce(x, count, wide);
        if (r.sum != r.sum && (count = gather(x, count, c->room)) < c->rows) {
            x = c->room;
            r = reduce(x, count, wide);
        }
        const int doubt = (r.least == 0.0 || r.greatest == 0.0) && has_negative_zero(x, count);
        c->counts[j] = (double)count;
        c->sums[j] = 0.0 + r.sum;
        c->least[j] = doubt ? NAN : r.least;
        c->greatest[j] = doubt ? NAN : r.greatest;
        c->centers[j] = c->sums[j] / c->counts[j];
        store_deviations(c, j, sum_about(x, count, c->centers[j], wide)); /* while the values are in the cache */
        if (c->samples)
            nk_sample_reduced(c->samples, j, x, count, c->rows);
    }
}

void nk_reduce_deviations(const nk_columns *c)
{
    const int wide = is_wide(c);
    for (uint64_t j = 0; j < c->features; j++) {
        const double *x = c->columns[j];
        uint64_t count = c->rows;
        if (c->counts[j] < (double)count) {
            count = gather(x, count, c->room);
            x = c->room;
        }
        store_deviations(c, j, sum_about(x, count, c->centers[j], wide));
    }
}
