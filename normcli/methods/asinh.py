"""The inverse hyperbolic sine."""

from dataclasses import dataclass

from normcli.methods import Method, States
from normcli.transforms import Transform
from normcli.transforms.elementwise import Elementwise


@dataclass(frozen=True, kw_only=True)
class Asinh(Method):
    """asinh(x) = log(x + √(x² + 1))

    Like a logarithm far from zero and like x itself near it, for numbers of either sign. Learns nothing: fit reads
    only the header.
    """

    def learn(self, states: States) -> Transform:
        return Elementwise(function="asinh")
