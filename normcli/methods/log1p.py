"""The logarithm of one more."""

from normcli.methods import Method, States
from normcli.methods._drawings import BY_VALUE
from normcli.transforms import Transform
from normcli.transforms.elementwise import Elementwise


class Log1p(Method, frozen=True, kw_only=True):
    """log(1 + x)

    For counts and amounts: zero stays zero, and numbers near zero keep their digits. A value of −1 or less has no
    logarithm and is an error. Learns nothing: fit reads only the header.
    """

    element_wise = True
    shares = f"{BY_VALUE}nothing: each value stands alone"
    source = "Bartlett (1947), The use of transformations, Biometrics 3"
    aliases = ("log transform", "log transformation", "log(1+x)", "log scaling")
    example = "normcli fit data.csv -m log1p -c count -p data.json -o data-log.csv"

    def learn(self, states: States) -> Transform:
        return Elementwise(function="log1p")
