/* Doubles to text and back: the C library reads the same bits; no decimal is shorter, and none as short is nearer. */
#include "draw.h"

/* Digits without sign, point, exponent and the zeros at both ends: how many. */
static int only_digits(const char *text, char *digits)
{
    int n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n || *text != '0'))
            digits[n++] = *text;
    while (n && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

static void check_spelling(const char *text, double x)
{
    const double size = fabs(x);
    const char *const exponent = strchr(text, 'e'), *const point = strchr(text, '.');
    const int scientific = size != 0 && (size < 1e-5 || size >= 1e16);
    if ((exponent != NULL) != scientific || (text[0] == '-') != (int)(double_bits(x) >> 63))
        fail("spelling", text, x);
    if (point && (point == text || point[-1] < '0' || point[1] < '0'))
        fail("no digit beside the point", text, x);
    if (!scientific && (!point || (text[strlen(text) - 1] == '0' && point[2])))
        fail("zeros at the end, or no point", text, x);
    if (scientific && (exponent[1] != (size < 1 ? '-' : '+') || exponent[2] == '0'))
        fail("exponent", text, x);
}

/* Whether one of the three decimals of n digits nearest to x reads back as it. */
static int reads_back_with(int n, double x)
{
    char text[64], digits[64];
    snprintf(text, sizeof text, "%.*e", n - 1, x);
    const int exponent = atoi(strchr(text, 'e') + 1) - (n - 1);
    int64_t middle = only_digits(text, digits) ? strtoll(digits, NULL, 10) : 0;
    for (int k = (int)strlen(digits); k < n; k++)
        middle *= 10;
    for (int64_t m = middle - 1; m <= middle + 1; m++) {
        snprintf(text, sizeof text, "%s%llde%d", x < 0 ? "-" : "", (long long)m, exponent);
        if (strtod(text, NULL) == x)
            return 1;
    }
    return 0;
}

static void check_shortest(const char *text, double x)
{
    char digits[64], printed[64], nearest[64];
    const int n = only_digits(text, digits);
    if (n == 0)
        return;
    snprintf(printed, sizeof printed, "%.*e", n - 1, x);
    only_digits(printed, nearest);
    /* At the lower end of a binade the nearest may not read back while one farther off does. */
    if (strcmp(nearest, digits) && strtod(printed, NULL) == x)
        fail("a nearer one of as many digits reads back", text, x);
    if (n > 1 && reads_back_with(n - 1, x))
        fail("one of fewer digits reads back", text, x);
}

static void check_reading_back(const char *text, size_t n, double x)
{
    double y = 0;
    char *const line = exactly(n + NK_PADDING);
    memcpy(line, text, n);
    memset(line + n, below(2) ? '7' : 'e', NK_PADDING);
    line[n] = '\n';
    if (double_bits(strtod(text, NULL)) != double_bits(x))
        fail("strtod does not read it back", text, x);
    if (!nk_read_number(line, n, &y) || double_bits(x) != double_bits(y))
        fail("nk_read_number does not read it back", text, x);
    free(line);
}

void check_writing(uint64_t count, uint64_t every)
{
    char *const room = exactly(NK_ROOM);
    uint64_t compared = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double x = any_double();
        const size_t n = nk_write_number(x, room);
        char text[NK_LONGEST_NUMBER + 1];
        if (!n || n > NK_LONGEST_NUMBER)
            fail("length", "", x);
        memcpy(text, room, n);
        text[n] = 0;
        check_spelling(text, x);
        check_reading_back(text, n, x);
        if (i % every == 0) {
            compared++;
            check_shortest(text, x);
        }
    }
    if (nk_write_number(NAN, room) || nk_write_number(INFINITY, room) || nk_write_number(-INFINITY, room))
        fail("written, but not finite", "", NAN);
    printf("writing: %llu doubles read back; %llu of them shortest and nearest\n", (unsigned long long)count,
           (unsigned long long)compared);
    free(room);
}
