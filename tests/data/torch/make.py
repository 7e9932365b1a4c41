"""Makes references.json, the values that the tests hold normalization layers to, with PyTorch in float64:

    python tests/data/torch/make.py > tests/data/torch/references.json

It needs torch (2.15.0 was used), which nothing else here does. Rows are channel after channel, (N, C·L).
"""

import json
import random
import re
from typing import Any

import torch
from torch import nn
from torch.nn import functional

N, C, L = 17, 4, 3
SIZE = 5  # rows of a batch; the last has 2
EPS = 1e-5


def numbers(seed: int, *shape: int) -> torch.Tensor:
    draw = random.Random(seed)
    flat = [draw.gauss(0.0, 1.0) for _ in range(torch.Size(shape).numel())]
    return torch.tensor(flat, dtype=torch.float64).reshape(shape)


def plain(x: torch.Tensor) -> Any:
    return x.detach().reshape(len(x), -1).tolist() if x.ndim > 1 else x.detach().tolist()


def batch(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, momentum: float | None) -> dict[str, Any]:
    """Each batch in training, then all rows in evaluation, with the running statistics of the batches."""
    layer = nn.BatchNorm1d(C, eps=EPS, momentum=momentum, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
    training = torch.cat([layer(part) for part in x.split(SIZE)])
    layer.eval()
    return {
        "training": plain(training),
        "mean": plain(layer.running_mean),
        "variance": plain(layer.running_var),
        "evaluation": plain(layer(x)),
    }


def main() -> None:
    x, gamma, beta = numbers(1, N, C, L) * 3.0, numbers(2, C), numbers(3, C)
    wide, shift = numbers(4, C, L), numbers(5, C, L)
    made = {
        "torch": torch.__version__,
        "channels": C,
        "batch_size": SIZE,
        "eps": EPS,
        "x": plain(x),
        "gamma": plain(gamma),
        "beta": plain(beta),
        "wide_gamma": wide.flatten().tolist(),
        "wide_beta": shift.flatten().tolist(),
        "layer": plain(functional.layer_norm(x, (C, L), wide, shift, EPS)),
        "rms": plain(functional.rms_norm(x, (C, L), wide, EPS)),
        "group": plain(functional.group_norm(x, 2, gamma, beta, EPS)),
        "instance": plain(functional.instance_norm(x, weight=gamma, bias=beta, eps=EPS)),
        "batch": {str(m): batch(x, gamma, beta, m) for m in (0.1, None)},
    }
    print(re.sub(r"\[[^][{}]*\]", lambda numbers: " ".join(numbers[0].split()), json.dumps(made, indent=1)))


if __name__ == "__main__":
    main()
