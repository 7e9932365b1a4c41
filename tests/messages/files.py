"""What the commands of the table work on: small files, of which most have something wrong with them."""

import gzip
import io
import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests import inside

TABLE = b"x,y,site\n1,2,a\n2,3,b\n4,7,a\n"
TEXTS = {
    "d.csv": TABLE,
    "d2.csv": b"x,y,site\n5,2,b\n1,9,a\n",
    "other.csv": b"x,z\n1,2\n2,3\n",
    "empty.csv": b"",
    "blank.csv": b"\n\n",
    "header.csv": b"x,y\n",
    "texts.csv": b"a,b\nu,v\nw,x\n",
    "same.csv": b"x,year,zip\n1,2000,5\n2,2000,5\n4,2000,5\n",
    "none.csv": b"x,gone\n1,\n2,\n",
    "word.csv": b"x,y,site\n1,2,a\n2,?,b\n",
    "other_word.csv": b"x,y,site\n1,2,a\n2,ten,b\n",
    "share.csv": b"x,y,site\n1,2,a\n2,5 %,b\n",
    "comma.csv": b'x,y,site\n1,2,a\n2,"1,5",b\n',
    "late_word.csv": b"x,y\n" + b"1,2\n" * 40_000 + b"1,x\n",
    "doubtful.csv": b"x,y\n1,2\n2,3\n3,u\n",
    "infinite.csv": b"x,y,site\n1,2,a\n2,inf,b\n",
    "short.csv": b"x,y,site\n1,2,a\n2,3\n",
    "long.csv": b"x,y,site\n1,2,a\n2,3,b,4\n",
    "trailing.csv": b"x,y,\n1,2,\n",
    "quote.csv": b'x,y,site\n1,2,a"b\n',
    "unclosed.csv": b'x,y,site\n1,2,"a\n',
    "after.csv": b'x,y,site\n1,2,"a"b\n',
    "return.csv": b"x,y,site\n1,2,a\rb\n",
    "escape.csv": b'x,y,site\n1,2,"a\\"b"\n',
    "latin1.csv": "x,y,site\n1,2,größe\n".encode("latin1"),
    "utf16.csv": "x,y,site\n1,2,a\n".encode("utf-16"),
    "binary.csv": bytes(range(256)) * 4,
    "twice.csv": b"x,x\n1,2\n",
    "numbers.csv": b"1,2\n3,4\n",
    "semicolon.csv": b"x;y;site\n1;2;a\n2;3;b\n",
    "sep.csv": b"sep=;\nx;y\n1;2\n",
    "zeros.csv": b"x,zip\n1,02134\n2,10001\n",
    "large.csv": b"x,y\n1,9007199254740993\n2,3\n",
    "far.csv": b"x,y\n1e300,2\n-1e300,3\n1,1\n",
    "steep.csv": b"x,y\n-1,2\n2,3\n-5,1\n",
    "gaps.csv": b"x,y\n1,\n,3\n2,4\n3,1\n",
    "nokey.csv": b"x,y,site\n1,2,c\n",
    "weights.csv": b"x,y,w\n1,2,1\n2,3,-1\n",
    "zero_weights.csv": b"x,y,w\n1,2,0\n2,3,0\n",
    "collinear.csv": b"x,y\n1,2\n2,4\n3,6\n",
    "drifted.csv": b"x,y,site\n" + b"900,2,a\n800,2,b\n" * 40,
    "bad.ndjson": b'{"x":1,"y":2}\n{"x":1,"y":}\n',
    "list.ndjson": b'{"x":1,"y":2}\n[1,2]\n',
    "nested.ndjson": b'{"x":1,"y":2}\n{"x":1,"y":2,"x":3}\n',
    "word.ndjson": b'{"x":1,"y":2}\n{"x":1,"y":"?"}\n',
    "empty_list.ndjson": b'{"v":[]}\n{"v":[1]}\n',
    "ragged.ndjson": b'{"v":[1,2]}\n{"v":[1]}\n',
    "late.ndjson": b'{"x":1}\n' * 20_000 + b'{"x":1,"late":2}\n',
    "page.csv": b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n",
    "pointer.csv": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
    "array.json": b'[{"x":1},{"x":2}]\n',
    "truncated.csv.gz": gzip.compress(TABLE * 100, mtime=0)[:-20],
    "damaged.csv.gz": gzip.compress(TABLE, mtime=0)[:12] + b"\xff" * 8 + gzip.compress(TABLE, mtime=0)[20:],
    "plain.csv.gz": TABLE,
    "twice.csv.gz": gzip.compress(gzip.compress(TABLE, mtime=0), mtime=0),
    "text.parquet": TABLE,
    "names.txt": b"d.csv\nnosuch.csv\n",
    "no_names.txt": b"",
    "half_weights.csv": b"x,y,w\n1,2,0.5\n2,3,1\n",
    "tiny_weights.csv": b"x,y,w\n1,2,1e-300\n2,3,1e-300\n",
    "apart.csv": b"x,y\n1,\n,2\n",
    "sparse.csv": b"x,y\n1,2\n2,\n3,4\n4,\n",
    "huge.csv": b"x,y\n1e140,2\n2e140,3\n",
    "components.csv": b"x,y,pc1\n1,2,3\n2,4,1\n3,1,2\n",
    "all_bad.csv": b"x,y\n1,u\n2,v\n",
    "one_bad.csv": b"x,y\n1,u\n",
    "quoted_header.csv": b'x,"y"z\n1,2\n',
    "latin1_header.csv": "x,größe\n1,2\n".encode("latin1"),
    "sep_plus.csv": b"sep=+\nx+y\n1+2\n",
    "types.csv": b"x,n\n" + b"1,2\n" * 40_000 + b"1,u\n",
    "empty.ndjson": b"",
    "empty.arrows": b"",
    "empty.json": b"",
    "half.json": b'{"format": "normcli", "version": 1, "ro',
    "table.json": TABLE,
    "object.json": b"{}",
    "gamma.json": b"[1, 2, 3]",
    "no_gamma.json": b'{"a": 1}',
    "empty.toml": b"",
    "broken.toml": b"[[steps]\n",
    "unknown.toml": b"[[stages]]\n",
    "no_method.toml": b"[[steps]]\ncolumns = ['x']\n",
    "misspelt.toml": b"[[steps]]\nmethod = 'zscor'\n",
    "key.toml": b"[[steps]]\nmethod = 'zscore'\ncolumn = 'x'\n",
    "option.toml": b"[[steps]]\nmethod = 'zscore'\noptions = { clip = true }\n",
    "value.toml": b"[[steps]]\nmethod = 'zscore'\noptions = { ddof = -1 }\n",
    "options.toml": b"[[steps]]\nmethod = 'zscore'\noptions = 1\n",
    "columns.toml": b"[[steps]]\nmethod = 'zscore'\ncolumns = 'x'\n",
    "no_columns.toml": b"[[steps]]\nmethod = 'zscore'\ncolumns = []\n",
    "repeated.toml": b"[[steps]]\nmethod = 'zscore'\noptions = { target-std = 1, target_std = 2 }\n",
    "check.toml": b"[[steps]]\nmethod = 'minmax'\noptions = { range = [1, 0] }\n",
    "two.toml": b"[[steps]]\nmethod = 'zscore'\n[[steps]]\nmethod = 'minmax'\n",
    "steps.toml": b"[[steps]]\nmethod = 'log1p'\n[[steps]]\nmethod = 'zscore'\n",
}  # fmt: skip

