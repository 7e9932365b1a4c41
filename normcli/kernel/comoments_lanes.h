/* Sums of products of packed columns with vectors of LANES doubles, for the file that includes this, once for each
 * width: TARGET is the attribute of functions that may use them, fused(x, y, z) is x * y + z rounded once, and
 * spread(x) a vector of one double. TILE_ROWS * TILE_VECTORS sums of a part stay in registers. */
#define JOINED(name, lanes) name##_##lanes
#define NAMED(name, lanes) JOINED(name, lanes)
#define NAME(name) NAMED(name, LANES)
#define VECTOR NAME(vector)

typedef double VECTOR __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

/* Add y to the total, and what that rounds off to its low part (Knuth's two-sum). */
TARGET INLINE void NAME(add)(double *total, double *low, VECTOR y)
{
    const VECTOR x = *(const VECTOR *)total, sum = x + y, z = sum - x;
    *(VECTOR *)total = sum;
    *(VECTOR *)low += (x - (sum - z)) + (y - z);
}

/* Add the products of TILE_ROWS columns, at a, and of those in `vectors` vectors, at b, to the sums of a run. */
TARGET INLINE void NAME(add_part)(const double *a, const double *b, uint64_t rows, VECTOR (*sums)[TILE_VECTORS],
                                  const int vectors)
{
    VECTOR part[TILE_ROWS][TILE_VECTORS], x[TILE_VECTORS];
    EACH for (int i = 0; i < TILE_ROWS; i++)
        EACH for (int v = 0; v < vectors; v++)
            part[i][v] = spread(0.0);
    for (uint64_t k = 0; k < rows; k++) {
        EACH for (int v = 0; v < vectors; v++)
            x[v] = *(const VECTOR *)(b + v * LANES / PANEL * STRIP_ROWS * PANEL + v * LANES % PANEL + k * PANEL);
        EACH for (int i = 0; i < TILE_ROWS; i++) {
            const VECTOR y = spread(a[k * PANEL + (uint64_t)i]);
            EACH for (int v = 0; v < vectors; v++)
                part[i][v] = fused(x[v], y, part[i][v]);
        }
    }
    EACH for (int i = 0; i < TILE_ROWS; i++)
        EACH for (int v = 0; v < vectors; v++)
            sums[i][v] += part[i][v];
}

/* The products of TILE_ROWS columns, at a, and of those in `vectors` vectors, at b, a panel after the other; sums go to
 * a tile of totals. */
TARGET INLINE void NAME(add_tile)(const double *a, const double *b, uint64_t rows, double *total, double *low,
                                  uint64_t stride, const int vectors)
{
    VECTOR sums[TILE_ROWS][TILE_VECTORS];
    EACH for (int i = 0; i < TILE_ROWS; i++)
        EACH for (int v = 0; v < vectors; v++)
            sums[i][v] = spread(0.0);
    for (uint64_t k = 0; k < rows; k += PART)
        NAME(add_part)(a + k * PANEL, b + k * PANEL, rows - k < PART ? rows - k : PART, sums, vectors);
    EACH for (int i = 0; i < TILE_ROWS; i++)
        EACH for (int v = 0; v < vectors; v++)
            NAME(add)(total + (uint64_t)i * stride + v * LANES, low + (uint64_t)i * stride + v * LANES, sums[i][v]);
}

/* The products of the columns of a panel with those in `vectors` vectors from another panel on. */
TARGET INLINE void NAME(add_panels)(const packed_strip *strip, uint64_t panel, uint64_t other, const int vectors)
{
    const uint64_t stride = strip->panels * PANEL, at = panel * PANEL * stride + other * PANEL;
    const double *const a = strip->deviations + panel * STRIP_ROWS * PANEL;
    const double *const b = strip->weighted + other * STRIP_ROWS * PANEL;
    for (uint64_t i = 0; i < PANEL; i += TILE_ROWS)
        for (uint64_t start = 0; start < strip->rows; start += RUN) {
            const uint64_t rows = strip->rows - start < RUN ? strip->rows - start : RUN;
            NAME(add_tile)(a + start * PANEL + i, b + start * PANEL, rows, strip->products + at + i * stride,
                           strip->products_low + at + i * stride, stride, vectors);
        }
}

TARGET static void NAME(add_products)(const packed_strip *strip)
{
    enum { ONE = PANEL / LANES, MORE = TILE_VECTORS / ONE };
    for (uint64_t other = 0; other < strip->panels; other += MORE)
        for (uint64_t panel = other; panel < strip->panels; panel++)
            if (panel + 1 >= other + MORE)
                NAME(add_panels)(strip, panel, other, TILE_VECTORS);
            else
                for (uint64_t last = other; last <= panel; last++)
                    NAME(add_panels)(strip, panel, last, ONE);
}

#undef JOINED
#undef NAMED
#undef NAME
#undef VECTOR
#undef LANES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef TARGET
#undef fused
#undef spread
