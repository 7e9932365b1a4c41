/* Co-moments: the bits of fma() of the C library, in the order that kernel.h states, whatever the vectors. */
#include "draw.h"

enum { MOST_COLUMNS = 27, MOST_ROWS = 530, RUN = 64, PANEL = 8 };

typedef struct {
    double sum, low;
} total;

static void add(total *t, double y)
{
    const double x = t->sum, sum = x + y, z = sum - x;
    t->sum = sum;
    t->low += (x - (sum - z)) + (y - z);
}

static void compare(const nk_comoments *c, uint64_t i, uint64_t j)
{
    total sum = {0, 0}, product = {0, 0};
    for (uint64_t start = 0; start < c->rows; start += RUN) {
        double of_deviations = 0, of_products = 0;
        for (uint64_t k = start; k < c->rows && k < start + RUN; k++) {
            const double x = c->columns[i][k] - c->centers[i];
            const double y = (c->columns[j][k] - c->centers[j]) * (c->weights ? c->weights[k] : 1.0);
            of_deviations += y;
            of_products = fma(x, y, of_products);
        }
        add(&sum, of_deviations);
        add(&product, of_products);
    }
    const uint64_t at = i * c->stride + j, mirrored = j * c->stride + i;
    if (double_bits(c->sums[j]) != double_bits(sum.sum) || double_bits(c->sums_low[j]) != double_bits(sum.low))
        fail("another sum", "comoments", c->sums[j]);
    if (double_bits(c->products[at]) != double_bits(product.sum) ||
        double_bits(c->products_low[at]) != double_bits(product.low))
        fail("another sum of products", "comoments", c->products[at]);
    if (double_bits(c->products[mirrored]) != double_bits(product.sum) ||
        double_bits(c->products_low[mirrored]) != double_bits(product.low))
        fail("not symmetric", "comoments", c->products[mirrored]);
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
    double *const weights = below(2) ? drawn(c.rows) : NULL, *const centers = drawn(c.features);
    c.weights = weights, c.centers = centers, c.room_size = nk_comoments_room(&c), c.room = zeros(c.room_size);
    c.sums = zeros(c.stride), c.sums_low = zeros(c.stride);
    c.products = zeros(c.stride * c.stride), c.products_low = zeros(c.stride * c.stride);
    if (nk_add_comoments(&c) == NK_DONE)
        for (uint64_t i = 0; i < c.features; i++)
            for (uint64_t j = 0; j <= i; j++)
                compare(&c, i, j);
    for (uint64_t j = 0; j < c.features; j++)
        free(columns[j]);
    double *const others[] = {weights, centers, c.room, c.sums, c.sums_low, c.products, c.products_low};
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
