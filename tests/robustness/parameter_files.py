"""Parameter files of every kind that fit can write, each small: what hostile ones are made from."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from tests import inside
from tests.test_params import VARIANTS
from tests.test_params import written as of_variant

TABLE = "shop,day,w,a,b.c,größe\n" + "".join(
    f"{'north' if i % 3 else ''},{i % 2},{1 + i % 3},{i * i % 11 + i / 7},{(5 * i) % 7},{'' if i == 4 else i / 3}\n"
    for i in range(24)
)
PLAN = """
[[steps]]
method = "log1p"
columns = ["a", "b.c"]
[[steps]]
method = "whiten"
columns = ["a", "b.c", "größe"]
options = { kind = "pca", components = 2 }
[[steps]]
method = "unit"
columns = ["pc*"]
"""
COLUMNS = ("-c", "a,b.c,größe")
FITS: dict[str, tuple[str, ...]] = {
    "by zscore": ("-m", "zscore", "--by", "shop", *COLUMNS),
    "by two minmax": ("-m", "minmax", "--by", "shop,day", *COLUMNS),
    "by robust": ("-m", "robust", "--by", "shop", *COLUMNS),
    "by quantile": ("-m", "quantile", "--resolution", "5", "--by", "shop", *COLUMNS),
    "by whiten": ("-m", "whiten", "--by", "shop", *COLUMNS),
    "by spectral": ("-m", "spectral", "--by", "shop", *COLUMNS),
    "by unit norm": ("-m", "weight", "--by", "shop", *COLUMNS),
    "weights zscore": ("-m", "zscore", "--weights", "w", *COLUMNS),
    "weights power by": ("-m", "power", "--weights", "w", "--by", "shop", *COLUMNS),
    "plan": ("--plan", "plan.toml"),
    "note": ("-m", "maxabs", "--note", 'of\nMay "[/x]" \x1b[31m', *COLUMNS),
}
LISTS = {"list zscore": ("-m", "zscore"), "list whiten pca": ("-m", "whiten", "--kind", "pca", "--components", "2")}


@cache
def all_written() -> dict[str, bytes]:
    """Each file by what it is of."""
    made = {name: of_variant(name) for name in VARIANTS}
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "t.csv").write_text(TABLE, "utf-8")
        (folder / "plan.toml").write_text(PLAN, "utf-8")
        lists = [[float(i), float(i * i % 5), 1.0 / (1 + i)] for i in range(12)]
        pq.write_table(pa.table({"emb": pa.array(lists, pa.list_(pa.float32(), 3))}), folder / "t.parquet")
        fits = {k: ("t.csv", *words) for k, words in FITS.items()}
        fits |= {k: ("t.parquet", "-c", "emb", *words) for k, words in LISTS.items()}
        for what, (data, *words) in fits.items():
            given = [str(folder / w) if w == "plan.toml" else w for w in words]
            inside.run("fit", folder / data, *given, "-p", folder / "p.json")
            made[what] = (folder / "p.json").read_bytes()
    return made
