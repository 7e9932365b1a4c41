/* The tables of powers of ten. powers.h is made by tables.py when the library is built. */
#include "powers_of_ten.h"

const power_of_ten nk_powers[] = {
#include "powers.h"
};

const fraction_power nk_fractions[] = {
#define NK_FRACTIONS
#include "powers.h"
};
