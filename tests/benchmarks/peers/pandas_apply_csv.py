"""Standardize the f columns of a CSV file with the scaler of pandas_fit_csv: SOURCE PARAMS OUTPUT."""

import pickle
import sys

import pandas as pd

source, params, output = sys.argv[1:]
with open(params, "rb") as file:
    columns, scaler = pickle.load(file)
with open(output, "w", encoding="utf-8", newline="") as sink:
    for index, chunk in enumerate(pd.read_csv(source, chunksize=100_000)):
        chunk[columns] = scaler.transform(chunk[columns].to_numpy())
        chunk.to_csv(sink, index=False, header=index == 0)
