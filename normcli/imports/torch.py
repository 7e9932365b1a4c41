"""torch: a BatchNorm layer of PyTorch, from the safetensors file of its state (that of an InstanceNorm looks alike)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from normcli import suggestions
from normcli.blocks import tensor
from normcli.blocks.record import Array
from normcli.errors import BadDataError, NoInputError, UsageError, open_error, printable, short
from normcli.formats._arrays import safetensors_header as headers
from normcli.imports import Model, Origin, Part, check_features
from normcli.imports._files import opened
from normcli.methods.batch import Batch
from normcli.transforms.batches import Batches

MEAN, VARIANCE, WEIGHT, BIAS = "running_mean", "running_var", "weight", "bias"
READ = ("F16", headers.BFLOAT, "F32", "F64")
SAVED = "safetensors.torch.save_file(layer.state_dict(), path) writes one"
PACKED = (b"PK\3\4", b"\x80\2")  # the beginnings of what torch.save writes: a zip, and a pickle before 1.6


class Torch(Origin, frozen=True, kw_only=True):
    """BatchNorm1d in evaluation: running mean and variance, weight and bias. What is not in the file must be said: eps
    and momentum (PyTorch's defaults are 1e-5 and 0.1), and that it is of a BatchNorm: the state of an InstanceNorm with
    running statistics has the same names."""

    eps: Annotated[
        Annotated[float, msgspec.Meta(ge=0)] | None, msgspec.Meta(description="That of the layer, added to variances")
    ] = None
    momentum: Annotated[
        Literal["none"] | Annotated[float, msgspec.Meta(gt=0, le=1)] | None,
        msgspec.Meta(description="That of the layer; none for the average of all batches"),
    ] = None
    layer: Annotated[
        str | None, msgspec.Meta(description="What goes before .running_mean in its names, where there are several")
    ] = None

    def read(self, path: str) -> Model:
        for flag, value in (("--eps", self.eps), ("--momentum", self.momentum)):
            if value is None:
                raise UsageError(f"{flag} is missing: a state of PyTorch does not hold it", "1e-5 and 0.1 by default")
        arrays = _arrays(path, self.layer)
        mean, variance = arrays[MEAN], arrays[VARIANCE]
        count = check_features(len(mean))
        gamma, beta = arrays.get(WEIGHT, np.ones(count)), arrays.get(BIAS, np.zeros(count))
        for name, values in arrays.items():
            if values.shape != (count,) or not np.isfinite(values).all():
                raise BadDataError(f"tensor '{printable(name)}' is not {count:,} finite numbers")
        if (variance < 0.0).any():
            raise BadDataError(f"tensor '{VARIANCE}' is negative")
        assert self.eps is not None
        momentum = None if self.momentum == "none" else self.momentum
        method = Batch(eps=self.eps, momentum=momentum, start="torch" if momentum not in (None, 1.0) else None,
                       gamma=_brief(gamma), beta=_brief(beta))  # fmt: skip
        learned = Batches(
            mean[None] + 0.0, np.zeros((1, count)), scale=tensor.divisor(variance, self.eps)[None], gamma=gamma[None],
            beta=beta[None] + 0.0, size=method.batch_size, channels=count, eps=self.eps,
        )  # fmt: skip
        return Model("BatchNorm of PyTorch", (Part(method, learned),), count)


def _brief(values: Array) -> float | tuple[float, ...]:
    """One number where all are the same."""
    numbers = tuple(values.tolist())
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _arrays(path: str, layer: str | None) -> dict[str, Array]:
    """The tensors of a layer by their names in it, of double precision. Raises NoInputError, BadDataError, UsageError
    where it is not known which layer."""
    shown = printable(path)
    try:
        with opened(path, directory=SAVED) as file:
            size = file.seek(0, 2)
            file.seek(0)
            begun = file.read(headers.LENGTH.size)
            if begun.startswith(PACKED):
                raise BadDataError("it was written by torch.save, as a pickle, which may run code", SAVED)
            if file.read(1) not in (b"", b"{"):
                raise BadDataError("it is no safetensors file", SAVED)
            file.seek(headers.LENGTH.size)
            length = headers.length_of(shown, begun)
            text = file.read(length)
            if len(text) < length:
                raise BadDataError("truncated: its header is longer than the file", "was it copied whole?")
            header = headers.parsed(shown, text, size - headers.LENGTH.size - length)
            prefix = _prefix({t.name for t in header.tensors}, layer)
            arrays = {}
            for t in header.tensors:
                name = t.name.removeprefix(prefix)
                if t.name.startswith(prefix) and name in (MEAN, VARIANCE, WEIGHT, BIAS):
                    arrays[name] = _numbers(file, header.start, t)
    except OSError as e:
        raise open_error(NoInputError, shown, e) from None
    return arrays


def _numbers(file: Any, start: int, t: headers.Tensor) -> Array:
    if t.dtype not in READ or len(t.shape) != 1:
        raise BadDataError(f"tensor {t.described} is none of {', '.join(READ)} of one dimension", SAVED)
    check_features(t.shape[0])
    file.seek(start + t.start)
    content = file.read(t.end - t.start)
    if t.dtype == headers.BFLOAT:  # the upper half of a float32
        values = (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(content, headers.TYPES[t.dtype])
    return values.astype(np.float64)


def _prefix(names: set[str], layer: str | None) -> str:
    """What goes before the names of a layer's tensors."""
    layers = sorted(n.removesuffix(MEAN) for n in names if n.split(".")[-1] == MEAN)
    layers = [prefix for prefix in layers if prefix + VARIANCE in names]
    if not layers:
        raise BadDataError(f"it has no {MEAN} with a {VARIANCE}", "a BatchNorm with running statistics has")
    if layer is not None:
        if f"{layer}." not in layers:
            raise UsageError(f"--layer {layer}: no such layer", suggestions.hint(layer, [p[:-1] for p in layers]))
        return f"{layer}."
    if len(layers) > 1:
        some = ", ".join(short(prefix[:-1]) for prefix in layers[:5])
        raise UsageError("there are several layers", f"--layer is one of {some}")
    return layers[0]
