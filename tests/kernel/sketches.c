/* Sketches: samples of reduced columns are those of columns by themselves, and merges hold as many values as their parts;
 * counts between cuts are those of plain comparisons. */
#include "draw.h"

enum { MOST_COLUMNS = 4, MOST_ROWS = 9000, MOST_PARTS = 6, K = 128 };

static void *room_for(uint64_t count, size_t size)
{
    return exactly(size * (count ? count : 1));
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void fill(double *x, uint64_t rows)
{
    const unsigned kind = below(4), gaps = below(3) ? 0 : 1 + below(20);
    for (uint64_t r = 0; r < rows; r++) {
        x[r] = kind == 0 ? any_double() : kind == 1 ? (double)below(9) : (double)(draw() >> 11) * 0x1p-53 - 0.5;
        if (kind == 2 && below(2))
            x[r] = below(2) ? 0.0 : -0.0;
        if (gaps && !below(gaps))
            x[r] = NAN;
    }
}

static uint64_t some_rows(void)
{
    return below(2) ? below(20) : below(MOST_ROWS);
}

static uint64_t weight_of(const int64_t *sizes, uint64_t levels)
{
    uint64_t weight = 0;
    for (uint64_t h = 0; h < levels; h++)
        weight += sizes[h] ? (uint64_t)sizes[h] << h : 0;
    return weight;
}

/* Arrays of samples but those that only nk_sample takes. */
static nk_samples samples_of(uint64_t features, uint64_t size)
{
    nk_samples s = {.features = features, .k = K, .position = below(5), .shares = {(1 + below(9)) * 1e-3, 1e-3}};
    s.counts = room_for(features, sizeof *s.counts);
    s.heights = room_for(features, sizeof *s.heights);
    s.seeds = room_for(features, sizeof *s.seeds);
    s.sample = room_for(size, sizeof *s.sample);
    s.items = room_for(features * K, sizeof *s.items);
    s.sizes = room_for(features * NK_LEVELS, sizeof *s.sizes);
    return s;
}

static void free_samples(const nk_samples *s)
{
    free(s->counts), free(s->heights), free(s->seeds), free(s->sample), free(s->items), free(s->sizes);
}

static void halve(nk_samples *s)
{
    double *of_column = s->sample;
    for (uint64_t j = 0; j < s->features; j++) {
        qsort(of_column, s->counts[j] >> s->heights[j], sizeof *of_column, by_size);
        of_column += s->counts[j] >> s->heights[j];
    }
    nk_halve(s);
    for (uint64_t j = 0; j < s->features; j++)
        if (weight_of(s->sizes + j * NK_LEVELS, s->levels) != s->counts[j])
            fail("another number of values", "sketches", (double)s->counts[j]);
}

/* The sketches of columns that are sampled while they are reduced, which are those that nk_sample gives. */
static nk_samples reduced(double *const *x, uint64_t features, uint64_t rows)
{
    const double *const *columns = (const double *const *)x;
    nk_samples s = samples_of(features, features * rows), alone;
    nk_columns c = {columns, .samples = &s, .rows = rows, .features = (uint32_t)features};
    double **const arrays[] = {&c.counts, &c.sums, &c.least, &c.greatest, &c.centers, &c.deviations, &c.squares};
    uint64_t *lengths = room_for(features, sizeof *lengths), size;
    c.room = room_for(rows, sizeof *c.room);
    for (unsigned k = 0; k < 7; k++)
        *arrays[k] = room_for(features, sizeof(double));
    nk_reduce(&c);
    size = s.size;
    alone = samples_of(features, size);
    alone.columns = columns, alone.lengths = lengths, alone.room = c.room, alone.position = s.position;
    for (uint64_t j = 0; j < features; j++) {
        lengths[j] = rows;
        alone.counts[j] = s.counts[j];
        alone.heights[j] = s.heights[j];
    }
    if (nk_sample(&alone) != NK_DONE || alone.size != size)
        fail("another size", "samples", (double)size);
    if (memcmp(alone.sample, s.sample, size * sizeof *s.sample) || memcmp(alone.seeds, s.seeds, features * 8))
        fail("another sample", "samples", (double)size);
    halve(&s);
    halve(&alone);
    if (memcmp(alone.items, s.items, features * K * sizeof *s.items))
        fail("other items", "samples", (double)size);
    for (unsigned k = 0; k < 7; k++)
        free(*arrays[k]);
    free(c.room), free(lengths), free_samples(&alone);
    return s;
}

/* Merges sketches whose rows were laid out as wide as they are. */
static void merge(const nk_sketches *parts, uint64_t count, uint64_t rows, const uint64_t *weights, uint64_t in_turn)
{
    double capacities[NK_LEVELS];
    nk_merge m = {parts, capacities, .count = count, .rows = rows, .k = K, .in_turn = in_turn};
    uint64_t all = 0, widest = 0;
    for (uint64_t n = 0; n < count; n++) {
        all += parts[n].width;
        widest = parts[n].width > widest ? parts[n].width : widest;
    }
    for (int h = 0; h < NK_LEVELS; h++)
        capacities[h] = fmax(K / 3.0 * pow(2.0 / 3.0, h), 1.0);
    m.capacity = all < K ? all : K;
    m.room_size = in_turn ? m.capacity + widest : all;
    m.items = room_for(rows * m.capacity, sizeof *m.items);
    m.sizes = room_for(rows * NK_LEVELS, sizeof *m.sizes);
    m.sides = room_for(rows * NK_LEVELS, sizeof *m.sides);
    m.room = room_for(3 * m.room_size + 2 * m.capacity, sizeof *m.room);
    m.ends = room_for(count + 1, sizeof *m.ends);
    if (nk_merge_sketches(&m) != NK_DONE)
        fail("not merged", "sketches", (double)count);
    for (uint64_t j = 0; j < rows; j++) {
        const double *items = m.items + j * m.capacity;
        if (weight_of(m.sizes + j * NK_LEVELS, NK_LEVELS) != weights[j])
            fail("another number of values", "merges", (double)weights[j]);
        for (uint64_t h = 0; h < m.levels; items += m.sizes[j * NK_LEVELS + h++])
            for (int64_t i = 1; i < m.sizes[j * NK_LEVELS + h]; i++)
                if (items[i] < items[i - 1])
                    fail("not sorted", "merges", items[i]);
    }
    free(m.items), free(m.sizes), free(m.sides), free(m.room), free(m.ends);
}

static nk_sketches part_of(const nk_samples *s)
{
    double *const items = room_for(s->features * s->width, sizeof *items);
    int64_t *const sizes = room_for(s->features * s->levels, sizeof *sizes);
    int64_t *const sides = room_for(s->features * s->levels, sizeof *sides);
    for (uint64_t j = 0; j < s->features; j++) {
        memcpy(items + j * s->width, s->items + j * K, s->width * sizeof *items);
        memcpy(sizes + j * s->levels, s->sizes + j * NK_LEVELS, s->levels * sizeof *sizes);
        for (uint64_t h = 0; h < s->levels; h++)
            sides[j * s->levels + h] = below(3);
    }
    return (nk_sketches){items, sizes, sides, s->width, s->levels};
}

static void check_merges(void)
{
    nk_sketches parts[MOST_PARTS];
    uint64_t weights[MOST_COLUMNS] = {0};
    const uint64_t features = 1 + below(MOST_COLUMNS), count = 2 + below(MOST_PARTS - 1);
    for (uint64_t n = 0; n < count; n++) {
        double *columns[MOST_COLUMNS];
        const uint64_t rows = some_rows();
        for (uint64_t j = 0; j < features; j++)
            fill(columns[j] = room_for(rows, sizeof(double)), rows);
        nk_samples s = reduced(columns, features, rows);
        parts[n] = part_of(&s);
        for (uint64_t j = 0; j < features; j++) {
            weights[j] += s.counts[j];
            free(columns[j]);
        }
        free_samples(&s);
    }
    merge(parts, count, features, weights, 0);
    merge(parts, count, features, weights, 1);
    for (uint64_t n = 0; n < count; n++)
        free((void *)parts[n].items), free((void *)parts[n].sizes), free((void *)parts[n].sides);
}

static void compare_counts(const nk_cuts *c, const double *x, uint64_t rows, const uint64_t *counts)
{
    uint64_t *const expected = calloc(2 * c->count + 1, sizeof *expected);
    for (uint64_t r = 0; r < rows; r++) {
        uint64_t low = 0, high = c->count;
        while (low < high) {
            const uint64_t middle = (low + high) / 2;
            if (c->cuts[middle] < x[r])
                low = middle + 1;
            else
                high = middle;
        }
        if (x[r] == x[r])
            expected[2 * low + (low < c->count && c->cuts[low] == x[r])]++;
    }
    if (memcmp(expected, counts, (2 * c->count + 1) * sizeof *counts))
        fail("other counts", "cuts", c->cuts[0]);
    free(expected);
}

static void check_cuts(void)
{
    double *columns[MOST_COLUMNS];
    nk_cuts cuts[MOST_COLUMNS];
    const uint64_t rows = some_rows(), features = 1 + below(MOST_COLUMNS), most = below(2) ? below(400) : below(9);
    const uint64_t stride = 3 + 2 * most;
    nk_counts to = {calloc(features * stride, 8), exactly(NK_CELLS * sizeof(uint32_t)), rows, features, stride};
    for (uint64_t j = 0; j < features; j++) {
        double *const at = room_for(most + 2, sizeof *at);
        uint64_t count = 0;
        fill(columns[j] = room_for(rows, sizeof(double)), rows);
        fill(at, most);
        for (uint64_t i = 0; i < most; i++) { /* half of them are values */
            const double x = rows && below(2) ? columns[j][draw() % rows] : at[i];
            if (x == x)
                at[count++] = x + 0.0;
        }
        qsort(at, count, sizeof *at, by_size);
        at[count] = at[count + 1] = NAN;
        cuts[j] = (nk_cuts){at, exactly(NK_CELLS * sizeof(uint16_t)), exactly(NK_CELLS), .count = count};
        if (count)
            nk_lay_cuts(cuts + j);
    }
    nk_count_between(cuts, (const double *const *)columns, &to);
    for (uint64_t j = 0; j < features; j++) {
        if (cuts[j].count)
            compare_counts(cuts + j, columns[j], rows, to.counts + j * stride);
        free(columns[j]), free((void *)cuts[j].cuts), free(cuts[j].first), free(cuts[j].with_cuts);
    }
    free(to.counts), free(to.room);
}

void check_sketches(uint64_t count)
{
    for (uint64_t k = 0; k < count; k++) {
        check_merges();
        check_cuts();
    }
    printf("sketches: %llu merges of samples, and counts between cuts\n", (unsigned long long)count);
}
