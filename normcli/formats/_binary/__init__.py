"""What binary formats share: record batches, their sizes and types; seals, and the headers that libraries hide."""
