/* Merges of quantile sketches, as stats/_compactors.py has them. */
#include "kernel.h"
#include "octets.h"
#include "splitmix.h"

#include <string.h>

enum { LEVELS = NK_LEVELS, FIRST = 1, SECOND = 2 };

/* What a row becomes: of each level how many items it holds before and after, and whether it is compacted, and how. */
typedef struct {
    int64_t held[LEVELS], size[LEVELS];
    uint8_t full[LEVELS], side[LEVELS], due[LEVELS];
    uint32_t levels; /* up to the last that holds an item */
} plan;

/* Where a merged row goes. */
typedef struct {
    double *items;
    int64_t *sizes, *sides; /* (LEVELS) */
} sketch;

static uint64_t total_of(const int64_t *sizes, uint64_t levels)
{
    uint64_t total = 0;
    for (uint64_t h = 0; h < levels; h++)
        total += (uint64_t)sizes[h];
    return total;
}

/* 64 coins: a hash of the items of a row. */
static uint64_t coins_of(const nk_sketches *part, uint64_t row)
{
    const double *items = part->items + row * part->width;
    const uint64_t count = total_of(part->sizes + row * part->levels, part->levels);
    uint64_t z = 0;
    for (uint64_t i = 0; i < count; i++)
        z += bits_of(items[i]);
    return mixed(z);
}

/* Which levels are compacted, the lowest first, until at most k items are left: those above their capacity. If that is
 * not enough, a level is added, which reduces the capacity of all others. */
static void choose(plan *p, const nk_merge *m, uint32_t top)
{
    uint64_t total = total_of(p->held, LEVELS);
    for (; total > m->k && top < LEVELS - 1; top++) {
        int64_t carry = 0;
        total = total_of(p->held, LEVELS);
        for (uint32_t h = 0; h < top; h++) {
            const int64_t held = p->held[h] + carry;
            p->full[h] = total > m->k && (double)held > m->capacities[top - h];
            carry = p->full[h] ? held / 2 : 0;
            total -= (uint64_t)carry;
        }
    }
}

static void toss(plan *p, uint64_t coins)
{
    int64_t carry = 0;
    for (uint32_t h = 0; h < LEVELS; h++) {
        const uint8_t tossed = coins >> h % 64 & 1 ? SECOND : FIRST;
        p->side[h] = p->due[h] ? p->due[h] : tossed;
        if (p->full[h])
            p->due[h] = p->due[h] ? 0 : FIRST + SECOND - tossed;
        const int64_t held = p->held[h] + carry;
        p->size[h] = p->full[h] ? held % 2 : held;
        carry = p->full[h] ? held / 2 : 0;
        if (p->size[h])
            p->levels = h + 1;
    }
}

static void make_plan(plan *p, const nk_merge *m, uint64_t row)
{
    uint64_t coins = 0;
    uint32_t top = 0;
    memset(p, 0, sizeof *p);
    for (uint64_t n = 0; n < m->count; n++) {
        const nk_sketches *part = m->parts + n;
        for (uint32_t h = 0; h < part->levels; h++) {
            p->held[h] += part->sizes[row * part->levels + h];
            if (!p->due[h])
                p->due[h] = (uint8_t)part->sides[row * part->levels + h];
            if (p->held[h] && h > top)
                top = h;
        }
        coins ^= coins_of(part, row);
    }
    choose(p, m, top);
    toss(p, coins);
}

static void merge_runs(const double *x, const double *x_end, const double *y, const double *y_end, double *to)
{
    while (x < x_end && y < y_end) {
        const double a = *x, b = *y;
        const int second = b < a;
        *to++ = second ? b : a;
        x += !second;
        y += second;
    }
    memcpy(to, x, (size_t)(x_end - x) * sizeof *x);
    memcpy(to + (x_end - x), y, (size_t)(y_end - y) * sizeof *y);
}

/* Merges runs of x, of which the n-th ends at ends[n], by pairs, from one half of the room to the other; where they are
 * merged. */
static double *merge_all(double *x, double *other, uint64_t *ends, uint64_t runs)
{
    while (runs > 1) {
        uint64_t start = 0, merged = 0;
        for (uint64_t n = 0; n < runs; n += 2) {
            const uint64_t middle = ends[n], end = n + 1 < runs ? ends[n + 1] : middle;
            merge_runs(x + start, x + middle, x + middle, x + end, other + start);
            ends[merged++] = start = end;
        }
        double *swapped = x;
        x = other;
        other = swapped;
        runs = merged;
    }
    return x;
}

