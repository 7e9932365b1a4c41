"""Large inputs on a cluster: workers read segments of them apart from each other, and all comes out as on one machine,
to the byte."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli.errors import BadDataError, NoInputError, NormcliError
from normcli.formats import Reject
from normcli.io.ranges import FileRange
from normcli.jobs.check import check
from normcli.jobs.fit import fit
from normcli.jobs.requests.check import CheckRequest
from normcli.jobs.requests.fit import FitRequest
from normcli.parameters import file as params
from normcli.pipeline import Events, segments, turns
from normcli.pipeline.spans import SpanResult
from normcli.pipeline.turns import Turns
from tests.conftest import examples
from tests.engines.in_process import InProcess
from tests.store import Store


@dataclass
class Log(Events):
    """What is said, in order."""

    said: list[Any] = field(default_factory=list)

    def warning(self, text: str) -> None:
        self.said.append(text)

    def notice(self, text: str) -> None:
        self.said.append(text)

    def rejected(self, source: str, line: int, reject: Reject) -> None:
        self.said.append((source, line, reject.reason, reject.raw))


def outcome(job: Callable[[Any, Events], Any], request: Any) -> tuple[Any, ...]:
    """All that a person sees of a run: what is learned or compared, what is said and counted, or the error."""
    log, held = Log(), []
    log.begin = held.append  # type: ignore[method-assign]
    try:
        result = job(request, log)
        made = params.write(result.parameters) if job is fit else repr(result.comparison)
    except NormcliError as e:
        made = (type(e), e.message, e.hint)
    seen = held[0].progress
    counts = seen and (
        seen.rows, seen.rejected, seen.blank_lines, seen.comments, seen.incomplete, seen.inputs, seen.count
    )  # fmt: skip
    return made, log.said, counts


def same(
    paths: Sequence[Path], method: str, block_size: int, window: int, *, skip: bool = False, **options: Any
) -> list[SpanResult]:
    """Checks that a fit and a check by a cluster are those of this machine; what its workers said."""
    bad: dict[str, Any] = {"on_bad_row": "skip"} if skip else {}
    request: dict[str, Any] = {"input": tuple(map(str, paths)), "block_size": block_size, **bad}
    engine = InProcess(window)
    one = outcome(fit, FitRequest(method=method, **request, **options))
    assert outcome(fit, FitRequest(method=method, engine=engine, **request, **options)) == one
    if isinstance(one[0], bytes):
        of_fit = params.read(one[0])
        one = outcome(check, CheckRequest(params=of_fit, **request))
        assert outcome(check, CheckRequest(params=of_fit, engine=engine, **request)) == one
    return [result for _, result in engine.log]


@pytest.mark.parametrize("options", [{}, {"comment": "#"}])
def test_a_check_of_what_learned_nothing_counts_inputs_as_on_one_machine(
    tmp_path: Path, options: dict[str, str]
) -> None:
    for name, rows in (("a.csv", "1,2\n" * 5000), ("b.csv", "3,4\n"), ("c.csv", "5,6\n7,8\n")):
        (tmp_path / name).write_text("# of a device\n" * len(options) + "x,y\n" + rows)
    request: dict[str, Any] = {"input": tuple(map(str, sorted(tmp_path.iterdir()))), "format_options": options}
    fitted = fit(FitRequest(method="unit", **request)).parameters
    one = outcome(check, CheckRequest(params=fitted, **request))
    assert outcome(check, CheckRequest(params=fitted, engine=InProcess(), **request)) == one
    assert one[2][5] == 3  # inputs


@dataclass
class Bar(Events):
    """What a progress line counts."""

    total: int | None = None
    steps: list[int] = field(default_factory=list)

    def start(self, total: int | None, unit: str) -> None:
        self.total = total

    def advance(self, amount: int) -> None:
        self.steps.append(amount)


def test_progress_of_an_input_is_that_of_its_segments(tmp_path: Path) -> None:
    rows, header = b"1.5,2\n" * 50_000, b"x,y\n"
    for name in ("d.csv", "e.csv"):
        (tmp_path / name).write_bytes(header + rows)
    pq.write_table(pa.table({"x": range(10_000)}), tmp_path / "d.parquet", row_group_size=100)
    for names, total in [(["d.csv"], len(rows)), (["d.parquet"], 10_000), (["d.csv", "e.csv"], 2 * len(header + rows))]:
        bar, inputs = Bar(), tuple(str(tmp_path / name) for name in names)
        fit(FitRequest(method="zscore", input=inputs, engine=InProcess(), block_size=1000), bar)
        assert sum(bar.steps) == total
        assert len([step for step in bar.steps if step]) >= 100
        assert max(bar.steps) <= total / 50
        assert bar.total is not None
        assert 0 <= bar.total - total <= len(header)


VALUES = st.integers(-99, 999).map(str) | st.just("")
WORDS = st.sampled_from(["x", "", '"y"', '"a\nb"', '"a""b"', '"\n\n"', '"' + "1,2\n" * 9 + '"', "é"])
BAD = st.sampled_from(["oops,1", "1,2,3", "1e400,w", '1,a"b', "", '4,"\n'])
METHODS = st.sampled_from(["zscore", "robust", "whiten"])
WINDOWS = st.integers(1, 12)


TIMES = st.sampled_from([1, 9, 20])  # that generated rows are repeated, so that some inputs have several segments


def csv(rows: list[tuple[str, str]], times: int, bad: list[tuple[int, str]], end: str) -> str:
    lines = [f"{a},{b}" for a, b in rows] * times
    for at, line in bad:
        lines.insert(at % (len(lines) + 1), line)
    return end.join(["a,b", *lines, ""])


FILES = st.builds(
    csv, st.lists(st.tuples(VALUES, WORDS), min_size=1, max_size=20), TIMES,
    st.lists(st.tuples(st.integers(0, 400), BAD), max_size=2), st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip


@given(st.lists(FILES, min_size=1, max_size=2), METHODS, st.integers(3, 12), WINDOWS, st.booleans(), st.booleans())
@settings(max_examples=examples(48, part=8))
def test_csv_is_the_same(texts: list[str], method: str, block_size: int, window: int, skip: bool, by_key: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.csv" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, newline="")
        by: dict[str, Any] = {"by": ("b",)} if by_key else {}
        same(paths, method, block_size, window, skip=skip, columns=("a",), **by)


ESCAPED = st.lists(
    st.sampled_from(["1,2\n", "3,\\,\n", '4,"a\nb"\n', "5,\\\\\n", '6,\\"\n', "7,\\\n\n"]), min_size=10, max_size=40
)


@given(ESCAPED, st.sampled_from([{"escape": "\\"}, {"comment": "#"}, {"quote": "none"}]), st.integers(1, 9), WINDOWS)
@settings(max_examples=examples(16))
def test_dialects_are_the_same(lines: list[str], dialect: dict[str, str], block_size: int, window: int) -> None:
    """Escaped text may have to be read from some place on as it is: that is several segments at one address."""
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "t.csv").write_text("a,b\n" + "".join(lines) * 4)
        options = dict(dialect)
        same([path], "zscore", block_size, window, skip=True, columns=("a",), format_options=options)


@given(st.lists(st.integers(0, 99), min_size=3, max_size=30), TIMES, st.integers(9, 40), WINDOWS, st.booleans())
@settings(max_examples=examples(16))
def test_ndjson_is_the_same(rows: list[int], times: int, block_size: int, window: int, skip: bool) -> None:
    """With keys that come late, blank lines, and values that are none."""
    other = {97: '{"a": "no"}', 98: "", 99: '{"late": 1}'}
    lines = ['{"a": 1}', *(other.get(n, f'{{"a": {n}}}') for n in rows * times), ""]
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "t.ndjson").write_text("\n".join(lines))
        same([path], "zscore", block_size, window, skip=skip)
        same([path], "zscore", block_size, window, skip=True, columns=("a", "late"))


GROUPS = st.lists(st.lists(st.integers(-9, 9) | st.floats(-9, 9) | st.none(), max_size=12), min_size=2, max_size=6)


@given(GROUPS, TIMES, st.sampled_from(["parquet", "arrow"]), METHODS, st.integers(2, 4), WINDOWS)
@settings(max_examples=examples(24))
def test_binary_is_the_same(
    groups: list[Any], times: int, kind: str, method: str, block_size: int, window: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(path := Path(folder) / f"t.{kind}", groups * times)
        same([path, path.with_name("b.csv")] if csv_beside(path) else [path], method, block_size, window)


def csv_beside(path: Path) -> bool:
    """Of another format, every other time."""
    if path.stat().st_size % 2:
        path.with_name("b.csv").write_text("a,b\n" + "1,2\n" * 70)
    return path.with_name("b.csv").exists()


def write(path: Path, groups: list[Any]) -> None:
    schema = pa.schema([("a", pa.float64()), ("b", pa.int64())])
    batches = [pa.record_batch([pa.array(g, pa.float64()), pa.array(range(len(g)))], schema) for g in groups]
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, schema) as parquet:
            for batch in batches:
                parquet.write_batch(batch)
        return
    with pa.ipc.new_file(path, schema) as arrow:
        for batch in batches:
            arrow.write_batch(batch)


# -- what is sent, and when --------------------------------------------------------------------------------------
def fitted(paths: Sequence[Path | str], engine: InProcess, **options: Any) -> bytes:
    request = FitRequest(input=tuple(map(str, paths)), method="zscore", block_size=8, engine=engine, **options)
    return params.write(fit(request).parameters)


def test_without_quotes_nothing_is_measured_twice(tmp_path: Path) -> None:
    (path := tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 500)
    fitted([path], engine := InProcess())
    opening, *others = engine.log
    assert len(opening[1].stretches) == len(others) > 3
    assert all(span.stretch and result.likely for span, result in others)
    assert [span.load for span, _ in engine.log] == [path.stat().st_size, *(e - s for s, e in opening[1].stretches)]


def test_each_byte_is_read_once_but_for_a_block_before_each_stretch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For it says where the first row begins."""
    ranges, read = list[tuple[int, int]](), list[int]()

    class Counted(FileRange):
        def __init__(self, file: io.FileIO, start: int, end: int) -> None:
            super().__init__(file, start, end)
            ranges.append((start, end))

        def readinto(self, view: memoryview) -> int:
            read.append(count := super().readinto(view))
            return count

    monkeypatch.setattr("normcli.io.sources.FileRange", Counted)
    (path := tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 1000)
    fitted([path], engine := InProcess(), columns=("a",))
    stretches = [span.stretch for span, _ in engine.log if span.stretch]
    assert len(stretches) > 5
    assert len(ranges) == 2 * len(stretches) - 1
    assert sum(read) <= path.stat().st_size + 2 * 8 * len(stretches)


