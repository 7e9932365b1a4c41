"""Instance normalization."""

from typing import Annotated

from normcli.methods import States
from normcli.methods._axes import SPLIT, Channels, Shifted, check_groups
from normcli.methods._drawings import BY_GROUP
from normcli.transforms import Transform
from normcli.transforms.axes import Axes


class Instance(Shifted, frozen=True, kw_only=True):
    """(x − mean_channel) / √(var_channel + eps) · γ + β

    Each row by the mean and the biased variance of each of its channels, over the channel's positions. Learns
    nothing: fit reads only the header. A row that misses a value comes out missing.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_GROUP}the mean and the variance of a channel's positions in a row, here two channels of two"
    source = "Ulyanov, Vedaldi and Lempitsky (2016), Instance Normalization"
    aliases = ("instance norm", "instancenorm", "contrast normalization")
    example = "normcli fit images.parquet -m instance --channels 3 -c pixels -p instance.json"

    channels: Annotated[Channels, SPLIT]

    def runs(self, count: int) -> int:
        return self.channels

    def check_features(self, count: int) -> None:
        super().check_features(count)
        check_groups(self.channels, count, "--channels")

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        return Axes(
            gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d), groups=self.channels, eps=self.eps
        )
