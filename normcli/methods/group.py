"""Group normalization."""

from typing import Annotated

from msgspec import Meta

from normcli.errors import UsageError
from normcli.methods import States
from normcli.methods._axes import SPLIT, Channels, Shifted, check_groups
from normcli.methods._drawings import BY_GROUP
from normcli.transforms import Transform
from normcli.transforms.axes import Axes


class Group(Shifted, frozen=True, kw_only=True):
    """(x − mean_group) / √(var_group + eps) · γ + β

    Each row by the mean and the biased variance of each of its G equal groups of channels: with one group it is
    layer, with as many as channels it is instance. Learns nothing: fit reads only the header. A row that misses a
    value comes out missing.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_GROUP}the mean and the variance of a group of channels in a row, here two groups"
    source = "Wu and He (2018), Group Normalization"
    aliases = ("group norm", "groupnorm")
    example = "normcli fit activations.parquet -m group --groups 8 -c hidden -p group.json"

    groups: Annotated[int, Meta(ge=1, description="how many; they divide the channels")]
    channels: Annotated[Channels | None, SPLIT] = None

    def runs(self, count: int) -> int:
        return self.groups

    def check_features(self, count: int) -> None:
        super().check_features(count)
        if self._channels(count) % self.groups:
            raise UsageError(f"--groups {self.groups} does not divide {self._channels(count)} channels")
        check_groups(self.groups, count, "--groups")

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        return Axes(
            gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d), groups=self.groups, eps=self.eps
        )
