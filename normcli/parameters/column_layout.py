"""ColumnLayout: writes the columns that steps output into a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from normcli import columns
from normcli.blocks.record import Array
from normcli.caching import cached_property
from normcli.columns import Dtype, Frame
from normcli.parameters.lineage import ColumnLineage

if TYPE_CHECKING:
    from normcli.columns.fixed import Fixed


class ColumnLayout(Struct, frozen=True, dict=True):
    """Positions and types of output columns: in place of the columns that they are computed from, or with a suffix,
    after them."""

    lineage: ColumnLineage
    lists: frozenset[str]  # columns that hold lists
    types: Mapping[str, str]  # original type of each column
    dtype: Dtype | None = None  # None: float32 where the column was, else float64; original types if `inverse`
    suffix: str = ""
    inverse: bool = False  # output columns are restored ones
    digits: int | None = None  # that floats are rounded to
    fills_lists: bool = False  # null lists have values, too

    @cached_property
    def needed(self) -> frozenset[str]:
        """Names of the input columns."""
        return frozenset(self.lineage.needs)

    def called(self, name: str) -> str:
        """The name of an output column: with the suffix if an input column has the same name; components get none."""
        return name + self.suffix if self.suffix and name in self.needed else name

    def __call__(self, frame: Frame, values: Mapping[str, Array | Fixed]) -> Frame:
        """The frame with the `values` that steps output, in place of its columns or after them."""
        put = self._put_back if self.inverse else self._put
        if not self.suffix:
            return put(frame, values)
        new = put(self._apart(frame), values)
        return self._instead(frame, new) if self.inverse else self._beside(frame, new)

    def _put(self, frame: Frame, values: Mapping[str, Any]) -> Frame:
        """The frame with normalized columns in place of the originals."""
        numbers = {n: values[n] for n in self.lineage.gives if n not in self.lists}
        if numbers:
            drop = self.needed - self.lists
            frame = columns.put(frame, numbers, self.lineage.places, drop, dtype=self.dtype, digits=self.digits)
        for name in (n for n in self.lineage.gives if n in self.lists):
            frame = self._put_list(frame, name, values[name])
        return frame

    def _put_back(self, frame: Frame, values: Mapping[str, Any]) -> Frame:
        """The frame with restored columns in place of the normalized ones, in their original types unless `dtype` is
        set."""
        numbers = {n: values[n] for n in self.lineage.needs if n not in self.lists}
        if numbers:
            places = self.lineage.sources({n: i for i, n in enumerate(self.lineage.gives)})
            drop = set(self.lineage.gives) - self.lists
            types = None if self.dtype else self.types
            frame = columns.put(frame, numbers, places, drop, restored=types, dtype=self.dtype, digits=self.digits)
        for name in (n for n in self.lineage.needs if n in self.lists):
            frame = self._put_list(frame, name, values[name], self.types[name])
        return frame

    def _put_list(self, frame: Frame, name: str, values: Any, restored: str | None = None) -> Frame:
        return columns.put_list(
            frame, name, values, restored, dtype=self.dtype, digits=self.digits, fills=self.fills_lists
        )

    def _apart(self, frame: Frame) -> Frame:
        """The columns to be normalized, as numbers; or the normalized columns alone, renamed without the suffix."""
        if not self.inverse:
            return frame.numbered(self.lineage.needs)
        return columns.gathered({n: (frame, self.called(n)) for n in self.lineage.gives})

    def _beside(self, frame: Frame, new: Frame) -> Frame:
        """The frame, with each column of `new` after its original; components after the last of their originals."""
        texts, frame = frame.originals(), frame.without_originals()
        names = frame.names
        following = self.lineage.after(names)
        as_numbers = frame.numbered(self.lineage.needs)
        copied = {} if texts is None else dict.fromkeys(texts.names, texts)
        sources: dict[str, tuple[Frame, str]] = {}
        for name in names:
            sources[name] = copied.get(name, as_numbers), name
            sources |= {self.called(n): (new, n) for n in following.get(name, ())}
        return columns.gathered(sources)

    def _instead(self, frame: Frame, new: Frame) -> Frame:
        """The frame with each column of `new` in place of the original, or of the column that it was restored from (the
        first of components), which is dropped."""
        names = frame.names
        at = {n: i for i, n in enumerate(names)}
        places: dict[str, dict[str, tuple[Frame, str]]] = {}
        standing = self.lineage.sources({n: at[self.called(n)] for n in self.lineage.gives})
        for name in self.lineage.needs:
            place = name if name in at else self.called(standing[name])
            places.setdefault(place, {})[name] = new, name
        drop = set(map(self.called, self.lineage.gives))
        sources: dict[str, tuple[Frame, str]] = {}
        for name in names:
            sources |= places.get(name, {} if name in drop else {name: (frame, name)})
        return columns.gathered(sources)
