"""Whitening (sphering)."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from msgspec.structs import replace

from normcli.blocks.record import Array
from normcli.errors import BadDataError, UsageError
from normcli.methods import Method, States, beside, listed
from normcli.methods._drawings import BY_TABLE
from normcli.methods._spectrum import Spectrum, at_fault, covariance, spectrum
from normcli.methods.decorrelate import components_within
from normcli.stats import Statistic
from normcli.stats.comoments import Comoments
from normcli.stats.extrema import Extrema
from normcli.transforms import Terms, Transform
from normcli.transforms.linear import Linear, component_names

Kind = Literal["zca", "pca", "zca-cor", "pca-cor", "cholesky"]
COMPONENTS: tuple[Kind, ...] = ("pca", "pca-cor")
NAMED = beside("kind", f"for --kind {' and '.join(COMPONENTS)}", COMPONENTS.__contains__)


class Whiten(Method, frozen=True, kw_only=True):
    """(x − mean) · Wᵀ with W Σ Wᵀ = I

    The five natural whitenings of Kessy, Lewin and Strimmer (2018). zca (sphering) stays closest to the data, pca
    gives components by falling variance, the -cor kinds the same of the correlation, cholesky a lower
    triangular W = L⁻¹ with Σ = LLᵀ. Where columns depend on each other (or are constant), --rank auto whitens the
    directions that there are; of pca and pca-cor, so many --components need no more. What new rows have in other
    directions is left out, measured in standard deviations.
    """

    invertible = "at full rank"
    by_row = True
    shares = f"{BY_TABLE}the means and the covariance matrix, of complete rows"
    source = "Kessy, Lewin and Strimmer (2018), Optimal whitening and decorrelation, The American Statistician 72"
    aliases = ("whitening", "sphering", "zca", "zca whitening", "pca whitening", "mahalanobis whitening")
    example = "normcli fit data.parquet -m whiten --kind pca --components 0.99 -p data.json"

    kind: Annotated[Kind, Meta(description="which whitening")] = "zca"
    ddof: Annotated[int, Meta(ge=0, description="the covariance divides by rows − ddof")] = 0
    eps: Annotated[
        float, Meta(ge=0, description="added to the variances before dividing (to those of the correlation for -cor)")
    ] = 0.0
    rank: Annotated[
        Literal["auto"] | Annotated[int, Meta(ge=1)] | None,
        Meta(description="whiten only the K greatest directions, or all that there are (auto)"),
    ] = None
    components: Annotated[
        Annotated[int, Meta(ge=1)] | Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="keep the first K components, or a share of the variance below 1 (pca, pca-cor)", extra=NAMED),
    ] = None
    shrinkage: Annotated[
        Literal["oas"] | Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="mix so much of a sphere into the covariance, or as much as OAS says"),
    ] = None
    prefix: Annotated[str, Meta(min_length=1, description="components are called PREFIX1 … PREFIXK", extra=NAMED)] = (
        "pc"
    )

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Comoments()

    @property
    def _of_correlation(self) -> bool:
        return self.kind.endswith("-cor")

    @property
    def _named(self) -> bool:
        """Whether outputs are components of their own."""
        return self.kind in COMPONENTS

    def check_options(self) -> None:
        if self.rank is not None and self.kind == "cholesky":
            raise UsageError("--rank does not go with --kind cholesky, whose W is square", "use --eps or --shrinkage")

    def outputs(self, names: Sequence[str]) -> tuple[str, ...]:
        if not self._named:
            return tuple(names)
        limits = [k for k in (self.components, self.rank) if isinstance(k, int)]
        return component_names(self.prefix, min([*limits, len(names)]))

    @property
    def outputs_known(self) -> bool:
        return not self._named or isinstance(self.components, int) or (self.components is None and self.rank != "auto")

    def learn(self, states: States) -> Transform:
        sigma = covariance(states, self.ddof)
        rows = int(states[Comoments].count[0])
        regular, ridge = self._regularized(sigma, rows)
        s = spectrum(regular, ridge=ridge)
        rank = self._rank(s, states, sigma, rows)
        return replace(self._factors(s, rank), mean=states[Comoments].mean, mean_low=states[Comoments].mean_low)

    def terms(self, states: States, learned: Transform) -> Terms:
        assert isinstance(learned, Linear)
        sigma, scale = covariance(states, self.ddof), learned.scale[0]
        if self._of_correlation:
            sigma = sigma / scale[:, None] / scale
        terms = learned.explained(sigma, scaled=self._of_correlation)
        return replace(terms, values={"kind": self.kind, **learned.terms().values, **terms.values})

    def _regularized(self, sigma: Array, rows: int) -> tuple[Array, float]:
        """Σ with shrinkage and eps in it, and what is left to add to the correlation's diagonal."""
        variances = np.diag(sigma)
        if self._of_correlation:  # of P: its diagonal stays 1, the rest shrinks
            scale = np.sqrt(np.where(variances > 0, variances, 1.0))
            mixed = sigma * (1.0 - self._share(sigma / scale[:, None] / scale, rows))
            np.fill_diagonal(mixed, variances)
            return mixed, self.eps
        share = self._share(sigma, rows)
        mixed = sigma * (1.0 - share)
        mixed[np.diag_indices_from(mixed)] += share * variances.mean() + self.eps
        return mixed, 0.0

    def _share(self, matrix: Array, rows: int) -> float:
        """How much of a sphere to mix in; oas: Chen, Wiesel, Eldar and Hero (2010), eq. 23."""
        if self.shrinkage != "oas":
            return self.shrinkage or 0.0
        d, size = len(matrix), float(np.diag(matrix).mean())
        if size == 0.0:
            return 1.0
        mean_square = float(np.mean((matrix / size) ** 2))  # in units where the mean variance is 1: no square overflows
        below = (rows + 1.0) * (mean_square - 1.0 / d)
        return 1.0 if below <= 0.0 else min((mean_square + 1.0) / below, 1.0)

    def _rank(self, s: Spectrum, states: States, sigma: Array, rows: int) -> int:
        """How many directions to whiten. Refuses a rank that is not there."""
        names = states.names
        if isinstance(self.rank, int) and self.rank > s.rank:
            raise BadDataError(f"--rank {self.rank}: the rank is only {s.rank} of {len(names)}", "--rank auto takes it")
        if s.rank == 0:
            raise BadDataError("every selected column is constant", "-c selects others")
        if self.rank is not None:
            return s.rank if self.rank == "auto" else self.rank
        if s.rank < len(names) and self.components is None:
            why = (
                f"there are only {rows} complete rows"
                if s.rank < rows <= len(names)
                else f"these add nothing to the columns before them: {listed(at_fault(sigma, names))}"
            )
            raise BadDataError(f"the rank is {s.rank} of {len(names)} columns; {why}", states.hint(*self._ways()))
        return s.rank

    def _ways(self) -> list[str]:
        """Options that take less than full rank, and were not given, for a hint."""
        flags = {"--rank auto": self.kind != "cholesky", "--eps": not self.eps, "--shrinkage": self.shrinkage is None}
        left = [flag for flag, free in flags.items() if free]
        return ["use " + " or ".join([", ".join(left[:-1]), left[-1]] if left[1:] else left)] if left else []

    def _factors(self, s: Spectrum, rank: int) -> Linear:
        """W's factors: every kind is S⁻¹·G·Θ^−½, of as many directions as there are, times a rotation of its own."""
        basis, spread = s.vectors[:, : s.rank], np.sqrt(s.values[: s.rank])
        sizes = s.values if self._of_correlation else s.sigma**2
        if self._of_correlation:
            basis, spread = basis[:, :rank], spread[:rank]
            rotation = basis.T if self.kind == "zca-cor" else np.eye(rank)
        elif self.kind == "cholesky":
            q, r = np.linalg.qr((s.scale[:, None] * basis * spread).T)
            rotation = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        else:
            right = s.right[:, :rank]
            rotation = right @ s.left[:, :rank].T if self.kind == "zca" else right
        if self._named:
            rotation = rotation[:, : self._components(sizes, rank)]
        return Linear(
            scale=s.scale[None],
            basis=basis[None],
            spread=spread[None],
            rotation=rotation[None],
            prefix=self.prefix if self._named else None,
        )

    def _components(self, sizes: Array, rank: int) -> int:
        if isinstance(self.components, float):
            return min(int(np.searchsorted(np.cumsum(sizes) / sizes.sum(), self.components)) + 1, rank)
        return components_within(self.components, rank)
