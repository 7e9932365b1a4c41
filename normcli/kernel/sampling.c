/* Sketches of columns from samples of them, as stats/_sampling.py has them; and columns without missing values. */
#include "kernel.h"
#include "octets.h"
#include "sampling.h"
#include "splitmix.h"

enum { HALF = 1 << 15 }; /* of the coins, in which those of a sample begin */

uint64_t nk_present(const double *x, uint64_t rows, double *to)
{
    uint64_t count = 0;
    for (uint64_t r = 0; r < rows; r++) {
        to[count] = x[r];
        count += x[r] == x[r];
    }
    return count;
}

static uint64_t low_bits(uint64_t x, uint64_t count)
{
    return x & ((UINT64_C(1) << count) - 1);
}

/* Where the coins of a column begin, and in the highest bit, which side its levels take. */
static uint64_t seed_of(const double *x, uint64_t n, double position)
{
    uint64_t z = bits_of(1.0 + position);
    if (n)
        z += bits_of(x[0]) + bits_of(x[n / 3]) + bits_of(x[n / 2]) + bits_of(x[n - 1]);
    return mixed(z);
}

INLINE uint64_t coin(uint64_t seed, uint64_t number)
{
    return mixed(seed % HALF + number + 1);
}

/* Appends the sample of the j-th column, of which x are the values but NaN. */
static void sample(nk_samples *s, uint64_t j, const double *x)
{
    const uint64_t n = s->counts[j], height = s->heights[j], group = n >> height, seed = seed_of(x, n, s->position);
    double *to = s->sample + s->size, *items = s->items + j * s->k;
    if (height) /* -0 becomes 0 */
        for (uint64_t i = 0; i < group; i++)
            to[i] = x[(i << height) + low_bits(coin(seed, i), height)] + 0.0;
    else
        for (uint64_t i = 0; i < group; i++)
            to[i] = x[i] + 0.0;
    for (uint64_t h = 0; h < height; h++)
        if (n >> h & 1)
            *items++ = x[n - low_bits(n, h + 1) + low_bits(coin(seed, h), h)] + 0.0;
    s->seeds[j] = seed;
    s->size += group;
}

void nk_sample_reduced(nk_samples *s, uint64_t j, const double *x, uint64_t count, uint64_t rows)
{
    const uint64_t most = (uint64_t)(1.0 + s->shares[count < rows] * (double)count);
    s->counts[j] = count;
    s->heights[j] = 63 - (uint64_t)__builtin_clzll(most);
    sample(s, j, x);
}

int32_t nk_sample(nk_samples *s)
{
    for (uint64_t j = 0; j < s->features; j++) {
        const double *x = s->columns[j];
        if (s->counts[j] < s->lengths[j]) {
            if (nk_present(x, s->lengths[j], s->room) != s->counts[j])
                return NK_UNFIT;
            x = s->room;
        }
        sample(s, j, x);
    }
    return NK_DONE;
}

/* How often n sorted values are halved, and what is left over each time set aside, until k items are left. */
static uint64_t depth_of(uint64_t n, uint64_t k)
{
    uint64_t h = 0;
    while ((n >> h) + (uint64_t)__builtin_popcountll(low_bits(n, h)) > k)
        h++;
    return h;
}

void nk_halve(nk_samples *s)
{
    const double *x = s->sample;
    s->width = s->levels = 0;
    for (uint64_t j = 0; j < s->features; j++) {
        const uint64_t height = s->heights[j], group = s->counts[j] >> height, second = s->seeds[j] >> 63;
        double *items = s->items + j * s->k, *end = items + __builtin_popcountll(low_bits(s->counts[j], height));
        int64_t *sizes = s->sizes + j * NK_LEVELS;
        const uint64_t depth = depth_of(group, s->k - (uint64_t)(end - items));
        for (uint64_t h = 0; h < NK_LEVELS; h++)
            sizes[h] = h < height ? (int64_t)(s->counts[j] >> h & 1) : 0;
        uint64_t first = 0;
        for (uint64_t h = 0; h < depth; h++) {
            const uint64_t left = group >> h;
            if ((sizes[height + h] = left & 1))
                *end++ = x[first + ((left - 1) << h)];
            first += (second ^ (h + 1 == depth)) << h;
        }
        for (uint64_t i = 0; i < group >> depth; i++)
            *end++ = x[first + (i << depth)];
        sizes[height + depth] = (int64_t)(group >> depth);
        x += group;
        const uint64_t count = (uint64_t)(end - items);
        for (uint64_t i = count; i < s->k; i++)
            items[i] = double_of(UINT64_C(0x7ff0000000000000));
        s->width = count > s->width ? count : s->width;
        s->levels = height + depth + 1 > s->levels ? height + depth + 1 : s->levels;
    }
}
