/* Random bits from a number: splitmix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
 * (OOPSLA 2014). */
#ifndef NK_SPLITMIX_H
#define NK_SPLITMIX_H

#include "octets.h"

INLINE uint64_t mixed(uint64_t z)
{
    z *= UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

#endif
