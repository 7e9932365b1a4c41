/* Eight bytes at a time in a 64-bit word, the first of them in the lowest byte. */
#ifndef NK_OCTETS_H
#define NK_OCTETS_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#if !defined __BYTE_ORDER__ || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are taken to be in little-endian order"
#endif
#if !defined __SIZEOF_INT128__ || UINTPTR_MAX != UINT64_MAX
#error "64-bit machines only: products of 64 x 64 bits are needed whole"
#endif
#if defined __FAST_MATH__
#error "results are to be the same bits everywhere: no fast math"
#endif
/* 16: _Float16 is computed as itself, and doubles as doubles (gcc where the CPU has half precision) */
_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16, "doubles are to be computed as doubles");
_Static_assert(FLT_RADIX == 2 && DBL_MANT_DIG == 53 && sizeof(double) == 8, "doubles are those of IEEE 754");

#define INLINE static inline __attribute__((always_inline))
#define COLD __attribute__((noinline, cold))
#define HIDDEN __attribute__((visibility("hidden"))) /* shared by the files of the library, and by nobody else */
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

__extension__ typedef unsigned __int128 uint128;

#define ONES UINT64_C(0x0101010101010101) /* times a byte: that byte in each of a word */
#define HIGH_BITS UINT64_C(0x8080808080808080)
#define ZERO_DIGITS ('0' * ONES)

INLINE uint64_t load(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

INLINE void store(char *text, uint64_t word)
{
    memcpy(text, &word, sizeof word);
}

/* The high bit of each byte that is 0; what is above the lowest of them may be wrong. */
INLINE uint64_t zero_bytes(uint64_t word)
{
    return (word - ONES) & ~word & HIGH_BITS;
}

/* The number of the byte that a bit is in, of the lowest bit set. */
INLINE int lowest_byte(uint64_t bits)
{
    return __builtin_ctzll(bits) >> 3;
}

INLINE double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#endif
