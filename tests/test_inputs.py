"""Which inputs are meant, and in which order."""

import os
from pathlib import Path

import pytest

from normcli.errors import NoInputError, UsageError
from normcli.io import inputs
from normcli.io.inputs import Input


def known(path: str) -> bool:
    return path.endswith(".csv")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "d/b.csv",
        "d/a/z.csv",
        "d/a.csv",
        "d/a-/c.csv",
        "d/.h/x.csv",
        "d/_tmp.csv",
        "d/.x.csv",
        "d/notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a\n1\n")
    os.symlink("a", tmp_path / "d" / "link")
    os.symlink("b.csv", tmp_path / "d" / "e.csv")
    os.mkfifo(tmp_path / "d" / "pipe.csv")
    return tmp_path


def paths(*names: str) -> list[str | None]:
    return [i.path for i in inputs.find(names, known).inputs]


def test_none_is_standard_input() -> None:
    assert inputs.find([], known).inputs == [Input(None, "-")] == inputs.find(["-"], known).inputs


def test_a_directory_is_read_by_the_bytes_of_its_paths_and_what_is_left_is_told(tree: Path) -> None:
    os.unlink(tree / "d" / "e.csv")
    found = inputs.find(["d"], known)
    assert [i.path for i in found.inputs] == ["d/a-/c.csv", "d/a.csv", "d/a/z.csv", "d/b.csv"]
    assert [i.relative for i in found.inputs] == ["a-/c.csv", "a.csv", "a/z.csv", "b.csv"]
    assert dict(found.left) == {
        "d/.h": "hidden",
        "d/.x.csv": "hidden",
        "d/_tmp.csv": "hidden",
        "d/link": "a link to a directory",
        "d/notes.txt": "unknown suffix",
        "d/pipe.csv": "no regular file",
    }


def test_a_name_that_is_there_is_taken_literally(tree: Path) -> None:
    (tree / "[ab].csv").write_bytes(b"a\n1\n")
    assert paths("[ab].csv") == ["[ab].csv"]
    assert paths("d/[ab].csv") == ["d/a.csv", "d/b.csv"]


def test_a_pipe_is_read_where_it_is_named_and_left_out_of_a_glob(tree: Path) -> None:
    assert paths("d/pipe.csv") == ["d/pipe.csv"]
    found = inputs.find(["d/[bp]*.csv"], known)
    assert [i.path for i in found.inputs] == ["d/b.csv"]
    assert found.left == [("d/pipe.csv", "no regular file")]


def test_a_glob_keeps_what_lies_below_its_fixed_part(tree: Path) -> None:
    assert [i.relative for i in inputs.find(["d/*/*.csv"], known).inputs] == [
        "a-/c.csv",
        "a/z.csv",
    ]
    assert [i.relative for i in inputs.find(["d/b*.csv"], known).inputs] == ["b.csv"]


def test_a_missing_file_is_still_an_input_for_opening_it_says_best_what_is_wrong() -> None:
    assert paths("none.csv") == ["none.csv"]


@pytest.mark.parametrize("names", [["d/x*.csv"], ["empty"]])
def test_nothing_found_is_an_error(names: list[str], tree: Path) -> None:
    (tree / "empty").mkdir()
    with pytest.raises(NoInputError):
        inputs.find(names, known)


@pytest.mark.parametrize(
    "names", [["d/b.csv", "d/b.csv"], ["d/b.csv", "d/e.csv"], ["d/b.csv", "./d/b.csv"], ["-", "-"]]
)
def test_an_input_given_twice_is_refused(names: list[str], tree: Path) -> None:
    with pytest.raises(UsageError, match="given twice"):
        inputs.find(names, known)


def test_directories_of_a_hive_tree_give_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("t/year=2026/month=01/a.csv", "t/year=__HIVE_DEFAULT_PARTITION__/month=a%2Fb/a.csv", "t/=x/a=/b.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert [i.keys for i in inputs.find(["t"], known).inputs] == [
        (("a", ""),),
        (("year", "2026"), ("month", "01")),
        (("year", None), ("month", "a/b")),
    ]


def test_a_list_of_names_is_lines_or_ends_in_nul() -> None:
    assert inputs.listed_in(b"a b\n\n\xff.csv", zero=False) == ["a b", os.fsdecode(b"\xff.csv")]
    assert inputs.listed_in(b"a\nb\0c\0", zero=True) == ["a\nb", "c"]


def test_two_inputs_are_never_one_output(tree: Path) -> None:
    two = [Input("d/a.csv", "a.csv"), Input("e/a.tsv", "a.tsv")]
    assert inputs.targets(two, "out", str) == ["out/a.csv", "out/a.tsv"]
    with pytest.raises(UsageError, match="both become out/a"):
        inputs.targets(two, "out", lambda name: name[:1])
    with pytest.raises(UsageError, match="is an INPUT"):
        inputs.targets([Input("d/a.csv", "b.csv"), Input("d/b.csv", "c.csv")], "d", str)


def test_a_suffix_is_replaced() -> None:
    assert inputs.renamed("x/a.b.CSV", (".csv",), ".parquet") == "x/a.b.parquet"
    assert inputs.renamed("x/a", (".csv",), ".parquet") == "x/a.parquet"
    assert inputs.renamed("x/a.csv", (".csv",), None) == "x/a.csv"
