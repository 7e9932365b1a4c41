"""Properties that are computed once."""

import functools
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property as cached_property
else:
    T = TypeVar("T")

    class cached_property(functools.cached_property[T]):  # noqa: N801  (as the one that it stands for)
        """As of Python 3.12. That of 3.11 holds a lock while it computes, one for all instances of a class: threads
        that decoded blocks waited for each other."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return self
            values = instance.__dict__
            if self.attrname not in values:
                values[self.attrname] = self.func(instance)
            return values[self.attrname]