/* The runs of a level in a row, of all parts and of what moves up from below, in the first half of the room; how many
 * there are. */
static uint64_t gather(const nk_merge *m, uint64_t row, uint32_t h, const double *up, uint64_t up_count)
{
    uint64_t runs = 0, end = 0;
    for (uint64_t n = 0; n <= m->count; n++) {
        const nk_sketches *part = m->parts + n;
        const double *from = up;
        uint64_t count = up_count;
        if (n < m->count) {
            const int64_t *sizes = part->sizes + row * part->levels;
            count = h < part->levels ? (uint64_t)sizes[h] : 0;
            from = part->items + row * part->width + (count ? total_of(sizes, h) : 0);
        }
        if (!count)
            continue;
        memcpy(m->room + end, from, count * sizeof *from);
        m->ends[runs++] = end += count;
    }
    return runs;
}

static void fill(const nk_merge *m, const plan *p, uint64_t row, double *to)
{
    double *up = m->room + 2 * m->room_size;
    uint64_t up_count = 0;
    for (uint32_t h = 0; h < p->levels; h++) {
        const uint64_t runs = gather(m, row, h, up, up_count), count = runs ? m->ends[runs - 1] : 0;
        const double *level = merge_all(m->room, m->room + m->room_size, m->ends, runs);
        const uint64_t stay = p->full[h] ? count % 2 : count;
        memcpy(to, level + count - stay, stay * sizeof *to);
        to += stay;
        up_count = p->full[h] ? count / 2 : 0;
        for (uint64_t i = 0; i < up_count; i++)
            up[i] = level[2 * i + (p->side[h] == SECOND)];
    }
}

/* Merges a row of all parts; whether levels suffice. */
static int merge_row(const nk_merge *m, uint64_t row, const sketch *to)
{
    plan p;
    make_plan(&p, m, row);
    const uint64_t count = total_of(p.size, p.levels);
    if (count > m->capacity)
        return 0;
    for (uint32_t h = 0; h < LEVELS; h++) {
        to->sizes[h] = p.size[h];
        to->sides[h] = p.due[h];
    }
    fill(m, &p, row, to->items);
    return 1;
}

/* Merges a row of the parts one after the other; whether levels suffice. What was merged so far is in the room, and a
 * pair of sketches at a time is all that is merged. */
static int fold_row(const nk_merge *m, uint64_t row, const sketch *to)
{
    int64_t sizes[2][LEVELS], sides[2][LEVELS];
    nk_sketches pair[2];
    nk_merge two = *m;
    two.parts = pair, two.count = 2;
    for (uint64_t n = 0; n < m->count; n++) {
        const nk_sketches *part = m->parts + n;
        pair[n > 0] = *part;
        pair[n > 0].items += row * part->width;
        pair[n > 0].sizes += row * part->levels;
        pair[n > 0].sides += row * part->levels;
        if (!n)
            continue;
        sketch next = {m->room + 3 * m->room_size + n % 2 * m->capacity, sizes[n % 2], sides[n % 2]};
        if (!merge_row(&two, 0, n + 1 < m->count ? &next : to))
            return 0;
        pair[0] = (nk_sketches){next.items, next.sizes, next.sides, m->capacity, LEVELS};
    }
    return 1;
}

int32_t nk_merge_sketches(nk_merge *m)
{
    m->width = m->levels = 0;
    for (uint64_t row = 0; row < m->rows; row++) {
        const sketch to = {m->items + row * m->capacity, m->sizes + row * LEVELS, m->sides + row * LEVELS};
        if (!(m->in_turn ? fold_row : merge_row)(m, row, &to))
            return NK_UNFIT;
        const uint64_t count = total_of(to.sizes, LEVELS);
        for (uint64_t i = count; i < m->capacity; i++)
            to.items[i] = double_of(UINT64_C(0x7ff0000000000000));
        m->width = count > m->width ? count : m->width;
        for (uint64_t h = m->levels; h < LEVELS; h++)
            if (to.sizes[h])
                m->levels = h + 1;
    }
    return NK_DONE;
}
