/* What the processor can do: see processor.h. */
#include "processor.h"

#if defined __x86_64__

#include <cpuid.h>

/* Which registers the system saves: bits of XCR0 (Intel's manual, volume 1, 13.3). */
enum { YMM = 0x06, ZMM = 0xe6 };

/* It is asked here, for __builtin_cpu_supports asks a runtime that not every compiler has filled in. */
static uint32_t find_features(void)
{
    unsigned eax, basic, ebx, ecx, edx, saved, more;
    if (!__get_cpuid(1, &eax, &ebx, &basic, &edx) || !(basic & bit_OSXSAVE) || !(basic & bit_FMA) ||
        !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & bit_AVX2))
        return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(more) : "c"(0));
    if ((saved & YMM) != YMM)
        return 0;
    uint32_t features = ebx & bit_AVX512F && (saved & ZMM) == ZMM ? NK_FUSED_4 | NK_FUSED_8 : NK_FUSED_4;
    if (ebx & bit_BMI && ebx & bit_BMI2 && basic & bit_POPCNT && __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) &&
        ecx & bit_LZCNT)
        features |= NK_AVX2_AND_BITS;
    return features;
}

uint32_t nk_features(void)
{
    static uint32_t features = UINT32_MAX; /* not asked yet: a virtual machine takes its time to answer */
    uint32_t known = __atomic_load_n(&features, __ATOMIC_RELAXED);
    if (known == UINT32_MAX) {
        known = find_features();
        __atomic_store_n(&features, known, __ATOMIC_RELAXED);
    }
    return known;
}

#else

uint32_t nk_features(void)
{
    return 0;
}

#endif
