"""Decorrelation."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli.errors import BadDataError
from normcli.methods import Method, States
from normcli.methods._drawings import BY_TABLE
from normcli.methods._spectrum import covariance, spectrum
from normcli.stats import Statistic
from normcli.stats.comoments import Comoments
from normcli.stats.extrema import Extrema
from normcli.transforms import Terms, Transform
from normcli.transforms.linear import Linear, component_names


class Decorrelate(Method, frozen=True, kw_only=True):
    """(x − mean) · V with Σ = VΛVᵀ

    Principal components, by falling variance: columns without correlation, their variances the eigenvalues Λ.
    """

    invertible = "unless K < d"
    by_row = True
    shares = f"{BY_TABLE}the means and the covariance matrix, of complete rows"
    source = (
        "Pearson (1901), On lines and planes of closest fit; Hotelling (1933), Analysis of a complex of "
        "statistical variables"
    )
    aliases = (
        "pca",
        "principal components",
        "principal component analysis",
        "decorrelation",
        "karhunen-loeve transform",
    )
    example = "normcli fit data.parquet -m decorrelate --components 10 -p data.json"

    ddof: Annotated[int, Meta(ge=0, description="the covariance divides by rows − ddof")] = 0
    components: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="keep the K components of greatest variance")
    ] = None
    prefix: Annotated[str, Meta(min_length=1, description="components are called PREFIX1 … PREFIXK")] = "pc"

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Comoments()

    def outputs(self, names: Sequence[str]) -> tuple[str, ...]:
        return component_names(self.prefix, self.components or len(names))

    def terms(self, states: States, learned: Transform) -> Terms:
        assert isinstance(learned, Linear)
        return learned.explained(covariance(states, self.ddof))

    def learn(self, states: States) -> Transform:
        vectors = spectrum(covariance(states, self.ddof), full=True).left
        count = components_within(self.components, len(states.names))
        c = states[Comoments]
        return Linear(
            mean=c.mean,
            mean_low=c.mean_low,
            scale=np.ones_like(c.mean),
            basis=vectors[None],
            spread=np.ones_like(c.mean),
            rotation=np.eye(len(states.names), count)[None],
            prefix=self.prefix,
        )


def components_within(components: int | None, possible: int) -> int:
    """The number of components to keep, all by default. Raises BadDataError if that is more than possible."""
    if components is not None and components > possible:
        raise BadDataError(
            f"--components {components}: there are only {possible}", f"--components {possible} is the most"
        )
    return possible if components is None else components
