/* How often bytes are there, with vectors of LANES bytes, for the file that includes this, once for each width: TARGET
 * is the attribute of functions that may use them. */
#define JOINED(name, lanes) name##_##lanes
#define NAMED(name, lanes) JOINED(name, lanes)
#define NAME(name) NAMED(name, LANES)
#define VECTOR NAME(octets)

typedef uint8_t VECTOR __attribute__((vector_size(LANES), aligned(1), may_alias));

TARGET INLINE uint64_t NAME(sum_of)(VECTOR counts)
{
    uint64_t total = 0;
    for (int k = 0; k < LANES; k++)
        total += counts[k];
    return total;
}

/* Add to `counts`, of as many bytes as are whole vectors: how many these are. */
TARGET static uint64_t NAME(count)(const char *text, uint64_t size, const char octets[2], uint64_t counts[2])
{
    const VECTOR first = (VECTOR){0} + (uint8_t)octets[0], second = (VECTOR){0} + (uint8_t)octets[1];
    uint64_t at = 0;
    while (size - at >= LANES) {
        VECTOR of_first = {0}, of_second = {0};
        for (int i = 0; i < RUN && size - at >= LANES; i++, at += LANES) { /* as far as a byte counts */
            const VECTOR bytes = *(const VECTOR *)(const void *)(text + at);
            __builtin_prefetch(text + at + AHEAD);
            of_first -= (VECTOR)(bytes == first);
            of_second -= (VECTOR)(bytes == second);
        }
        counts[0] += NAME(sum_of)(of_first);
        counts[1] += NAME(sum_of)(of_second);
    }
    return at;
}

#undef JOINED
#undef NAMED
#undef NAME
#undef VECTOR
#undef TARGET
#undef LANES
