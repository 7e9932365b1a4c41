"""From one format to the other, by the suffix of the output."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from normcli import api
from normcli.errors import BadDataError
from normcli.formats.csv import Options
from normcli.methods.center import Center
from normcli.methods.maxabs import MaxAbs
from tests.formats.conftest import identity, normcli, oracle, params_of

TEXT = b'id,x,gap,name,code,empty\n1,1.5,NA,x,007,\n2,,4,"a, ""b""\nc",12,\n3,NaN,,"",013,\n 4 ,-2.5e-7, 6 ,NA,,\n'


def test_csv_to_parquet_and_back(folder: Path) -> None:
    """Numbers become float64, a word that means missing null; text stays text, and "" apart from nothing."""
    (folder / "d.csv").write_bytes(TEXT)
    plan = api.fit(folder / "d.csv", Center())
    assert plan.steps[0].columns == ("id", "x", "gap")
    api.apply(plan, folder / "d.csv", folder / "d.parquet")
    made = pq.read_table(folder / "d.parquet")
    assert made.schema.types == [pa.float64()] * 3 + [pa.string()] * 3
    assert made.select(["id", "gap", "name", "code", "empty"]).to_pydict() == {
        "id": [-1.5, -0.5, 0.5, 1.5],
        "gap": [None, -1.0, None, 1.0],
        "name": ["x", 'a, "b"\nc', "", "NA"],
        "code": ["007", "12", "013", None],
        "empty": [None] * 4,
    }

    api.apply(plan, folder / "d.parquet", folder / "back.parquet", inverse=True)
    back = pq.read_table(folder / "back.parquet")
    assert back.schema.types == [pa.int64(), pa.float64(), pa.int64()] + [pa.string()] * 3
    assert back["id"].to_pylist() == [1, 2, 3, 4]
    assert back["gap"].to_pylist() == [None, 4, None, 6]

    api.apply(plan, folder / "d.parquet", folder / "back.csv", inverse=True)
    rows = oracle((folder / "back.csv").read_bytes())
    assert rows.names == oracle(TEXT).names
    assert [row[3:] for row in rows.rows] == [row[3:] for row in oracle(TEXT).rows]
    assert [row[0] for row in rows.rows] == ["1", "2", "3", "4"]
    assert [row[2] for row in rows.rows] == ["", "4", "", "6"]


def test_parquet_to_csv_and_back(folder: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None, 3], pa.int32()),
            "f": pa.array([1.5, None, float("nan")], pa.float32()),
            "d": pa.array([Decimal("1.10"), None, Decimal("2.20")]),
            "t": ["a,\n", None, ""],
            "b": [True, None, False],
        }
    )
    pq.write_table(table, folder / "d.parquet")
    plan = api.fit(folder / "d.parquet", MaxAbs())
    api.apply(plan, folder / "d.parquet", folder / "d.csv")
    assert (folder / "d.csv").read_bytes() == (
        b'i,f,d,t,b\n0.3333333333333333,1.0,0.5,"a,\n",true\n,,,,\n1.0,NaN,1.0,"",false\n'
    )
    api.apply(plan, folder / "d.csv", folder / "back.parquet", inverse=True)
    back = pq.read_table(folder / "back.parquet")
    assert back["i"].equals(table["i"])
    assert back["t"].equals(table["t"])
    assert back["f"].null_count == 1
    api.apply(plan, folder / "d.csv", folder / "back.csv", inverse=True)
    assert [row[0] for row in oracle((folder / "back.csv").read_bytes()).rows] == ["1", "", "3"]


def test_one_column_of_parquet_with_a_null_makes_no_blank_line(folder: Path) -> None:
    pq.write_table(pa.table({"x": [1.0, None, -0.5]}), folder / "one.parquet")
    api.apply(identity("x"), folder / "one.parquet", folder / "one.csv")
    assert (folder / "one.csv").read_bytes() == b'x\n1.0\n""\n-0.5\n'


@pytest.mark.parametrize("name", ["list", "struct", "bytes"])
def test_what_text_can_not_hold_is_refused_by_name(name: str, folder: Path) -> None:
    values = {"list": [[1], [2]], "struct": [{"a": 1}, {"a": 2}], "bytes": [b"\0", b"\xff"]}
    pq.write_table(pa.table({"x": [1.0, 2.0], name: values[name]}), folder / "nested.parquet")
    output = folder / "nested.csv"
    with pytest.raises(BadDataError, match=rf"nested\.parquet: csv has no place for column {name} \("):
        api.apply(identity("x"), folder / "nested.parquet", output)
    assert not output.exists()


def test_missing_in_the_first_block_and_numbers_in_the_next(folder: Path) -> None:
    """The output's types are settled before the first row."""
    data = b"x,late,n\n" + b"NA,,1\n" * 30 + b"2.5,x,2.5\n" * 30
    (folder / "late.csv").write_bytes(data)
    plan = api.fit(folder / "late.csv", Center(), columns=["x", "n"], block_size=50)
    for size in (50, None):
        api.apply(plan, folder / "late.csv", folder / "late.parquet", block_size=size)
        made = pq.read_table(folder / "late.parquet")
        assert made.schema.types == [pa.float64(), pa.string(), pa.float64()]
        assert made["x"].to_pylist() == [None] * 30 + [0.0] * 30
        assert made["late"].to_pylist() == [None] * 30 + ["x"] * 30


def test_the_command_goes_by_suffix_then_flag_then_input(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"x;t\r\n1;a\r\n3;b\r\n")
    plan = api.fit(tmp_path / "d.csv", Center(), format_options=Options(delimiter=";"))
    (tmp_path / "p.json").write_bytes(params_of(plan))

    def made(*args: str, stdin: bytes = b"") -> bytes:
        done = normcli("apply", "-p", "p.json", *args, cwd=tmp_path, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert made("d.csv", "--delimiter", ";") == b"x;t\r\n-1.0;a\r\n1.0;b\r\n"
    made("d.csv", "--delimiter", ";", "-o", "d.dat", "--to", "parquet")
    assert pq.read_table(tmp_path / "d.dat").to_pydict() == {"x": [-1.0, 1.0], "t": ["a", "b"]}
    made("d.dat", "--inverse", "-o", "back.csv")
    assert (tmp_path / "back.csv").read_bytes() == b"x,t\n1,a\n3,b\n"
    data = (tmp_path / "d.dat").read_bytes()
    assert made("-", "--inverse", "--to", "csv", stdin=data) == b"x,t\n1,a\n3,b\n"
