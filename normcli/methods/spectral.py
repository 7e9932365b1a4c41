"""Spectral normalization."""

import numpy as np

from normcli.errors import BadDataError
from normcli.methods import Method, States
from normcli.methods._column import refuse_unsquarable
from normcli.methods._drawings import BY_TABLE
from normcli.stats import Statistic
from normcli.stats.comoments import Comoments
from normcli.stats.extrema import Extrema
from normcli.transforms import Terms, Transform
from normcli.transforms.affine import Affine


class Spectral(Method, frozen=True, kw_only=True):
    """X / σ_max(X)

    The whole table by its greatest singular value, uncentred: as a linear map it lengthens no vector any more. σ_max²
    is the greatest eigenvalue of XᵀX.
    """

    by_row = True
    shares = f"{BY_TABLE}the greatest singular value, of complete rows"
    source = (
        "Miyato, Kataoka, Koyama and Yoshida (2018), Spectral normalization for generative adversarial networks, ICLR"
    )
    aliases = ("spectral normalization", "spectral norm")
    example = "normcli fit weights.parquet -m spectral -p weights.json -o weights-sn.parquet"

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Comoments()

    def terms(self, states: States, learned: Transform) -> Terms:
        return Terms(values={"sigma_max": float(learned.terms().columns["scale"][0])})

    def learn(self, states: States) -> Transform:
        c, x = states[Comoments], states[Extrema]
        if c.count[0] == 0:
            raise BadDataError("no row is complete: one that misses a value takes no part", "-x leaves columns out")
        refuse_unsquarable(states, c.mean)
        zero = np.zeros_like(c.mean)
        scale = np.full_like(zero, _greatest_singular(c, max(np.abs(x.least[0]).max(), np.abs(x.greatest[0]).max())))
        if not np.isfinite(scale).all():
            raise BadDataError("the greatest singular value is beyond the range of a float", "rescale the columns")
        return Affine(zero, zero, scale, whole=True)


def _greatest_singular(c: Comoments, largest: float) -> float:
    """σ_max of all rows, given their `largest` absolute value; 1 if all values are 0.

    In units of a power of two above that size no square overflows; the co-products are positive semidefinite, so the
    two terms add without cancelling at the top of the spectrum.
    """
    count, power = c.scaled_count()[0], int(c.unit[0])
    exponent = int(np.frexp(largest)[1])
    mean = np.ldexp(c.mean[0], -exponent)
    products = np.ldexp(np.ldexp(c.products[0], -exponent) + np.ldexp(c.products_low[0], -exponent), -exponent)
    greatest = np.linalg.eigvalsh(products + count * np.outer(mean, mean))[-1]
    return float(np.ldexp(np.sqrt(greatest), exponent - power // 2)) if greatest > 0.0 else 1.0
