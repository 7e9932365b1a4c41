/* Columns to sums of their deviations, and of the products of these. */
#include "comoments.h"

/* Add y to a total, and what that rounds off to its low part. */
INLINE void add(double *total, double *low, double y)
{
    const double x = *total, sum = x + y, z = sum - x;
    *total = sum;
    *low += (x - (sum - z)) + (y - z);
}

/* Deviations of `rows` rows from `start` on of a panel's columns, and their sums. */
static void pack(const nk_comoments *c, uint64_t start, uint64_t rows, uint64_t panel, double *to)
{
    const uint64_t first = panel * PANEL, count = c->features - first < PANEL ? c->features - first : PANEL;
    if (count < PANEL)
        memset(to, 0, sizeof *to * rows * PANEL);
    for (uint64_t j = 0; j < count; j++) {
        const double *const x = c->columns[first + j] + start, center = c->centers[first + j];
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

/* Add the sums of a panel's columns, run by run. */
static void add_sums(const double *x, uint64_t rows, double *total, double *low)
{
    for (uint64_t start = 0; start < rows; start += RUN) {
        double sums[PANEL] = {0};
        for (uint64_t k = start; k < rows && k < start + RUN; k++)
            for (uint64_t j = 0; j < PANEL; j++)
                sums[j] += x[k * PANEL + j];
        for (uint64_t j = 0; j < PANEL; j++)
            add(total + j, low + j, sums[j]);
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

uint32_t nk_lanes(void)
{
    uint32_t lanes = 8;
    while (lanes && !nk_add_products(lanes))
        lanes = lanes > 2 ? lanes / 2 : 0;
    return lanes;
}

uint64_t nk_comoments_room(const nk_comoments *c)
{
    const uint64_t size = (c->features + PANEL - 1) / PANEL * PANEL * STRIP_ROWS;
    return c->weights ? 2 * size : size;
}

int32_t nk_add_comoments(const nk_comoments *c)
{
    add_products *const add_up = nk_add_products(c->lanes ? c->lanes : nk_lanes());
    const uint64_t panels = (c->features + PANEL - 1) / PANEL, size = panels * STRIP_ROWS * PANEL;
    if (!add_up || c->stride != panels * PANEL || c->room_size < nk_comoments_room(c))
        return NK_UNFIT;
    double *const deviations = c->room, *const weighted = c->weights ? deviations + size : deviations;
    for (uint64_t start = 0; start < c->rows; start += STRIP_ROWS) {
        const uint64_t rows = c->rows - start < STRIP_ROWS ? c->rows - start : STRIP_ROWS;
        for (uint64_t panel = 0; panel < panels; panel++) {
            const uint64_t at = panel * STRIP_ROWS * PANEL;
            pack(c, start, rows, panel, deviations + at);
            if (c->weights)
                weigh(c->weights + start, rows, deviations + at, weighted + at);
            add_sums(weighted + at, rows, c->sums + panel * PANEL, c->sums_low + panel * PANEL);
        }
        const packed_strip strip = {deviations, weighted, rows, panels, c->products, c->products_low};
        add_up(&strip);
    }
    mirror(c->products, c->stride);
    mirror(c->products_low, c->stride);
    return NK_DONE;
}
