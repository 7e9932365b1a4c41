/* The kernel against the C library, number by number, and with exact capacities.
 *
 *   harness COUNT [SEED [EVERY [PARTS]]]
 *
 * COUNT numbers each for writing and reading, COUNT / 100 pieces of text, and COUNT / 1000 matrices, blocks of columns and
 * merges of sketches each; PARTS names some of the six. Only one in EVERY doubles is tested for being the shortest, which
 * takes most of the time. With -fsanitize=address,undefined the memory is tested, too. test_harness.py builds and runs it.
 */
#include "draw.h"

int main(int argc, char **argv)
{
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    const uint64_t every = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    const char *const parts = argc > 4 ? argv[4] : "pieces writing reading columns comoments sketches";
    set_seed(argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strstr(parts, "pieces"))
        check_pieces(count / 100);
    if (strstr(parts, "writing"))
        check_writing(count, every);
    if (strstr(parts, "reading"))
        check_reading(count);
    if (strstr(parts, "columns"))
        check_columns(count / 1000);
    if (strstr(parts, "comoments"))
        check_comoments(count / 1000);
    if (strstr(parts, "sketches"))
        check_sketches(count / 1000);
    return 0;
}
