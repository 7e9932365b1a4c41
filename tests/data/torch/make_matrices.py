"""Makes matrices.json, the values that weight and spectral normalization are held to, with PyTorch in float64:

    python tests/data/torch/make_matrices.py > tests/data/torch/matrices.json

It needs torch (2.15.0 was used), which nothing else here does.
"""

import json
import random

import torch
from torch import nn
from torch.nn.utils import parametrizations

ROWS, COLUMNS = 17, 5
GAINS = [1.0, -2.0, 0.5, 3.0, 10.0]

rng = random.Random(8)
x = torch.tensor([[rng.gauss(j, 10.0**j) for j in range(COLUMNS)] for _ in range(ROWS)], dtype=torch.float64)

weight = parametrizations.weight_norm(nn.Linear(COLUMNS, ROWS, bias=False, dtype=torch.float64), dim=1)
with torch.no_grad():
    weight.parametrizations.weight.original0.copy_(torch.tensor([GAINS]))
    weight.parametrizations.weight.original1.copy_(x)

spectral = nn.Linear(COLUMNS, ROWS, bias=False, dtype=torch.float64)
with torch.no_grad():
    spectral.weight.copy_(x)
spectral = parametrizations.spectral_norm(spectral, n_power_iterations=200)

made = {"x": x, "gain": torch.tensor(GAINS), "weight": weight.weight, "spectral": spectral.weight}
print(json.dumps({"torch": torch.__version__, **{k: v.tolist() for k, v in made.items()}}))
