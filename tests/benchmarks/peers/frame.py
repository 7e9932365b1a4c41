"""Fit a scaler to a DataFrame, and with "transform" normalize it, too: SOURCE sklearn|normcli fit|transform."""

import sys

import pandas as pd

source, who, job = sys.argv[1:]
frame = pd.read_parquet(source, columns=[f"f{j:02}" for j in range(16)])
if who == "sklearn":
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(frame)
else:
    from normcli import Normalizer

    scaler = Normalizer("zscore").fit(frame)
if job == "transform":
    assert scaler.transform(frame).shape == frame.shape
