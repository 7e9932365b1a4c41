"""Unit length."""

from typing import Annotated, Literal

from msgspec import Meta

from normcli.methods import Method, States
from normcli.methods._drawings import BY_ROW
from normcli.transforms import Transform
from normcli.transforms.rows import Rows


class Unit(Method, frozen=True, kw_only=True):
    """row / ‖row‖

    Each row by its own length; a row of zeros stays. Learns nothing: fit reads only the header.
    """

    invertible = "no"
    by_row = True
    shares = f"{BY_ROW}the length; nothing is learned"
    source = "Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval: cosine normalization"
    aliases = (
        "unit length",
        "unit vector",
        "l2 normalization",
        "vector normalization",
        "normalizer",
        "cosine normalization",
    )
    example = "normcli fit vectors.parquet -m unit -p vectors.json -o unit.parquet"

    norm: Annotated[
        Literal["l1", "l2", "max"] | Annotated[float, Meta(ge=1)],
        Meta(description="which length: the sum of sizes, Euclid's, the largest size, or the P-norm for a number P"),
    ] = "l2"

    def learn(self, states: States) -> Transform:
        return Rows(norm=self.norm)
