"""Which values of a table share what is learned or measured: rows downwards, columns across, equal letters share."""

BY_COLUMN = "a b c d\na b c d\na b c d\n"
BY_ROW = "a a a a\nb b b b\nc c c c\n"
WHOLE = "a a a a\na a a a\na a a a\n"
BY_VALUE = "· · · ·\n· · · ·\n· · · ·\n"
