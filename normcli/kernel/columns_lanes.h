/* Sums of columns with vectors of LANES doubles, for the file that includes this, once for each width: TARGET is the
 * attribute of functions that may use them, lesser(x, y) and greater(x, y) are of each lane. The bits are the same for
 * every width: each of SIDE sums has a lane of its own. */
#define JOINED(name, lanes) name##_##lanes
#define NAMED(name, lanes) JOINED(name, lanes)
#define NAME(name) NAMED(name, LANES)
#define VECTOR NAME(vector)
#define ENDS NAME(ends)

typedef double VECTOR __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* The least and greatest values, in lanes, of even and of odd vectors: so they wait less for each other. */
typedef struct {
    VECTOR least[2], greatest[2];
} ENDS;

TARGET INLINE VECTOR NAME(spread)(double x)
{
    return x - (VECTOR){0}; /* -0 stays what it is */
}

TARGET INLINE double NAME(total)(const VECTOR sums[SIDE / LANES])
{
    double x[SIDE];
    memcpy(x, sums, sizeof x);
    return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
}

TARGET INLINE void NAME(widen)(ENDS *ends, VECTOR x, int k)
{
    ends->least[k] = lesser(x, ends->least[k]);
    ends->greatest[k] = greater(x, ends->greatest[k]);
}

/* Of at most RUN values. */
TARGET INLINE double NAME(sum_run)(const double *x, uint64_t count, ENDS *both)
{
    ENDS ends = *both; /* a copy stays in registers */
    uint64_t i = 0;
    double sum = -0.0; /* which changes no sum */
    if (count >= SIDE) {
        VECTOR sums[SIDE / LANES];
        EACH for (int v = 0; v < SIDE / LANES; v++) {
            sums[v] = *(const VECTOR *)(x + v * LANES);
            NAME(widen)(&ends, sums[v], v % 2);
        }
        for (i = SIDE; i + SIDE <= count; i += SIDE) {
            __builtin_prefetch(x + i + AHEAD); /* the processor's own prefetching ends with each page */
            EACH for (int v = 0; v < SIDE / LANES; v++) {
                const VECTOR values = *(const VECTOR *)(x + i + v * LANES);
                sums[v] += values;
                NAME(widen)(&ends, values, v % 2);
            }
        }
        sum = NAME(total)(sums);
    }
    for (; i < count; i++) {
        sum += x[i];
        NAME(widen)(&ends, NAME(spread)(x[i]), 0);
    }
    *both = ends;
    return sum;
}

TARGET static double NAME(sum_values)(const double *x, uint64_t count, ENDS *ends)
{
    if (count <= RUN)
        return NAME(sum_run)(x, count, ends);
    const uint64_t half = half_of(count);
    const double sum = NAME(sum_values)(x, half, ends);
    return sum + NAME(sum_values)(x + half, count - half, ends);
}

TARGET static reduced NAME(reduce)(const double *x, uint64_t count)
{
    const VECTOR none = NAME(spread)(INFINITY);
    ENDS ends = {{none, none}, {-none, -none}};
    reduced r = {NAME(sum_values)(x, count, &ends), INFINITY, -INFINITY};
    for (int v = 0; v < 2; v++)
        for (int k = 0; k < LANES; k++) {
            r.least = ends.least[v][k] < r.least ? ends.least[v][k] : r.least;
            r.greatest = ends.greatest[v][k] > r.greatest ? ends.greatest[v][k] : r.greatest;
        }
    return r;
}

/* Of at most RUN deviations from a center, and of their squares. */
TARGET INLINE deviations NAME(sum_run_about)(const double *x, uint64_t count, double center)
{
    uint64_t i = 0;
    deviations d = {-0.0, -0.0};
    if (count >= SIDE) {
        const VECTOR centers = NAME(spread)(center);
        VECTOR first[SIDE / LANES], second[SIDE / LANES];
        EACH for (int v = 0; v < SIDE / LANES; v++) {
            first[v] = *(const VECTOR *)(x + v * LANES) - centers;
            second[v] = first[v] * first[v];
        }
        for (i = SIDE; i + SIDE <= count; i += SIDE)
            EACH for (int v = 0; v < SIDE / LANES; v++) {
                const VECTOR away = *(const VECTOR *)(x + i + v * LANES) - centers;
                first[v] += away;
                second[v] += away * away;
            }
        d = (deviations){NAME(total)(first), NAME(total)(second)};
    }
    for (; i < count; i++) {
        const double away = x[i] - center;
        d.sum += away;
        d.squares += away * away;
    }
    return d;
}

TARGET static deviations NAME(sum_about)(const double *x, uint64_t count, double center)
{
    if (count <= RUN)
        return NAME(sum_run_about)(x, count, center);
    const uint64_t half = half_of(count);
    const deviations a = NAME(sum_about)(x, half, center), b = NAME(sum_about)(x + half, count - half, center);
    return (deviations){a.sum + b.sum, a.squares + b.squares};
}

#undef JOINED
#undef NAMED
#undef NAME
#undef VECTOR
#undef ENDS
#undef LANES
#undef TARGET
#undef lesser
#undef greater
