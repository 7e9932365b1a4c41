"""Power transformation."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from msgspec import Meta

from normcli.errors import BadDataError
from normcli.methods import Method, Numbers, States, listed, per_column
from normcli.methods._column import means, refuse_unsquarable
from normcli.methods._drawings import BY_COLUMN
from normcli.methods._likelihood import Likelihood
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.local_moments import LocalMoments
from normcli.stats.moments import Moments
from normcli.transforms import Transform
from normcli.transforms.power import Power as Learned

LARGEST = 1e20  # absolute values; powers of greater ones are not distinguishable


class Power(Method, frozen=True, kw_only=True):
    """(ψ(x, λ) − mean) / std

    The power of Yeo and Johnson, for numbers of either sign: ψ(x, λ) = ((1 + x)^λ − 1)/λ, log(1 + x) at λ = 0, and
    −ψ(−x, 2 − λ) below zero. It makes skewed columns as normal as a power can: λ is that of greatest likelihood, of
    each column by itself, or the one given; 1 leaves a shape as it is. The likeliest is looked for in both directions
    as far as the logarithms of a column tell powers apart (some hundred divided by their range), and as far as a power
    can be undone: rounding may move no value from the least to the greatest by more than 1e-12 of the largest. What a
    steeper power that was given, or a value beyond these, leaves too little of, --inverse refuses.
    """

    invertible = "yes, or refused"
    learns_all_groups = True
    shares = f"{BY_COLUMN}λ, and the mean and the standard deviation of the powers"
    source = (
        "Yeo and Johnson (2000), A new family of power transformations to improve normality or symmetry, Biometrika 87"
    )
    aliases = ("yeo-johnson", "power transform", "power transformation", "powertransformer")
    example = "normcli fit data.csv -m power -c income,price -p data.json -o data-power.csv"
    per_column = ("lambda_",)

    lambda_: Annotated[
        Numbers | None, Meta(description="the power, in place of the likeliest: one, or a JSON file of one per column")
    ] = None

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments(), LocalMoments()

    def check_features(self, count: int) -> None:
        if self.lambda_ is not None:
            per_column(self.lambda_, count, "--lambda")

    def doubts(self, states: States, learned: Transform) -> Iterator[str]:
        assert isinstance(learned, Learned)
        x = states[Extrema]
        varies = (x.least < x.greatest)[0] if self.lambda_ is None else np.zeros(0, np.bool_)
        likelihoods = {j: self._likelihood(states, 0, j) for j in np.flatnonzero(varies).tolist()}
        ends = [states.names[j] for j, of in likelihoods.items() if of.ends_at(float(learned.exponent[0, j]))]
        if ends:
            what = "the likeliest power is steeper than the values can determine"
            yield f"{what}: it ends at the steepest in {listed(ends)}"

    def learn(self, states: States) -> Transform:
        x, count = states[Extrema], states[Moments].count
        refuse_unsquarable(states, np.nan_to_num(means(states)[0]))
        large = states.which((count > 0) & (np.maximum(np.abs(x.least), np.abs(x.greatest)) > LARGEST))
        if large:
            raise BadDataError(f"values beyond {LARGEST:g} in {listed(large)}", "rescale these columns, or use asinh")
        exponents = None if self.lambda_ is None else per_column(self.lambda_, count.shape[1], "--lambda")
        learned = np.full((4, *count.shape), np.nan)
        for g, j in zip(*np.nonzero(count), strict=True):
            exponent = None if exponents is None else float(exponents[j])
            if x.least[g, j] == x.greatest[g, j]:
                learned[:, g, j] = 1.0 if exponent is None else exponent, x.least[g, j], 0.0, 1.0
                continue
            likelihood = self._likelihood(states, g, j)
            if exponent is None:
                exponent = likelihood.greatest()
            else:
                likelihood.check(exponent, states.names[j])
            learned[:, g, j] = exponent, likelihood.origin, *likelihood.mean_and_deviation(exponent)
        return Learned(*(learned + 0.0))

    @staticmethod
    def _likelihood(states: States, group: int, feature: int) -> Likelihood:
        x = states[Extrema]
        ends = float(x.least[group, feature]), float(x.greatest[group, feature])
        return Likelihood.of(states[LocalMoments], group, feature, ends)