FITS = {
    "p.json": "d.csv -m zscore",
    "minmax.json": "d.csv -m minmax --clip",
    "other.json": "other.csv -m zscore",
    "second.json": "d2.csv -m zscore",
    "unit.json": "d.csv -m unit",
    "keys.json": "d.csv -m zscore --by site",
    "robust.json": "d.csv -m robust --exact",
    "batch.json": "d.csv -m batch --batch-size 2",
    "x.json": "d.csv -m zscore -c x",
    "site.json": "numbers.csv -m zscore",
    "list.json": "lists.parquet -m zscore -c v",
    "log.json": "d.csv -m log1p",
    "power.json": "steep.csv -m power",
    "robust2.json": "d2.csv -m robust --exact",
    "steps.json": "d.csv --plan steps.toml",
    "layer.json": "d.csv -m layer",
    "rms.json": "d.csv -m rms",
    "blend.json": "d.csv -m batch-instance --channels 1",
    "mixture.json": "d.csv -m switchable --channels 1",
    "gamma0.json": "d.csv -m batch --gamma 0",
    "pca.json": "d.csv -m decorrelate --components 1",
}  # fmt: skip


def parquet(**columns: Any) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table(columns), path)


def changed(path: str, *keys: Any, value: Any) -> Callable[[Path], None]:
    """p.json with another value at a place."""

    def write(to: Path) -> None:
        document = json.loads((to.parent / path).read_bytes())
        inner = document
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        to.write_text(json.dumps(document))

    return write


