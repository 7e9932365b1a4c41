/* How often bytes are there, by vectors of LANES bytes. */
#include "kernel.h"
#include "processor.h"

enum { RUN = 255, AHEAD = 1024 };

#if defined __x86_64__
#define TARGET __attribute__((target("avx2")))
#define LANES 32
#include "counting_lanes.h"
#endif

#define TARGET
#define LANES 16
#include "counting_lanes.h"

void nk_count(const char *text, uint64_t size, const char octets[2], uint64_t counts[2])
{
    uint64_t at = 0;
    counts[0] = counts[1] = 0;
#if defined __x86_64__
    if (nk_features() & NK_AVX2_AND_BITS)
        at = count_32(text, size, octets, counts);
#endif
    at += count_16(text + at, size - at, octets, counts);
    for (; at < size; at++) {
        counts[0] += text[at] == octets[0];
        counts[1] += text[at] == octets[1];
    }
}
