"""Fit scikit-learn's IncrementalPCA with whitening to a Parquet file, batch by batch: SOURCE PARAMS [BATCH_ROWS]."""

import pickle
import sys

import pyarrow.parquet as pq
from sklearn.decomposition import IncrementalPCA

source, params = sys.argv[1:3]
rows = int(sys.argv[3]) if len(sys.argv) > 3 else 32_768  # the fastest of 8,192 to 200,000
model = IncrementalPCA(whiten=True, copy=False)
for batch in pq.ParquetFile(source).iter_batches(rows):
    model.partial_fit(batch.to_tensor(row_major=True).to_numpy())
with open(params, "wb") as sink:
    pickle.dump(model, sink)
