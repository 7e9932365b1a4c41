/* What this processor can do beyond what every one of its kind can. */
#ifndef NK_PROCESSOR_H
#define NK_PROCESSOR_H

#include "octets.h"

enum nk_feature {         /* bits */
    NK_AVX2_AND_BITS = 1, /* AVX2, and the instructions on bits that came with it: BMI1, BMI2, LZCNT, POPCNT */
    NK_FUSED_4 = 4,       /* fused multiply-adds of vectors of four doubles */
    NK_FUSED_8 = 8        /* likewise of eight */
};

HIDDEN uint32_t nk_features(void);

#endif
