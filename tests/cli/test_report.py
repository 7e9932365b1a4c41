"""normcli report: a page of what was fitted, and of data beside it; never drift as an exit code."""

import hashlib

import pytest

import normcli
from tests.cli.conftest import Workspace
from tests.reports.conftest import checked

FAR = b"site,a,b,c\n" + b"x,1000,2000,3000\n" * 40


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.params()
    (workspace / "far.csv").write_bytes(FAR)
    return workspace


def test_the_page_goes_to_standard_output_or_to_a_file(place: Workspace) -> None:
    done = place.succeeds("report", "p.json")
    checked(done.out.decode())
    assert place.succeeds("report", "p.json", "-o", "-", "-q").out == done.out
    summary = place.succeeds("report", "p.json", "-o", "r.html")
    assert summary.out == b""
    assert summary.err == "normcli: report zscore: a fit of 6 rows, 3 columns -> r.html\n"
    assert (place / "r.html").read_bytes() == done.out


def test_standard_input_is_read_where_it_is_named_alone(place: Workspace) -> None:
    alone = place.succeeds("report", "p.json", stdin=b"no csv").out
    assert alone == place.succeeds("report", "-", stdin=(place / "p.json").read_bytes()).out
    assert b"standard input" in place.succeeds("report", "p.json", "-", stdin=FAR).out
    assert "both INPUT and PARAMS are standard input" in place.fails(2, "report", "-", "-", stdin=FAR)


def test_drift_is_shown_and_is_no_error(place: Workspace) -> None:
    done = place.succeeds("report", "p.json", "far.csv", "-o", "r.html")
    assert done.err == "normcli: report zscore: 40 rows against a fit of 6 rows, 3 columns -> r.html\n"
    page = checked((place / "r.html").read_text())
    assert "The new data have drifted." in page.text("b")
    assert "far.csv, 40 rows" in page.text("dd")
    assert page.text("figcaption").count("new against fit") == 3
    few = checked(place.succeeds("report", "p.json", "table.csv").out.decode())
    assert "Too few rows of new data for a verdict." in few.text("p")
    assert "6 rows are too few for a verdict" in few.text("li")


def test_another_fit_is_compared_without_data(place: Workspace) -> None:
    place.succeeds("fit", "far.csv", "-m", "zscore", "-p", "far.json", "-q")
    done = place.succeeds("report", "p.json", "far.json", "-o", "r.html")
    assert done.err == "normcli: report zscore: 40 rows against a fit of 6 rows, 3 columns -> r.html\n"
    page = checked((place / "r.html").read_text())
    assert "The new data have drifted." in page.text("b")
    assert page.text("figcaption").count("new against fit") == 3
    assert place.succeeds("report", "p.json", "far.json", "--dry-run", "-o", "r2.html").out
    assert not (place / "r2.html").exists()


def test_keys_that_have_drifted_are_listed(place: Workspace) -> None:
    rows = [f"{site},{i % 7}" for site in ("north", "south") for i in range(60)]
    (place / "k.csv").write_text("site,a\n" + "\n".join(rows))
    (place / "moved.csv").write_text("site,a\n" + "\n".join(r.replace("south,", "south,9") for r in rows))
    place.succeeds("fit", "k.csv", "-m", "zscore", "--by", "site", "-p", "k.json", "-q")
    page = checked(place.succeeds("report", "k.json", "moved.csv", "--by-key").out.decode())
    assert "Drifted: 1 of 2 keys" in page.text("h3")
    assert "site=south" in page.text("td") + page.text("th")


@pytest.mark.parametrize("words", [("table.csv",), ("far.csv", "--max-shift", "9"), ("table.csv", "far.csv")])
def test_the_same_input_gives_the_same_bytes(place: Workspace, words: tuple[str, ...]) -> None:
    digests = {
        hashlib.sha256(place.succeeds("report", "p.json", *words, "--threads", n).out).hexdigest() for n in "112"
    }
    assert len(digests) == 1


def test_what_fails_leaves_the_page_as_it_was(place: Workspace) -> None:
    (place / "r.html").write_text("before")
    (place / "bad.csv").write_text("site,a,b,c\nx,1,2,3\nx,one,2,3\n")
    place.fails(65, "report", "p.json", "bad.csv", "-o", "r.html")
    place.fails(66, "report", "p.json", "none.csv", "-o", "r.html")
    place.fails(65, "report", "p.json", "table.csv", "-o", "r.html", "--werror")  # too few rows
    place.fails(73, "report", "p.json", "-o", "none/r.html")
    assert (place / "r.html").read_text() == "before"
    assert place.succeeds("report", "p.json", "-o", "r.html", "--dry-run", "table.csv").out
    assert (place / "r.html").read_text() == "before"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("p.json", "-o", "p.json"), "-o p.json is the PARAMS"),
        (("p.json", "table.csv", "-o", "table.csv"), "-o table.csv is the INPUT"),
        (("p.json", "--inf", "missing"), "--inf is for runs that read rows, and there is no INPUT"),
        (("p.json", "--max-shift", "1"), "--max-shift is for --check, and there is no INPUT"),
        ((), "PARAMS is missing"),
    ],
)
def test_what_makes_no_sense_is_refused(place: Workspace, words: tuple[str, ...], message: str) -> None:
    before = (place / "p.json").read_bytes(), (place / "table.csv").read_bytes()
    assert message in place.fails(2, "report", *words)
    assert ((place / "p.json").read_bytes(), (place / "table.csv").read_bytes()) == before


def test_a_dry_run_without_data_says_where_the_page_would_go(place: Workspace) -> None:
    assert b"r.html" in place.succeeds("report", "p.json", "-o", "r.html", "--dry-run").out
    assert not (place / "r.html").exists()


def test_python_returns_what_the_command_writes(place: Workspace) -> None:
    written = place.succeeds("report", "p.json", "far.csv").out.decode()
    page = normcli.report(place / "p.json", place / "far.csv", output=place / "r.html")
    assert (place / "r.html").read_text() == page
    assert page.replace(str(place / "far.csv"), "far.csv") == written
    assert normcli.report(normcli.load(place / "p.json")) == place.succeeds("report", "p.json").out.decode()
