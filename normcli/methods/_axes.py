"""Base of normalization layers: options of the scaling after the division, and of channels."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks import tensor
from normcli.blocks.record import Array
from normcli.errors import UsageError
from normcli.methods import Method, Numbers

Channels = Annotated[int, Meta(ge=1)]
SPLIT = Meta(description="the columns, in order, are so many channels of as many positions each")


class Scaled(Method, frozen=True, kw_only=True):
    """A method that divides by √(… + eps), then multiplies by gamma."""

    eps: Annotated[float, Meta(ge=0, description="added below the root")] = 1e-5
    gamma: Annotated[
        Numbers, Meta(description="factor afterwards: a number, or a JSON file of one for each channel or column")
    ] = 1.0

    per_column: ClassVar[tuple[str, ...]] = ("gamma",)  # or for each channel

    def check_features(self, count: int) -> None:
        channels = self._channels(count)
        if count % channels:
            raise UsageError(f"--channels {channels} does not divide {count} columns")
        for name in self.per_column:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) not in (channels, count):
                wanted = f"{count}" if channels == count else f"{channels} (channels) or {count} (columns)"
                raise UsageError(f"--{name} holds {len(value)} numbers, not {wanted}")

    def reorder(self, order: Sequence[int]) -> Self:
        count, options = len(order), dict[str, Any]()
        for name in (n for n in self.per_column if isinstance(getattr(self, n), tuple)):
            numbers = self._per_feature(name, count)[0, list(order)].reshape(self._channels(count), -1)
            alike = len(getattr(self, name)) == len(numbers) and (numbers == numbers[:, :1]).all()
            options[name] = tuple((numbers[:, 0] if alike else numbers.ravel()).tolist())
        return replace(self, **options)

    def _channels(self, count: int) -> int:
        """The number of channels in `count` columns; by default one for each column."""
        return getattr(self, "channels", None) or count

    def _per_feature(self, name: str, count: int) -> Array:
        """(1, count) the values of an option for each column."""
        return tensor.per_feature(getattr(self, name), count, self._channels(count))[None] + 0.0


class Shifted(Scaled, frozen=True, kw_only=True):
    """A scaled method that then adds beta."""

    per_column: ClassVar[tuple[str, ...]] = ("gamma", "beta")

    beta: Annotated[
        Numbers, Meta(description="added afterwards: a number, or a JSON file of one for each channel or column")
    ] = 0.0


def check_groups(groups: int, count: int, option: str = "") -> None:
    """Raises UsageError unless `count` columns can be split into equal groups of more than one."""
    if count % groups:
        raise UsageError(f"{option} {groups} does not divide {count} columns")
    if count == groups:
        what = f"{option} {groups} of {count} columns" if option else "one column"
        raise UsageError(f"{what}: each group is one value, and that is its own mean")
