"""Root mean square normalization."""

import numpy as np

from normcli.methods import States
from normcli.methods._axes import Scaled, check_groups
from normcli.methods._drawings import BY_ROW
from normcli.transforms import Transform
from normcli.transforms.axes import Axes


class RMS(Scaled, frozen=True, kw_only=True):
    """x / √(mean_row x² + eps) · γ

    Each row by its own root mean square; nothing is subtracted. Learns nothing: fit reads only the header. A row that
    misses a value comes out missing.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_ROW}the mean square of a row"
    source = "Zhang and Sennrich (2019), Root Mean Square Layer Normalization"
    aliases = ("rmsnorm", "root mean square layer normalization")
    example = "normcli fit vectors.parquet -m rms -c emb -p rms.json -o vectors-rms.parquet"

    def check_features(self, count: int) -> None:
        super().check_features(count)
        check_groups(1, count)

    def learn(self, states: States) -> Transform:
        gamma = self._per_feature("gamma", len(states.names))
        return Axes(gamma=gamma, beta=np.zeros_like(gamma), centred=False, eps=self.eps)