def cut(path: str, size: int) -> Callable[[Path], None]:
    return lambda to: (to.write_bytes((to.parent / path).read_bytes()[:size]), None)[1]


def stream(path: Path) -> None:
    table = pa.table({"x": [1.0, 2.0], "y": [2.0, 3.0]})
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
    connection.close()


def array(path: Path) -> None:
    out = io.BytesIO()
    np.save(out, np.ones(3))
    path.write_bytes(out.getvalue())


BEFORE: dict[str, Callable[[Path], None]] = {
    "lists.parquet": parquet(x=[1.0, 2.0, 3.0], v=[[1.0, 2.0], [2.0, 4.0], [3.0, 5.0]]),
    "d.parquet": parquet(x=[1, 2, 4], y=[2, 3, 7], site=["a", "b", "a"]),
    "typed.parquet": parquet(x=[1, 2], y=[b"u", b"v"]),
    "wide.parquet": parquet(x=[1, 2**40], y=[2.5, 3.5], site=["a", "b"]),
    "ragged.parquet": parquet(v=[[1.0, 2.0], [2.0]]),
    "no_list.parquet": parquet(x=[1.0], v=["a"]),
    "no_entry.parquet": parquet(v=[[], [1.0]]),
    "text_x.parquet": parquet(x=["a"], y=[1]),
    "text_site.parquet": parquet(x=[1, 2], y=[2, 3], site=[1, 2]),
    "comma.parquet": parquet(x=[1, 2], y=[2, 3], site=["a,b", "c"]),
    "infinite.parquet": parquet(x=[1, 2], z=[1.0, float("inf")]),
    "twice.parquet": lambda path: pq.write_table(
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]), path
    ),
    "keys.parquet": parquet(x=[1], m=pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64()))),
    "maps.parquet": parquet(x=[1, 2], m=pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64()))),
    "d.arrows": stream,
    "s.csv": database,
    "a.csv": array,
}
AFTER: dict[str, Callable[[Path], None]] = {
    "edited.json": changed("p.json", "rows", value=4),
    "newer.json": changed("p.json", "version", value=9),
    "older.json": changed("p.json", "version", value=0),
    "unknown.json": changed("p.json", "extra", value=1),
    "method.json": changed("p.json", "steps", 0, "method", value="zscor"),
    "negative.json": changed("p.json", "rows", value=-1),
    "text.json": changed("p.json", "rows", value="3"),
    "cut.parquet": cut("d.parquet", 300),
    "cut.arrows": cut("d.arrows", 300),
    "long.arrows": lambda path: (path.write_bytes((path.parent / "d.arrows").read_bytes() + b"more"), None)[1],
    "delimiter.json": changed("p.json", "dialect", value={"delimiter": ";;"}),
    "dialect.json": changed("p.json", "dialect", value={"nosuch": 1}),
    "dialect_type.json": changed("p.json", "dialect", value={"delimiter": 1}),
    "normalized.parquet": lambda path: _apply(path, "d.parquet -p p.json"),
    "short.arrows": cut("d.arrows", -8),
}


def write(directory: Path) -> None:
    """All of them. Fits are silent."""
    for name, data in TEXTS.items():
        (directory / name).write_bytes(data)
    for part in (BEFORE, None, AFTER):
        for name, writer in (part or {}).items():
            writer(directory / name)
        if part is None:
            _fit(directory, FITS.items())
    (directory / "in").mkdir()
    for name in ("a.csv", "b.csv"):
        (directory / "in" / name).write_bytes(TABLE)
    (directory / "in2").mkdir()
    (directory / "in2" / "a.csv").write_bytes(TABLE)
    (directory / "hollow").mkdir()
    (directory / "hollow" / "notes.md").write_bytes(b"none")
    (directory / "void").mkdir()
    (directory / "void" / "a.csv").write_bytes(b"")
    (directory / "link.csv").symlink_to("nowhere.csv")
    (directory / "z.csv").write_bytes(b"x,y,site\n")


def _apply(path: Path, words: str) -> None:
    code, _, err = inside.main(["apply", *words.split(), "-qq", "-o", path.name], cwd=path.parent, env={})
    assert code == 0, (words, err)


def _fit(directory: Path, fits: Iterable[tuple[str, str]]) -> None:
    for name, words in fits:
        code, _, err = inside.main(["fit", *words.split(), "-qq", "-p", name], cwd=directory, env={})
        assert code == 0, (words, err)
