/* Decimals to doubles: the bits of strtod, or declined for a reason. */
#include "draw.h"

enum { LONGEST = 3000 };

static char *add_digits(char *to, int n)
{
    for (int k = 0; k < n; k++)
        *to++ = (char)('0' + below(10));
    return to;
}

static char *add_zeros(char *to, int n)
{
    memset(to, '0', (size_t)n);
    return to + n;
}

/* A decimal at, or next to, halfway between two doubles: the sum has 54 bits, and a long double has 64 (where it has
 * not, decimals are only near to that). */
static int halfway(char *text)
{
    double x;
    do
        x = fabs(any_double());
    while (x > 1e308);
    const long double middle = (long double)x + ((long double)nextafter(x, INFINITY) - x) / 2;
    const int n = snprintf(text, LONGEST, "%.*Le", below(3) ? 18 : (int)(17 + below(below(2) ? 10 : 800)), middle);
    if (below(3) == 0) /* a unit above or below */
        for (int k = n - 1; k > 0; k--)
            if (text[k] == 'e' && text[k - 1] > '0' && text[k - 1] < '9') {
                text[k - 1] = (char)(text[k - 1] + (below(2) ? 1 : -1));
                break;
            }
    return n;
}

/* Zeros without end, and an exponent that makes up for them. */
static int long_zeros(char *text)
{
    const unsigned zeros = below(below(2) ? 40 : 800);
    char *end = text;
    if (below(2)) {
        end = add_zeros(end, (int)below(30));
        *end++ = '.';
        end = add_zeros(end, (int)zeros);
        end = add_digits(end, 1 + (int)below(20));
        end += sprintf(end, "e%u", zeros + below(20));
    } else {
        end = add_digits(end, 1 + (int)below(20));
        end = add_zeros(end, (int)zeros);
        if (below(2))
            *end++ = '.';
        end += sprintf(end, "e-%u", zeros + below(20));
    }
    return (int)(end - text);
}

static int ordinary(char *text)
{
    static const int lengths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 18, 19, 20, 21, 30};
    char *end = text;
    if (below(3) == 0)
        *end++ = below(4) ? '-' : '+';
    const int whole = below(10) ? lengths[below(18)] : 0, part = below(4) ? lengths[below(18)] : 0;
    end = add_digits(end, below(2) || whole < 4 ? whole : 3);
    if (part || end == text || (end == text + 1 && whole == 0)) {
        *end++ = '.';
        end = add_digits(end, part + (part == 0));
    } else if (below(20) == 0) {
        *end++ = '.';
    }
    if (below(3) == 0) {
        const char *const sign = below(2) ? "-" : below(2) ? "+" : "";
        end += sprintf(end, "%c%s%u", below(2) ? 'e' : 'E', sign, below(below(2) ? 30 : 400));
    }
    *end = 0;
    return (int)(end - text);
}

/* Digits from the first that is not 0 to the last that is not, without point and exponent. */
static int significant_digits(const char *text)
{
    int n = 0, last = 0;
    for (; *text && (*text | 0x20) != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n || *text != '0')) {
            n++;
            last = *text == '0' ? last : n;
        }
    return last;
}

static int is_whole_minus_zero(const char *text, double x)
{
    return x == 0 && text[0] == '-' && !strpbrk(text, ".eE");
}

void check_reading(uint64_t count)
{
    static char text[LONGEST];
    uint64_t declined = 0, infinite = 0, difficult = 0;
    for (uint64_t i = 0; i < count; i++) {
        const unsigned kind = below(16);
        const int n = kind < 4 ? halfway(text) : kind == 4 ? long_zeros(text) : ordinary(text);
        text[n] = 0;
        char *const line = exactly((size_t)n + NK_PADDING), *end;
        memcpy(line, text, (size_t)n);
        memset(line + n, "8.e-"[below(4)], NK_PADDING);
        line[n] = '\n';
        double y = 0;
        const double x = strtod(text, &end);
        const int certain = nk_read_number(line, (size_t)n, &y);
        if (end != text + n)
            fail("no number for strtod", text, x);
        if (certain && double_bits(x) != double_bits(y))
            fail("not what strtod reads", text, y);
        difficult += kind < 5;
        infinite += isinf(x) != 0;
        if (!certain && !isinf(x)) {
            declined++;
            if (!is_whole_minus_zero(text, x) && significant_digits(text) <= 19)
                fail("declined, with no more than 19 digits", text, x);
        }
        free(line);
    }
    printf("reading: %llu decimals, %llu of them halfway or long; infinite %llu, others declined %llu\n",
           (unsigned long long)count, (unsigned long long)difficult, (unsigned long long)infinite,
           (unsigned long long)declined);
}
