"""Layer normalization."""

from typing import Annotated

from msgspec import Meta

from normcli.methods import States
from normcli.methods._axes import SPLIT, Channels, Shifted, check_groups
from normcli.methods._drawings import BY_ROW
from normcli.needs import Need
from normcli.transforms import Transform
from normcli.transforms.axes import Axes


def _unlisted(method: Shifted) -> str | None:
    """What the options hold in place of a number for each channel; None if one of them has these."""
    lists = [n for n in method.per_column if isinstance(getattr(method, n), tuple)]
    if any(len(getattr(method, n)) == method._channels(0) for n in lists):
        return None
    return " and ".join(f"--{n} holds {len(getattr(method, n))} numbers" for n in lists)


LISTED = Need("for --gamma or --beta of a number for each channel", _unlisted)


class Layer(Shifted, frozen=True, kw_only=True):
    """(x − mean_row) / √(var_row + eps) · γ + β

    Each row by the mean and the biased variance of its own values. Learns nothing: fit reads only the header. A row
    that misses a value comes out missing.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_ROW}the mean and the variance of a row"
    source = "Ba, Kiros and Hinton (2016), Layer Normalization"
    aliases = ("layer norm", "layernorm")
    example = "normcli fit activations.parquet -m layer -c hidden -p layer.json -o normalized.parquet"

    channels: Annotated[Channels | None, Meta(description=SPLIT.description, extra={"needs": (LISTED,)})] = None

    def check_features(self, count: int) -> None:
        super().check_features(count)
        check_groups(1, count)

    def learn(self, states: States) -> Transform:
        d = len(states.names)
        return Axes(gamma=self._per_feature("gamma", d), beta=self._per_feature("beta", d), eps=self.eps)
