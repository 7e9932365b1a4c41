/* How many values lie between cuts, and at them. The range of most cuts is divided into cells, of which few have a cut:
 * what falls into the others is counted by cell, and the rest is compared with the cut of its cell. Only what falls
 * into a cell of several cuts is searched for among all of them. Each of these steps puts aside what is left for the
 * next, without a branch: where values fall cannot be foreseen. */
#include "kernel.h"
#include "octets.h"
#include "processor.h"

#include <math.h>

#define EACH _Pragma("GCC unroll 8")

enum { CELLS = NK_CELLS, LAST = CELLS - 1, STRIP = 512, AHEAD = 256, SIDE = 8, TRIMS = 13 };

/* It never decreases with x, so that cuts in other cells need not be compared; 0 for NaN. */
INLINE int32_t cell_of(const nk_cuts *c, double x)
{
    double at = (x - c->low) * c->scale;
    at = at > 0.0 ? at : 0.0;
    return (int32_t)(at < LAST ? at : LAST);
}

/* Lays cells from one of the lowest cuts to one of the highest, and one before; how many cuts share one. */
static uint64_t lay(nk_cuts *c, uint64_t trim)
{
    const double first = c->cuts[trim], last = c->cuts[c->count - 1 - trim], scale = (CELLS - 3) / (last - first);
    c->scale = scale > 0.0 && scale < INFINITY ? scale : 0.0;
    c->low = c->scale > 0.0 ? first - 1.0 / c->scale : first;
    uint64_t shared = 0, run = 0;
    for (uint64_t i = 0; i < c->count; i++) {
        const int32_t cell = cell_of(c, c->cuts[i]);
        run = i && cell_of(c, c->cuts[i - 1]) == cell ? run + 1 : 1;
        shared += cell == 0 || run > 2 ? 1 : run == 2 ? 2 : 0;
    }
    return shared;
}

void nk_lay_cuts(nk_cuts *c)
{
    uint64_t best = 0, least = UINT64_MAX, next = 0;
    for (uint64_t n = 0; n < TRIMS && 2 * (n * c->count / 64) < c->count; n++) {
        const uint64_t shared = lay(c, n * c->count / 64);
        if (shared < least)
            least = shared, best = n * c->count / 64;
    }
    lay(c, best);
    for (int32_t cell = 0; cell < CELLS; cell++) {
        const uint64_t first = next;
        while (next < c->count && cell_of(c, c->cuts[next]) == cell)
            next++;
        const int several = next - first > 1 || !cell; /* NaN is in the lowest */
        c->first[cell] = (uint16_t)(several ? c->count + 1 : first);
        c->with_cuts[cell] = next > first || several;
    }
}

/* The entry of the counts for x, where cut i is the first that may not be less than x. */
INLINE uint64_t place(const nk_cuts *c, uint64_t i, double x)
{
    return 2 * i + (c->cuts[i] <= x) + (c->cuts[i] < x);
}

/* Counts values, which may be NaN, by a search among all cuts, several side by side: a search waits for each step. */
static void search(const nk_cuts *c, const double *x, uint64_t count, uint64_t *counts)
{
    double padded[SIDE];
    for (uint64_t r = 0; r < count; r += SIDE) {
        uint64_t at[SIDE];
        const double *values = x + r;
        if (count - r < SIDE) {
            for (uint64_t s = 0; s < SIDE; s++)
                padded[s] = r + s < count ? x[r + s] : NAN;
            values = padded;
        }
        EACH for (int s = 0; s < SIDE; s++)
            at[s] = 0;
        for (uint64_t left = c->count, half; left > 1; left -= half) {
            half = left / 2;
            EACH for (int s = 0; s < SIDE; s++)
                at[s] += -(uint64_t)(c->cuts[at[s] + half - 1] < values[s]) & half;
        }
        EACH for (int s = 0; s < SIDE; s++)
            counts[values[s] == values[s] ? place(c, at[s], values[s]) : 2 * c->count + 2]++;
    }
}

