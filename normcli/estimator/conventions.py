"""What scikit-learn asks of an estimator that is its own business: tags, metadata routing, containers of output. It is
imported where it asks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Self

from numpy.typing import NDArray

from normcli.estimator.faults import fault
from normcli.estimator.parameters import option_names
from normcli.formats._memory.containers import CONTAINERS, contained

Requested = bool | str | None


class Conventions:
    """The parts of an estimator that know nothing of its work. `method` and the options are attributes."""

    def _mixes(self) -> bool:
        raise NotImplementedError

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters of the constructor, by name."""
        return {name: getattr(self, name) for name in ("method", *option_names())}

    def set_params(self, **params: Any) -> Self:
        """Sets parameters of the constructor. Raises ValueError for a name that is none; what the method does not have
        is refused by `fit`."""
        valid = self.get_params()
        for name, value in params.items():
            if name not in valid:
                raise fault(f"Invalid parameter {name!r} for estimator {self}.", f"there are {sorted(valid)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        options = {name: value for name, value in self.get_params().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in options.items())})"

    # -- containers ----------------------------------------------------------------------------------------------
    def set_output(self, *, transform: Literal["default", "pandas", "polars"] | None = None) -> Self:
        """What `transform` and `fit_transform` return: a matrix of numpy ("default"), or a DataFrame. None changes
        nothing. Raises ValueError for anything else."""
        if transform is not None and transform not in CONTAINERS:
            raise fault(f"output config must be one of {list(CONTAINERS)}, got {transform!r}")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}  # which scikit-learn's clone copies
        return self

    def _contained(self, matrix: NDArray[Any], names: Callable[[], Iterable[str]], origin: Any) -> Any:
        """The output in the container that was chosen for this estimator, or else for all; `names` gives those of its
        columns."""
        container = getattr(self, "_sklearn_output_config", {}).get("transform")
        if container is None and "sklearn" in sys.modules:
            import sklearn

            container = sklearn.get_config()["transform_output"]
        if container in (None, "default"):
            return matrix
        return contained(matrix, list(names()), container, origin)

    # -- metadata routing ----------------------------------------------------------------------------------------
    def get_metadata_routing(self) -> Any:
        """Which metadata are wanted, as scikit-learn's routers have it."""
        from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

        if hasattr(self, "_metadata_request"):
            return get_routing_for_object(self._metadata_request)
        requests = MetadataRequest(owner=self)
        for method in _weighted(self):
            getattr(requests, method).add_request(param="sample_weight", alias=None)
        return requests

    def set_fit_request(self, *, sample_weight: Requested = None) -> Self:
        """Whether routers pass `sample_weight` to `fit`, or under which name."""
        return self._request("fit", sample_weight)

    def set_partial_fit_request(self, *, sample_weight: Requested = None) -> Self:
        """Whether routers pass `sample_weight` to `partial_fit`, or under which name."""
        return self._request("partial_fit", sample_weight)

    def _request(self, method: str, sample_weight: Requested) -> Self:
        import sklearn

        if not sklearn.get_config()["enable_metadata_routing"]:
            what = "This method is only available when metadata routing is enabled. You can enable it using "
            raise RuntimeError(f"{what}sklearn.set_config(enable_metadata_routing=True).")
        requests = self.get_metadata_routing()
        getattr(requests, method).add_request(param="sample_weight", alias=sample_weight)
        self._metadata_request = requests
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float64"] if self._mixes() else ["float64", "float32"]),
            input_tags=InputTags(allow_nan=True),
        )


def _weighted(estimator: Any) -> Iterator[str]:
    """The methods of an estimator that take weights."""
    return (name for name in ("fit", "partial_fit") if hasattr(estimator, name))
