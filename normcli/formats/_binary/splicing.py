"""Row groups that were written as Parquet files of their own, put together in one file: their bytes as they stand, and
their parts of the footer, with other places in them. (https://parquet.apache.org/docs/file-format/metadata/)"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from normcli.formats._binary import thrift

MAGIC = b"PAR1"
END = 4 + len(MAGIC)  # bytes after the footer: how long it is, and the mark
PLACE, ROWS, ORDINAL, GROUP = "place", "rows", "ordinal", "group"  # what a number is, and where all of a group is
COLUMN_DATA = {9: PLACE, 10: PLACE, 11: PLACE, 14: PLACE}  # pages of data, of an index, of a dictionary, a Bloom filter
COLUMN = {2: PLACE, 3: COLUMN_DATA, 4: PLACE, 6: PLACE}  # the column chunk, what it has, and indexes of its pages
OF_GROUP: thrift.Shape = {1: COLUMN, 3: ROWS, 5: PLACE, 7: ORDINAL}
OF_FILE: thrift.Shape = {3: ROWS, 4: GROUP}


class GroupFooter(Struct, frozen=True):
    """A row group as a footer has it, and the numbers in that which depend on the file."""

    rows: int
    data: bytes
    numbers: Sequence[thrift.FieldPlace]

    def moved(self, by: int, ordinal: int) -> bytearray:
        """The same of a row group that lies so many bytes further on, of so many before it."""
        moved, at = bytearray(), 0
        for what, start, end in self.numbers:
            number = thrift.integer_at(self.data, start)
            if what is PLACE and number:
                number += by
            elif what is ORDINAL:
                number = ordinal % (1 << 15)  # it has 16 bits
            moved += self.data[at:start]
            moved += thrift.encoded(number)
            at = end
        moved += self.data[at:]
        return moved


class Groups(Struct, frozen=True):
    """Row groups that were written, and what a footer has to say of them."""

    data: memoryview
    footers: Sequence[GroupFooter]


class Footer:
    """The footer of a file, to which row groups are added; all else is that of an empty file."""

    def __init__(self, empty: memoryview) -> None:
        self._empty = _footer(empty)
        self._rows, self._count, self._groups = 0, 0, bytearray()

    def add(self, group: GroupFooter, by: int) -> None:
        """A row group that lies so many bytes further on than in its own file."""
        self._groups += group.moved(by, self._count)
        self._rows, self._count = self._rows + group.rows, self._count + 1

    def end(self) -> bytes:
        """The end of the file: the footer, how long it is, and the mark."""
        (_, rows, after_rows), (_, groups, after_groups) = thrift.find(self._empty, 0, OF_FILE)[0]
        parts = (
            self._empty[:rows], thrift.encoded(self._rows), self._empty[after_rows:groups],
            thrift.list_of_structs(self._count), self._groups, self._empty[after_groups:],
        )  # fmt: skip
        size = sum(map(len, parts)).to_bytes(4, "little")
        return b"".join((*parts, size, MAGIC))


def groups_of(file: memoryview) -> Groups:
    """The row groups of a file."""
    footer, groups = _footer(file), list[GroupFooter]()
    _, (_, at, _) = thrift.find(footer, 0, OF_FILE)[0]
    _, count, at = thrift.list_head(footer, at)
    for _ in range(count):
        numbers, end = thrift.find(footer, at, OF_GROUP)
        rows = next(thrift.integer_at(footer, start) for what, start, _ in numbers if what is ROWS)
        moving = [(what, start - at, end - at) for what, start, end in numbers if what is not ROWS]
        groups.append(GroupFooter(rows, footer[at:end], moving))
        at = end
    return Groups(file[len(MAGIC) : len(file) - END - len(footer)], groups)


def _footer(file: memoryview) -> bytes:
    size = int.from_bytes(file[-END : -len(MAGIC)], "little")
    return bytes(file[-END - size : -END])
