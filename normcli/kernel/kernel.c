/* Which library this is; the loader asks before it calls anything else. */
#include "kernel.h"

_Static_assert(sizeof(nk_layout) == 32 && sizeof(nk_word) == 16 && sizeof(nk_block) == 104, "layouts of kernel.h");
_Static_assert(sizeof(nk_column) == 32 && sizeof(nk_table) == 64 && sizeof(nk_output) == 40, "layouts of kernel.h");
_Static_assert(sizeof(nk_columns) == 96 && sizeof(nk_comoments) == 96, "layouts of kernel.h");

uint32_t nk_interface(void)
{
    return NK_INTERFACE;
}