@pytest.mark.parametrize("window", [1, 3])
def test_what_was_measured_in_vain_is_measured_again_at_once(tmp_path: Path, window: int) -> None:
    """Where stretches begin within quotes, and look as if they did not."""
    (path := tmp_path / "t.csv").write_text("a,b\n" + '1,"a\nbc"\n' * 250)
    engine = InProcess(window)
    of_this_machine = fit(FitRequest(input=(str(path),), method="zscore", block_size=8, columns=("a",))).parameters
    assert fitted([path], engine, columns=("a",)) == params.write(of_this_machine)
    spans = [span for span, _ in engine.log]
    scans = {span.stretch: n for n, span in enumerate(spans) if span.stretch}
    repeats = [(n, span.address) for n, span in enumerate(spans) if span.address]
    assert 0 < len(repeats) < len(scans)
    for n, address in repeats:
        known = max(m for (start, _), m in scans.items() if start < address.end)
        assert known < n <= known + window


@pytest.mark.parametrize("window", [1, 30])
def test_results_that_wait_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    """Also where the first input has to be measured again while small ones follow."""
    monkeypatch.setattr(turns, "MOST", 4)
    held = list[int]()
    next_task = Turns._next
    monkeypatch.setattr(Turns, "_next", lambda self: (held.append(self._held), next_task(self))[1])
    (large := tmp_path / "t.csv").write_text("a,b\n" + ('1,"' + "\n" * 600 + '"\n') * 4)
    small = [tmp_path / f"{i}.csv" for i in range(40)]
    for path in small:
        path.write_text("a,b\n1,2\n")
    fitted([large, *small], InProcess(window))
    assert max(held) <= 4 + window


