"""Drawings of tables: values with equal letters share parameters or statistics. Rows run downwards."""

BY_COLUMN = "a b c d\na b c d\na b c d\n"
BY_ROW = "a a a a\nb b b b\nc c c c\n"
BY_TABLE = "a a a a\na a a a\na a a a\n"
BY_VALUE = "· · · ·\n· · · ·\n· · · ·\n"
BY_GROUP = "a a b b\nc c d d\ne e f f\n"  # of two channels, or groups of them, with two columns each
BY_BATCH = "a b c d\na b c d\ne f g h\ne f g h\n"  # of two rows
BY_BATCH_AND_CHANNEL = "a a b b\na a b b\nc c d d\nc c d d\n"
