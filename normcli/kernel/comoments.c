/* Columns to their means, and the products of deviations from these. */
#include "comoments.h"

#include <math.h>

/* Add y to a total, and what that rounds off to its low part. */
INLINE void add(double *total, double *low, double y)
{
    const double x = *total, sum = x + y, z = sum - x;
    *total = sum;
    *low += (x - (sum - z)) + (y - z);
}

/* The mean deviation of a column from a point: in parts, which the processor adds at the same time. */
static double mean_deviation(const nk_comoments *c, const double *x, double point)
{
    double parts[PANEL] = {0};
    uint64_t k = 0;
    for (; k + PANEL <= c->rows; k += PANEL)
        for (uint64_t j = 0; j < PANEL; j++)
            parts[j] += (x[k + j] - point) * (c->weights ? c->weights[k + j] : 1.0);
    for (uint64_t j = 0; k < c->rows; j++, k++)
        parts[j] += (x[k] - point) * (c->weights ? c->weights[k] : 1.0);
    const double sum = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    return c->count > 0 ? sum / c->count : 0.0;
}

/* Move means to where deviations are taken from. */
static void center(const nk_comoments *c)
{
    for (uint64_t j = 0; j < c->features; j++) {
        const double better = c->means[j] + mean_deviation(c, c->columns[j], c->means[j]);
        if (isfinite(better))
            c->means[j] = better;
    }
}

/* Deviations of `rows` rows from `start` on of a panel's columns, and their sums. */
static void pack(const nk_comoments *c, uint64_t start, uint64_t rows, uint64_t panel, double *to)
{
    const uint64_t first = panel * PANEL, count = c->features - first < PANEL ? c->features - first : PANEL;
    if (count < PANEL)
        memset(to, 0, sizeof *to * rows * PANEL);
    for (uint64_t j = 0; j < count; j++) {
        const double *const x = c->columns[first + j] + start, center = c->means[first + j];
        for (uint64_t k = 0; k < rows; k++)
            to[k * PANEL + j] = x[k] - center;
    }
}

/* Times the weights. */
static void weigh(const double *weights, uint64_t rows, const double *from, double *to)
{
    for (uint64_t k = 0; k < rows; k++)
        for (uint64_t j = 0; j < PANEL; j++)
            to[k * PANEL + j] = from[k * PANEL + j] * weights[k];
}

/* The sums of a panel's columns in the rows of a run, part by part. */
static void sum_run(const double *x, uint64_t rows, double *sums)
{
    for (uint64_t start = 0; start < rows; start += PART) {
        double part[PANEL] = {0};
        for (uint64_t k = start; k < rows && k < start + PART; k++)
            for (uint64_t j = 0; j < PANEL; j++)
                part[j] += x[k * PANEL + j];
        for (uint64_t j = 0; j < PANEL; j++)
            sums[j] += part[j];
    }
}

/* Add the sums of a panel's columns, run by run. */
static void add_sums(const double *x, uint64_t rows, double *total, double *low)
{
    for (uint64_t start = 0; start < rows; start += RUN) {
        double sums[PANEL] = {0};
        sum_run(x + start * PANEL, rows - start < RUN ? rows - start : RUN, sums);
        for (uint64_t j = 0; j < PANEL; j++)
            add(total + j, low + j, sums[j]);
    }
}

/* From the products below the diagonal, take what the mean deviations (features) make of them; a finite pair of each,
 * above the diagonal, too. */
static void correct(const nk_comoments *c, const double *deviations)
{
    for (uint64_t i = 0; i < c->features; i++)
        for (uint64_t j = 0; j <= i; j++) {
            double *const high = c->products + i * c->stride + j, *const low = c->products_low + i * c->stride + j;
            add(high, low, -c->count * (deviations[i] * deviations[j]));
            const double rest = *low;
            *low = 0.0;
            add(high, low, rest);
            if (!isfinite(*high) || !isfinite(*low)) {
                *high = DBL_MAX;
                *low = 0.0;
            }
        }
}

/* Copy what is below the diagonal of a matrix to above it. */
static void mirror(double *a, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += PANEL)
        for (uint64_t j = 0; j <= i; j += PANEL)
            for (uint64_t row = i; row < i + PANEL; row++)
                for (uint64_t column = j; column < j + PANEL && column < row; column++)
                    a[column * size + row] = a[row * size + column];
}

/* Add the mean deviations from the centers to these, and correct the products for them. `sums` (2, stride) are those of
 * the deviations, high and low. */
static void finish(const nk_comoments *c, double *sums)
{
    for (uint64_t j = 0; j < c->features; j++) {
        const double sum = sums[j] + sums[c->stride + j];
        sums[j] = isfinite(sum) ? sum / (c->count > 0 ? c->count : 1.0) : 0.0;
    }
    correct(c, sums);
    for (uint64_t j = 0; j < c->features; j++)
        add(c->means + j, c->means_low + j, sums[j]);
    mirror(c->products, c->stride);
    mirror(c->products_low, c->stride);
}

uint32_t nk_lanes(void)
{
    uint32_t lanes = 8;
    while (lanes && !nk_add_products(lanes))
        lanes = lanes > 2 ? lanes / 2 : 0;
    return lanes;
}

uint64_t nk_comoments_room(const nk_comoments *c)
{
    const uint64_t stride = (c->features + PANEL - 1) / PANEL * PANEL;
    return stride * (c->weights ? 2 * STRIP_ROWS + 2 : STRIP_ROWS + 2);
}

int32_t nk_find_comoments(const nk_comoments *c)
{
    add_products *const add_up = nk_add_products(c->lanes ? c->lanes : nk_lanes());
    const uint64_t panels = (c->features + PANEL - 1) / PANEL, size = panels * STRIP_ROWS * PANEL;
    if (!add_up || c->stride != panels * PANEL || c->room_size < nk_comoments_room(c))
        return NK_UNFIT;
    double *const deviations = c->room, *const weighted = c->weights ? deviations + size : deviations;
    double *const sums = weighted + size, *const sums_low = sums + c->stride;
    memset(sums, 0, 2 * sizeof *sums * c->stride);
    center(c);
    for (uint64_t start = 0; start < c->rows; start += STRIP_ROWS) {
        const uint64_t rows = c->rows - start < STRIP_ROWS ? c->rows - start : STRIP_ROWS;
        for (uint64_t panel = 0; panel < panels; panel++) {
            const uint64_t at = panel * STRIP_ROWS * PANEL;
            pack(c, start, rows, panel, deviations + at);
            if (c->weights)
                weigh(c->weights + start, rows, deviations + at, weighted + at);
            add_sums(weighted + at, rows, sums + panel * PANEL, sums_low + panel * PANEL);
        }
        const packed_strip strip = {deviations, weighted, rows, panels, c->products, c->products_low};
        add_up(&strip);
    }
    finish(c, sums);
    return NK_DONE;
}