def test_an_error_is_the_first_in_the_file(tmp_path: Path) -> None:
    """Though a later one is met earlier; and nothing is read twice for it."""
    lines = ["1,2"] * 3000
    lines[1500], lines[2980] = "oops,2", "no,2"
    (path := tmp_path / "t.csv").write_text("\n".join(["a,b", *lines, ""]))
    with pytest.raises(BadDataError, match=r"t\.csv:1502: 'oops'"):
        fitted([path], engine := InProcess(), columns=("a",))
    assert not [span.address for span, _ in engine.log if span.address]
    assert len({span.stretch for span, _ in engine.log}) == len(engine.log) > 10


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_objects_are_the_same(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """And one that is replaced meanwhile is an error."""
    for name, value in store.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(segments, "FAR", 0)
    write_any(path := tmp_path / f"t.{kind}", 1.0)
    one = params.write(fit(FitRequest(input=(str(path),), method="zscore", block_size=8)).parameters)
    uri = store.put(path.name, path.read_bytes())
    assert fitted([uri], engine := InProcess()) == one
    assert sum(result.is_cut for _, result in engine.log) == 1
    write_any(path, 2.0)
    with pytest.raises(BadDataError, match=r"was changed while it was read"):
        fitted([uri], Changing(1, change=lambda: store.put(path.name, path.read_bytes())))


# -- an input that workers do not see ---------------------------------------------------------------------------------
@dataclass
class Elsewhere(InProcess):
    """Its worker has no directory `hidden`."""

    hidden: Path = Path()

    def map_spans(self, work: Callable[..., Any], *args: Any, **more: Any) -> Generator[Any]:
        return super().map_spans(Hiding(work, str(self.hidden)), *args, **more)


@dataclass
class Hiding:
    """Work, while a directory has another name."""

    work: Callable[..., Any]
    hidden: str

    def __call__(self, *args: Any) -> Any:
        os.rename(self.hidden, f"{self.hidden}~")
        try:
            return self.work(*args)
        finally:
            os.rename(f"{self.hidden}~", self.hidden)


@pytest.mark.parametrize("name", ["b.csv", "none.csv"])
def test_an_input_that_a_worker_alone_does_not_see_is_said_to_be_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One that is not there for anybody is as on one machine."""
    monkeypatch.chdir(tmp_path)
    Path("many").mkdir()
    for path in ("a.csv", "many/b.csv"):
        Path(path).write_text("x\n1\n2\n")
    request: dict[str, Any] = {"input": ("a.csv", f"many/{name}"), "method": "zscore"}
    with pytest.raises(NoInputError) as caught:
        fit(FitRequest(engine=Elsewhere(hidden=tmp_path / "many"), **request))
    if name == "b.csv":
        what = "worker in-process: does not see INPUT many/b.csv as this machine does: there is no directory many"
        assert str(caught.value) == f"{what} (what is read and written has to be there for all)"
    else:
        with pytest.raises(NoInputError) as expected:
            fit(FitRequest(**request))
        assert str(caught.value) == str(expected.value)


# -- an input that changes ---------------------------------------------------------------------------------------
@dataclass
class Changing(InProcess):
    """Calls `change` once so many results have come."""

    change: Callable[[], Any] = lambda: None
    after: int = 3

    def map_spans(self, *args: Any, **more: Any) -> Generator[Any]:
        for result in super().map_spans(*args, **more):
            if len(self.log) == self.after:
                self.change()
            yield result


def write_any(path: Path, value: float) -> None:
    """A file of several segments in place of what is there."""
    path.unlink(missing_ok=True)
    if path.suffix == ".csv":
        path.write_text("a,b\n" + f"{value},2\n" * 200)
    else:
        write(path, [[value] * 600] * 3)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_input_that_is_replaced_meanwhile_is_an_error(kind: str, tmp_path: Path) -> None:
    write_any(path := tmp_path / f"t.{kind}", 1.0)
    with pytest.raises(BadDataError, match=rf"t\.{kind}: was changed while it was read"):
        fitted([path], Changing(1, change=lambda: write_any(path, 2.0)))


def test_further_passes_read_what_the_first_one_did(tmp_path: Path) -> None:
    """A file that has as many rows as before, and other numbers."""
    (path := tmp_path / "t.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(10_000, 30_000)))
    request: dict[str, Any] = {
        "input": (str(path),),
        "method": "robust",
        "method_options": {"exact": True},
        "block_size": 500,
    }
    one = fit(FitRequest(**request)).parameters
    engine = InProcess()
    assert params.write(fit(FitRequest(engine=engine, **request)).parameters) == params.write(one)
    assert sum(result.is_cut for _, result in engine.log) == 2
    changing = Changing(change=lambda: path.write_text(path.read_text().replace("1", "3")), after=6)
    with pytest.raises(BadDataError, match=r"t\.csv: was changed while it was read"):
        fit(FitRequest(engine=changing, **request))
