"""Models as Spark ML saves them, with any content."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def spark(path: Path, kind: str, params: Mapping[str, Any], vectors: Mapping[str, Any]) -> str:
    """A directory as Spark saves it: the layout of Spark's VectorUDT and DefaultParamsWriter."""
    for folder in ("metadata", "data"):
        (path / folder).mkdir(parents=True, exist_ok=True)
        (path / folder / "_SUCCESS").touch()
    about = {"class": f"org.apache.spark.ml.feature.{kind}", "timestamp": 1, "sparkVersion": "3.5.1", "uid": "x_1"}
    about |= {"paramMap": {"inputCol": "features"}, "defaultParamMap": dict(params)}
    (path / "metadata" / "part-00000").write_text(json.dumps(about) + "\n")
    vector = pa.struct(
        [
            ("type", pa.int8()),
            ("size", pa.int32()),
            ("indices", pa.list_(pa.int32())),
            ("values", pa.list_(pa.float64())),
        ]
    )
    row = {
        name: v if isinstance(v, dict) else {"type": 1, "size": None, "indices": None, "values": list(v)}
        for name, v in vectors.items()
    }
    table = pa.Table.from_pylist([row], pa.schema([(name, vector) for name in vectors]))
    pq.write_table(table, path / "data" / "part-00000-1c-c000.snappy.parquet")
    return str(path)
