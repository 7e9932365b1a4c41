"""Fit scikit-learn's StandardScaler to the f columns of a CSV file in chunks of 100,000 rows: SOURCE PARAMS."""

import pickle
import sys

import pandas as pd
from sklearn.preprocessing import StandardScaler

source, params = sys.argv[1:]
columns = [name for name in pd.read_csv(source, nrows=0).columns if name.startswith("f")]
scaler = StandardScaler()
for chunk in pd.read_csv(source, usecols=columns, chunksize=100_000):
    scaler.partial_fit(chunk.to_numpy())
with open(params, "wb") as sink:
    pickle.dump((columns, scaler), sink)
