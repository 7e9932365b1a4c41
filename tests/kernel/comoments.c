/* Co-moments: the bits of fma() of the C library, in the order that kernel.h states, whatever the vectors. */
#include "draw.h"

enum { MOST_COLUMNS = 27, MOST_ROWS = 530, PART = 8, RUN = 64, PANEL = 8 };

typedef struct {
    double sum, low;
} total;

static void add(total *t, double y)
{
    const double x = t->sum, sum = x + y, z = sum - x;
    t->sum = sum;
    t->low += (x - (sum - z)) + (y - z);
}

static double weight(const nk_comoments *c, uint64_t k)
{
    return c->weights ? c->weights[k] : 1.0;
}

/* From where deviations are taken. */
static double center(const nk_comoments *c, uint64_t j, double near)
{
    double parts[PANEL] = {0};
    for (uint64_t k = 0; k < c->rows; k++)
        parts[k % PANEL] += (c->columns[j][k] - near) * weight(c, k);
    for (unsigned width = 1; width < PANEL; width *= 2)
        for (unsigned k = 0; k < PANEL; k += 2 * width)
            parts[k] += parts[k + width];
    return c->count > 0 ? near + parts[0] / c->count : near;
}

/* What is added to the center of a column. */
static double shift(const nk_comoments *c, uint64_t j, double near)
{
    total sum = {0, 0};
    for (uint64_t start = 0; start < c->rows; start += RUN) {
        double run = 0;
        for (uint64_t first = start; first < c->rows && first < start + RUN; first += PART) {
            double part = 0;
            for (uint64_t k = first; k < c->rows && k < first + PART; k++)
                part += (c->columns[j][k] - near) * weight(c, k);
            run += part;
        }
        add(&sum, run);
    }
    return (sum.sum + sum.low) / (c->count > 0 ? c->count : 1.0);
}

static void compare_mean(const nk_comoments *c, uint64_t j, double near)
{
    total mean = {center(c, j, near), 0};
    add(&mean, shift(c, j, mean.sum));
    if (double_bits(c->means[j]) != double_bits(mean.sum) || double_bits(c->means_low[j]) != double_bits(mean.low))
        fail("another mean", "comoments", c->means[j]);
}

static void compare_product(const nk_comoments *c, const double *near, uint64_t i, uint64_t j)
{
    const double from = center(c, i, near[i]), other = center(c, j, near[j]);
    total product = {0, 0};
    for (uint64_t start = 0; start < c->rows; start += RUN) {
        double run = 0;
        for (uint64_t first = start; first < c->rows && first < start + RUN; first += PART) {
            double part = 0;
            for (uint64_t k = first; k < c->rows && k < first + PART; k++)
                part = fma(c->columns[i][k] - from, (c->columns[j][k] - other) * weight(c, k), part);
            run += part;
        }
        add(&product, run);
    }
    add(&product, -c->count * (shift(c, i, from) * shift(c, j, other)));
    total pair = {product.sum, 0};
    add(&pair, product.low);
    const uint64_t below = i * c->stride + j, above = j * c->stride + i;
    if (double_bits(c->products[below]) != double_bits(pair.sum) ||
        double_bits(c->products_low[below]) != double_bits(pair.low))
        fail("another product", "comoments", c->products[below]);
    if (double_bits(c->products[above]) != double_bits(pair.sum) ||
        double_bits(c->products_low[above]) != double_bits(pair.low))
        fail("not symmetric", "comoments", c->products[above]);
}

static double *drawn(uint64_t count)
{
    double *const x = exactly(sizeof *x * (count ? count : 1));
    for (uint64_t k = 0; k < count; k++)
        x[k] = (double)(draw() >> 11) * 0x1p-53 + (below(20) ? 0 : 1e6);
    return x;
}

static double *zeros(uint64_t count)
{
    double *const x = exactly(sizeof *x * (count ? count : 1));
    memset(x, 0, sizeof *x * count);
    return x;
}

static void check(uint32_t lanes)
{
    double *columns[MOST_COLUMNS];
    nk_comoments c = {(const double *const *)columns, .lanes = lanes};
    c.features = below(MOST_COLUMNS + 1), c.rows = below(2) ? below(2 * PANEL) : below(MOST_ROWS);
    c.stride = (c.features + PANEL - 1) / PANEL * PANEL;
    for (uint64_t j = 0; j < c.features; j++)
        columns[j] = drawn(c.rows);
    double *const weights = below(2) ? drawn(c.rows) : NULL, *const near = drawn(c.features);
    c.weights = weights, c.room_size = nk_comoments_room(&c), c.room = zeros(c.room_size);
    for (uint64_t k = 0; k < c.rows; k++)
        c.count += weight(&c, k);
    c.means = zeros(c.stride), c.means_low = zeros(c.stride);
    memcpy(c.means, near, sizeof *near * c.features);
    c.products = zeros(c.stride * c.stride), c.products_low = zeros(c.stride * c.stride);
    if (nk_find_comoments(&c) == NK_DONE)
        for (uint64_t i = 0; i < c.features; i++) {
            compare_mean(&c, i, near[i]);
            for (uint64_t j = 0; j <= i; j++)
                compare_product(&c, near, i, j);
        }
    for (uint64_t j = 0; j < c.features; j++)
        free(columns[j]);
    double *const others[] = {weights, near, c.room, c.means, c.means_low, c.products, c.products_low};
    for (unsigned k = 0; k < sizeof others / sizeof *others; k++)
        free(others[k]);
}

void check_comoments(uint64_t count)
{
    for (uint64_t k = 0; k < count; k++)
        for (uint32_t lanes = 0; lanes <= 8; lanes = lanes ? 2 * lanes : 2)
            check(lanes);
    printf("co-moments: %llu of each width to %u, the same bits\n", (unsigned long long)count, nk_lanes());
}
