/* Sums of products with vectors of each width that a processor with fused multiply-adds has. The instructions are named,
 * for a compiler would choose by flags whether to fuse; a width is used only where the processor says that it has it. */
#include "comoments.h"
#include "processor.h"

#define EACH _Pragma("GCC unroll 16")

#if defined __x86_64__

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

add_products *nk_add_products(uint32_t lanes)
{
    if (lanes == 8)
        return nk_features() & NK_FUSED_8 ? add_products_8 : NULL;
    return lanes == 4 && nk_features() & NK_FUSED_4 ? add_products_4 : NULL;
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
