/* Sums of products with vectors of each width that a processor with fused multiply-adds has. The instructions are named,
 * for a compiler would choose by flags whether to fuse; a width is used only where the processor says that it has it. */
#include "comoments.h"

#define EACH _Pragma("GCC unroll 16")

#if defined __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f")))
#define LANES 8
#define TILE_ROWS 8
#define TILE_VECTORS 2
#define fused _mm512_fmadd_pd
#define spread _mm512_set1_pd
#include "comoments_lanes.h"

#define TARGET __attribute__((target("avx2,fma")))
#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define fused _mm256_fmadd_pd
#define spread _mm256_set1_pd
#include "comoments_lanes.h"

/* Which registers the system saves: bits of XCR0 (Intel's manual, volume 1, 13.3). */
enum { YMM = 0x06, ZMM = 0xe6 };

/* The widths, as a sum, for which the processor has instructions, and the system saves registers. It is asked here, for
 * __builtin_cpu_supports asks a runtime that not every compiler has filled in. */
static uint32_t find_widths(void)
{
    unsigned eax, ebx, ecx, edx, saved, more;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE) || !(ecx & bit_FMA) ||
        !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & bit_AVX2))
        return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(more) : "c"(0));
    if ((saved & YMM) != YMM)
        return 0;
    return ebx & bit_AVX512F && (saved & ZMM) == ZMM ? 4 + 8 : 4;
}

add_products *nk_add_products(uint32_t lanes)
{
    static uint32_t widths = UINT32_MAX; /* not asked yet: a virtual machine takes its time to answer */
    uint32_t known = __atomic_load_n(&widths, __ATOMIC_RELAXED);
    if (known == UINT32_MAX) {
        known = find_widths();
        __atomic_store_n(&widths, known, __ATOMIC_RELAXED);
    }
    if (lanes == 8)
        return known & 8 ? add_products_8 : NULL;
    return lanes == 4 && known & 4 ? add_products_4 : NULL;
}

#elif defined __aarch64__

#include <arm_neon.h>

#define TARGET
#define LANES 2
#define TILE_ROWS 4
#define TILE_VECTORS 4
#define fused(x, y, z) vfmaq_f64(z, x, y)
#define spread vdupq_n_f64
#include "comoments_lanes.h"

add_products *nk_add_products(uint32_t lanes)
{
    return lanes == 2 ? add_products_2 : NULL;
}

#else

add_products *nk_add_products(uint32_t lanes)
{
    (void)lanes;
    return NULL;
}

#endif
