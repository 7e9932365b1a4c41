"""Mean normalization."""

from normcli.methods import Method, Scaler, States
from normcli.methods._column import affine, means, ranges, terms_of
from normcli.methods._drawings import BY_COLUMN
from normcli.stats import Statistic
from normcli.stats.extrema import Extrema
from normcli.stats.moments import Moments
from normcli.transforms import Terms, Transform


class MeanRange(Method, frozen=True, kw_only=True):
    """(x − mean) / (max − min)

    Mean normalization: each column has mean 0 and width 1.
    """

    learns_all_groups = True
    shares = f"{BY_COLUMN}the mean, the least and the greatest value"
    source = "Ng (2011), Machine Learning, Stanford: feature scaling and mean normalization"
    aliases = ("mean normalization",)
    example = "normcli fit data.csv -m mean-range -x year -p data.json"

    @property
    def scaler(self) -> Scaler:
        return "StandardScaler", {}

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return Extrema(), Moments()

    def terms(self, states: States, learned: Transform) -> Terms:
        return terms_of(learned, "mean", "range")

    def learn(self, states: States) -> Transform:
        return affine(states, *means(states), ranges(states))
