/* Co-moments of one run of rows, for each width of vectors that this processor may have. */
#ifndef NK_COMOMENTS_H
#define NK_COMOMENTS_H

#include "kernel.h"
#include "octets.h"

enum {
    PART = 8,  /* rows whose products are summed one after the other: values on a coarse grid round one way as sums grow */
    RUN = 64,   /* rows whose parts are summed without compensation; sums of runs are compensated */
    STRIP = 4,  /* runs that are packed at once: their tiles of sums stay in the first cache meanwhile */
    PANEL = 8,  /* columns that are packed beside each other */
    STRIP_ROWS = STRIP * RUN
};

/* Deviations of up to STRIP_ROWS rows, column by column within a row, in panels of PANEL columns: (panels, STRIP_ROWS,
 * PANEL). Columns beyond the last one are 0. */
typedef struct {
    const double *deviations;
    const double *weighted; /* times the weights; the same where each counts 1 */
    uint64_t rows;
    uint64_t panels;
    double *products;       /* (PANEL * panels, PANEL * panels) to be added to: the tiles from the diagonal down, */
    double *products_low;   /* and the errors of those additions */
} packed_strip;

/* Add the products of a strip. Every sum has one order, whatever the vectors: rows within a part from 0, by fused
 * multiply-adds, each element in a lane of its own; parts within a run; then the run to the total. */
typedef void add_products(const packed_strip *strip);

HIDDEN add_products *nk_add_products(uint32_t lanes); /* with vectors of so many doubles; NULL where there are none */

#endif