/* Counts values of these cells by comparison with the cut of each: those at some places, or at all if that is NULL. */
INLINE void compare(
    const nk_cuts *c, const double *x, const int32_t *cells, const uint16_t *some, uint64_t count, uint64_t *counts)
{
    double aside[STRIP];
    uint64_t left = 0;
    for (uint64_t k = 0; k < count; k++) {
        const uint64_t r = some ? some[k] : k, i = c->first[cells[r]];
        aside[left] = x[r];
        left += (i > c->count) & (x[r] == x[r]);
        counts[place(c, i, x[r])]++;
    }
    search(c, aside, left, counts);
}

#if defined __x86_64__

#include <immintrin.h>

__attribute__((target("avx2"))) static void find_cells_avx2(const nk_cuts *c, const double *x, int32_t *cells)
{
    const __m256d low = _mm256_set1_pd(c->low), scale = _mm256_set1_pd(c->scale);
    for (uint64_t r = 0; r < STRIP; r += 4) {
        const __m256d at = _mm256_mul_pd(_mm256_sub_pd(_mm256_loadu_pd(x + r), low), scale);
        const __m256d within = _mm256_min_pd(_mm256_max_pd(at, _mm256_setzero_pd()), _mm256_set1_pd(LAST));
        __builtin_prefetch(x + r + AHEAD); /* the processor's own prefetching ends with each page */
        _mm_storeu_si128((__m128i *)(void *)(cells + r), _mm256_cvttpd_epi32(within));
    }
}

#endif

/* Of a whole strip. */
static void find_cells(const nk_cuts *c, const double *x, int32_t *cells)
{
#if defined __x86_64__
    if (nk_features() & NK_AVX2_AND_BITS) {
        find_cells_avx2(c, x, cells);
        return;
    }
#endif
    for (uint64_t r = 0; r < STRIP; r++)
        cells[r] = cell_of(c, x[r]);
}

/* Adds what was counted by cell, in cells without cuts. */
static void add_cells(const nk_cuts *c, const uint32_t *of_cells, uint64_t *counts)
{
    for (uint64_t cell = 1; cell < CELLS; cell++) { /* the lowest counts as one with cuts */
        const uint64_t first = cell;
        uint64_t sum = 0;
        for (; cell < CELLS && !c->with_cuts[cell]; cell++)
            sum += of_cells[cell];
        if (cell > first)
            counts[2 * c->first[first]] += sum;
    }
}

static void count_column(const nk_cuts *c, const double *x, uint64_t rows, uint64_t *counts, uint32_t *of_cells)
{
    int32_t cells[STRIP];
    uint16_t aside[STRIP];
    int at_cuts = rows < CELLS; /* most values lie in cells with cuts, or are too few to add cells up */
    uint64_t r = 0;
    memset(of_cells, 0, CELLS * sizeof *of_cells);
    for (; rows - r >= STRIP; r += STRIP) {
        find_cells(c, x + r, cells);
        if (at_cuts) {
            compare(c, x + r, cells, NULL, STRIP, counts);
            continue;
        }
        uint64_t left = 0;
        for (uint64_t k = 0; k < STRIP; k++) {
            of_cells[cells[k]]++;
            aside[left] = (uint16_t)k;
            left += c->with_cuts[cells[k]];
        }
        compare(c, x + r, cells, aside, left, counts);
        at_cuts = left > STRIP / 2;
    }
    for (uint64_t k = 0; k < rows - r; k++)
        cells[k] = cell_of(c, x[r + k]);
    compare(c, x + r, cells, NULL, rows - r, counts);
    if (rows >= CELLS)
        add_cells(c, of_cells, counts);
}

void nk_count_between(const nk_cuts *cuts, const double *const *columns, const nk_counts *to)
{
    for (uint64_t j = to->features; j-- > 0;) { /* of those that were read last, some are in the cache */
        uint64_t *const counts = to->counts + j * to->stride;
        if (cuts[j].count)
            count_column(cuts + j, columns[j], to->rows, counts, to->room);
        counts[2 * cuts[j].count + 1] = counts[2 * cuts[j].count + 2] = 0;
    }
}
