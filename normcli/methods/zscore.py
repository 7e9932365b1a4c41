"""Standardization."""

from typing import Annotated

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.errors import UsageError
from normcli.methods import Method, Scaler, States, beside
from normcli.methods._column import affine, deviations, means, terms_of
from normcli.methods._drawings import BY_COLUMN
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Terms, Transform


class ZScore(Method, frozen=True, kw_only=True):
    """(x − mean) / std · target-std + target-mean

    Standardization: each column has mean 0 and standard deviation 1, or those asked for.
    """

    learns_all_groups = True
    learns_without = (Extrema,)
    shares = f"{BY_COLUMN}the mean and the standard deviation"
    source = "Kreyszig (1979), Advanced Engineering Mathematics, 4th ed., p. 880"
    aliases = (
        "standardization",
        "standard score",
        "z-score normalization",
        "standardscaler",
        "autoscaling",
        "unit variance scaling",
    )
    example = "normcli fit train.csv -m zscore --ddof 1 -p train.json -o train-z.csv"

    ddof: Annotated[
        int, Meta(ge=0, description="std divides by count − ddof", extra=beside("scale", "for --scale"))
    ] = 0
    center: Annotated[bool, Meta(description="subtract the mean")] = True
    scale: Annotated[bool, Meta(description="divide by the standard deviation")] = True
    target_mean: Annotated[float, Meta(description="the mean afterwards")] = 0.0
    target_std: Annotated[float, Meta(gt=0, description="the standard deviation afterwards")] = 1.0

    def check_options(self) -> None:
        for option, default, needed in (("target_mean", 0.0, "center"), ("target_std", 1.0, "scale")):
            if getattr(self, option) != default and not getattr(self, needed):
                flag = f"--{option.replace('_', '-')}"
                raise UsageError(f"{flag} with --no-{needed}: what there is afterwards is not known")

    @property
    def scaler(self) -> Scaler:
        return "StandardScaler", {"with_mean": self.center, "with_std": self.scale}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def terms(self, states: States, learned: Transform) -> Terms:
        named = dict(terms_of(learned, "mean" if self.center else "", "std" if self.scale else "").columns)
        if self.scale:
            x = states[Extrema]
            named["std"] = np.where(x.least == x.greatest, 0.0, named["std"])[0]
        return Terms(named)

    def learn(self, states: States) -> Transform:
        hi, lo = means(states)
        zero, one = np.zeros_like(hi), np.ones_like(hi)
        scale = deviations(states, self.ddof) if self.scale else one
        learned = affine(states, hi if self.center else zero, lo if self.center else zero, scale)
        return replace(learned, gain=self.target_std, offset=self.target_mean + 0.0)
