"""Placing: what the steps have made, back in a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from normcli import columns
from normcli.blocks.record import Array
from normcli.columns import Dtype, Frame
from normcli.parameters.lineage import ColumnLineage

if TYPE_CHECKING:
    from normcli.columns.fixed import Fixed


@dataclass(frozen=True)
class ColumnLayout:
    """Where columns stand, and of which type they are, when they come out: in the place of those that they are from,
    or with a suffix beside them."""

    lineage: ColumnLineage
    lists: frozenset[str]  # columns that hold lists
    types: Mapping[str, str]  # the original ones
    dtype: Dtype | None = None  # None: float32 where the column was, else float64; of what is restored, its own
    suffix: str = ""
    inverse: bool = False  # what comes out is restored

    @cached_property
    def needed(self) -> frozenset[str]:
        return frozenset(self.lineage.needs)

    def called(self, name: str) -> str:
        """A column that comes out: one that has an original's name gets the suffix, components do not."""
        return name + self.suffix if self.suffix and name in self.needed else name

    def __call__(self, frame: Frame, values: Mapping[str, Array | Fixed]) -> Frame:
        """A frame with what the steps have made of its columns, in their place or beside them."""
        put = self._put_back if self.inverse else self._put
        if not self.suffix:
            return put(frame, values)
        new = put(self._apart(frame), values)
        return self._instead(frame, new) if self.inverse else self._beside(frame, new)

    def _put(self, frame: Frame, values: Mapping[str, Any]) -> Frame:
        """The frame with what has become of its columns in their place."""
        numbers = {n: values[n] for n in self.lineage.gives if n not in self.lists}
        if numbers:
            drop = self.needed - self.lists
            frame = columns.put(frame, numbers, self.lineage.places, drop, dtype=self.dtype)
        for name in (n for n in self.lineage.gives if n in self.lists):
            frame = columns.put_list(frame, name, values[name], dtype=self.dtype)
        return frame

    def _put_back(self, frame: Frame, values: Mapping[str, Any]) -> Frame:
        """The frame with the columns restored, in their types unless another is said, in the place of what had become
        of them."""
        numbers = {n: values[n] for n in self.lineage.needs if n not in self.lists}
        if numbers:
            places = self.lineage.sources({n: i for i, n in enumerate(self.lineage.gives)})
            drop = set(self.lineage.gives) - self.lists
            types = None if self.dtype else self.types
            frame = columns.put(frame, numbers, places, drop, restored=types, dtype=self.dtype)
        for name in (n for n in self.lineage.needs if n in self.lists):
            frame = columns.put_list(frame, name, values[name], restored=self.types[name], dtype=self.dtype)
        return frame

    def _apart(self, frame: Frame) -> Frame:
        """What is to be normalized, without words; or the normalized columns alone, called as without a suffix."""
        if not self.inverse:
            return frame.numbered(self.lineage.needs)
        return columns.gathered({n: (frame, self.called(n)) for n in self.lineage.gives})

    def _beside(self, frame: Frame, new: Frame) -> Frame:
        """The frame, and each column of `new` after the one that it is from; components after the last of theirs."""
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
        """The frame with each column of `new` where the original stands, or where else that which it was restored from
        did (the first of components); the latter are gone."""
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
