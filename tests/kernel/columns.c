/* Reductions of columns: the bits of plain loops in the order that numpy adds in, whatever the vectors. */
#include "draw.h"

enum { MOST_COLUMNS = 5, MOST_ROWS = 1100, ARRAYS = 7 };

static double sum_of(const double *x, uint64_t count)
{
    double sums[8], sum = -0.0;
    uint64_t i = 0, half = count / 2;
    if (count > 128) {
        half -= half % 8;
        sum = sum_of(x, half);
        return sum + sum_of(x + half, count - half);
    }
    for (; count >= 8 && i < count - count % 8; i++)
        sums[i % 8] = i < 8 ? x[i] : sums[i % 8] + x[i];
    if (i)
        sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (; i < count; i++)
        sum += x[i];
    return sum;
}

static void compare(const char *what, double x, double expected)
{
    if (double_bits(x) != double_bits(expected) && (x == x || expected == expected))
        fail(what, "columns", x);
}

static void compare_deviations(const nk_columns *c, uint64_t j, const double *x, uint64_t count)
{
    double *const d = exactly(sizeof *d * (count ? count : 1));
    for (uint64_t r = 0; r < count; r++)
        d[r] = x[r] - c->centers[j];
    compare("another sum of deviations", c->deviations[j], 0.0 + sum_of(d, count));
    for (uint64_t r = 0; r < count; r++)
        d[r] *= d[r];
    compare("another sum of squares", c->squares[j], 0.0 + sum_of(d, count));
    free(d);
}

static void check_column(const nk_columns *c, uint64_t j, int first)
{
    double *const x = exactly(sizeof *x * (c->rows ? c->rows : 1));
    double least = INFINITY, greatest = -INFINITY;
    uint64_t count = 0, negative = 0;
    for (uint64_t r = 0; r < c->rows; r++)
        if (c->columns[j][r] == c->columns[j][r])
            x[count++] = c->columns[j][r];
    for (uint64_t r = 0; r < count; r++) {
        least = x[r] < least ? x[r] : least;
        greatest = x[r] > greatest ? x[r] : greatest;
        negative += x[r] == 0.0 && signbit(x[r]);
    }
    if (first) {
        const int doubt = negative && (least == 0.0 || greatest == 0.0);
        compare("another count", c->counts[j], (double)count);
        compare("another sum", c->sums[j], 0.0 + sum_of(x, count));
        compare("another least", c->least[j], doubt ? NAN : least);
        compare("another greatest", c->greatest[j], doubt ? NAN : greatest);
        compare("another center", c->centers[j], c->sums[j] / c->counts[j]);
    }
    compare_deviations(c, j, x, count);
    free(x);
}

static void fill(double *x, uint64_t rows)
{
    const unsigned kind = below(5), gaps = below(3) ? 0 : 1 + below(20);
    for (uint64_t r = 0; r < rows; r++) {
        const double share = (double)(draw() >> 11) * 0x1p-53;
        x[r] = kind == 0 ? share : kind == 1 ? any_double() : kind == 2 ? 1e6 + share : kind == 3 ? 0.1 : share - 0.5;
        if (kind == 4 && below(2))
            x[r] = below(4) ? 0.0 : -0.0;
        if (gaps && !below(gaps))
            x[r] = NAN;
    }
}

static void check(uint32_t lanes)
{
    double *columns[MOST_COLUMNS];
    nk_columns c = {(const double *const *)columns, .lanes = lanes};
    double **const arrays[] = {&c.counts, &c.sums, &c.least, &c.greatest, &c.centers, &c.deviations, &c.squares};
    c.features = below(MOST_COLUMNS + 1), c.rows = below(2) ? below(20) : below(MOST_ROWS);
    c.room = exactly(sizeof *c.room * (c.rows ? c.rows : 1));
    for (unsigned k = 0; k < ARRAYS; k++)
        *arrays[k] = exactly(sizeof(double) * (c.features ? c.features : 1));
    for (uint64_t j = 0; j < c.features; j++) {
        columns[j] = exactly(sizeof(double) * (c.rows ? c.rows : 1));
        fill(columns[j], c.rows);
    }
    nk_reduce(&c);
    for (uint64_t j = 0; j < c.features; j++) {
        check_column(&c, j, 1);
        c.centers[j] = any_double();
    }
    nk_reduce_deviations(&c);
    for (uint64_t j = 0; j < c.features; j++) {
        check_column(&c, j, 0);
        free(columns[j]);
    }
    for (unsigned k = 0; k < ARRAYS; k++)
        free(*arrays[k]);
    free(c.room);
}

void check_columns(uint64_t count)
{
    for (uint64_t k = 0; k < count; k++)
        for (uint32_t lanes = 0; lanes <= 2; lanes += 2)
            check(lanes);
    printf("columns: %llu blocks with vectors of either width, the same bits\n", (unsigned long long)count);
}
