/* Random numbers: see draw.h. */
#include "draw.h"

static uint64_t state;

void set_seed(uint64_t seed)
{
    state = seed;
}

uint64_t draw(void) /* splitmix64 (Steele, Lea and Flood 2014) */
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

unsigned below(unsigned limit)
{
    return (unsigned)((draw() >> 32) * limit >> 32);
}

uint64_t double_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double near_a_power(void)
{
    const double power = below(2) ? ldexp(1.0, (int)below(2098) - 1074) : pow(10, (int)below(632) - 323);
    const uint64_t bits = double_bits(power);
    return double_of(bits > 2 ? bits + below(5) - 2 : bits + below(5));
}

double any_double(void)
{
    double x;
    switch (below(10)) {
    case 0: /* a short decimal */
        return (double)(int64_t)(draw() >> (24 + below(39))) / pow(10, below(12)) * (below(2) ? 1 : -1);
    case 1: /* a z-score */
        return ((double)below(1u << 31) + (double)below(1u << 31) + (double)below(1u << 31)) / (1u << 30) - 3.0;
    case 2:
        return near_a_power();
    case 3: /* a whole number */
        return (double)(int64_t)(draw() >> below(64));
    case 4: /* few bits */
        return ldexp((double)(draw() >> (50 + below(13))), (int)below(1900) - 1000);
    case 5: /* below the normal doubles */
        return double_of(draw() >> (12 + below(52)) | (uint64_t)below(2) << 63);
    case 6: /* of single precision */
        return (double)(float)(((double)below(1u << 31) - (1u << 30)) / (1u << below(30)));
    default:
        do
            x = double_of(draw());
        while (!isfinite(x));
        return x;
    }
}

void fail(const char *what, const char *text, double x)
{
    printf("FAILED: %s: '%s' %a\n", what, text, x);
    exit(1);
}

void *exactly(size_t size)
{
    void *const memory = malloc(size ? size : 1);
    if (!memory)
        fail("no memory", "", (double)size);
    return memory;
}
