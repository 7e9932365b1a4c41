/* How often bytes are there. */
#include "kernel.h"
#include "octets.h"

enum { LANES = 16, RUN = 255, AHEAD = 1024 };
typedef uint8_t lanes __attribute__((vector_size(LANES)));

static uint64_t sum_of(lanes counts)
{
    uint64_t total = 0;
    for (int k = 0; k < LANES; k++)
        total += counts[k];
    return total;
}

void nk_count(const char *text, uint64_t size, const char octets[2], uint64_t counts[2])
{
    const lanes first = (lanes){0} + (uint8_t)octets[0], second = (lanes){0} + (uint8_t)octets[1];
    uint64_t at = 0;
    counts[0] = counts[1] = 0;
    while (size - at >= LANES) {
        lanes of_first = {0}, of_second = {0};
        for (int i = 0; i < RUN && size - at >= LANES; i++, at += LANES) { /* as far as a byte counts */
            lanes bytes;
            memcpy(&bytes, text + at, LANES);
            __builtin_prefetch(text + at + AHEAD);
            of_first -= (lanes)(bytes == first);
            of_second -= (lanes)(bytes == second);
        }
        counts[0] += sum_of(of_first);
        counts[1] += sum_of(of_second);
    }
    for (; at < size; at++) {
        counts[0] += text[at] == octets[0];
        counts[1] += text[at] == octets[1];
    }
}
