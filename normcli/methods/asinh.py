"""The inverse hyperbolic sine."""

from normcli.methods import Method, States
from normcli.methods._drawings import BY_VALUE
from normcli.transforms import Transform
from normcli.transforms.elementwise import Elementwise


class Asinh(Method, frozen=True, kw_only=True):
    """asinh(x) = log(x + √(x² + 1))

    Like a logarithm far from zero and like x itself near it, for numbers of either sign. Learns nothing: fit reads
    only the header.
    """

    element_wise = True
    shares = f"{BY_VALUE}nothing: each value stands alone"
    source = (
        "Burbidge, Magee and Robb (1988), Alternative transformations to handle extreme values of the "
        "dependent variable, JASA 83"
    )
    aliases = ("arcsinh", "arsinh", "inverse hyperbolic sine", "ihs")
    example = 'normcli fit data.csv -m asinh -c "flux_*" -p data.json -o data-asinh.csv'

    def learn(self, states: States) -> Transform:
        return Elementwise(function="asinh")
