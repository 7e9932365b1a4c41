"""From Python: the jobs of the command line, with its guards, its files and its warnings."""

import errno
import gc
import inspect
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from msgspec.structs import replace

import normcli
from normcli import NormcliError, NormcliWarning
from normcli.errors import (
    BadDataError,
    BadParametersError,
    CannotCreateError,
    DriftError,
    LockedError,
    NoInputError,
    OutputError,
    UsageError,
)
from normcli.formats import csv
from normcli.io import outputs
from normcli.io.transaction import Transaction, _undo_on_signal
from normcli.jobs import results
from normcli.methods.zscore import ZScore
from normcli.parameters.plan import PlanStep
from tests.cli.conftest import run

DATA = "site,a,b\n" + "".join(f"s{i % 2},{i},{i * i}\n" for i in range(60))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text(DATA)
    (tmp_path / "in").mkdir()
    for i in range(3):
        (tmp_path / f"in/{i}.csv").write_text(DATA.replace("s1", f"t{i}"))
    return tmp_path


def shell(*words: str) -> None:
    done = run(*words, cwd=Path.cwd())
    assert done.code == 0, done.err


# -- the same files ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("d.csv",), {"input": "d.csv"}),
        (("in",), {"input": "in"}),
        (("in/*.csv", "d.csv"), {"input": ["in/*.csv", Path("d.csv")]}),
        (("d.csv", "--by", "site"), {"input": "d.csv", "by": "site"}),
        (("d.csv", "--weights", "b", "--note", "x"), {"input": "d.csv", "weights": "b", "note": "x"}),
        (("d.csv", "-c", "b", "--ddof", "1"), {"input": "d.csv", "columns": "b", "ddof": 1}),
    ],
)
def test_a_fit_is_the_command_lines(words: tuple[str, ...], options: dict[str, Any]) -> None:
    shell("fit", *words, "-m", "zscore", "-p", "shell.json")
    plan = normcli.fit(method="zscore", params="python.json", **options)
    assert Path("python.json").read_bytes() == Path("shell.json").read_bytes() == normcli.write(plan)
    assert normcli.load("shell.json").digest == plan.digest


def test_data_and_directories_are_too() -> None:
    plan = normcli.fit("in", "zscore", params="p.json", output="z/")
    shell("apply", "in", "-p", "p.json", "-o", "shell/")
    result = normcli.apply(plan, "in", "python/", threads=1)
    for i in range(3):
        texts = {Path(f"{place}/{i}.csv").read_bytes() for place in ("z", "shell", "python")}
        assert len(texts) == 1
    assert (result.rows_in, result.rows_out, result.rows_rejected, result.inputs) == (
        180, 180, 0, [f"in/{i}.csv" for i in range(3)],
    )  # fmt: skip
    normcli.apply("p.json", "python/", "back/", inverse=True)
    assert Path("back/0.csv").read_text() == Path("in/0.csv").read_text()


def test_what_is_resumed_is_left_also_where_it_does_not_decide_what_is_written() -> None:
    normcli.fit("in", "zscore", params="p.json")
    normcli.apply("p.json", "in", "o/")
    before = {path: path.stat().st_ino for path in Path("o").glob("*.csv")}
    again = normcli.apply("p.json", "in", "o/", resume="stat", allow_edited=True, threads=1)
    assert {path: path.stat().st_ino for path in Path("o").glob("*.csv")} == before
    assert again.rows_out == 180
    normcli.apply("p.json", "in", "o/", resume="stat", only=True)
    assert {path: path.stat().st_ino for path in Path("o").glob("*.csv")} != before


def test_update_merge_and_relearn() -> None:
    parts = [normcli.fit(f"in/{i}.csv", "zscore", params=f"{i}.json") for i in range(3)]
    whole = normcli.fit("in", "zscore")
    assert normcli.write(normcli.merge(parts)) == normcli.write(normcli.merge(["0.json", "1.json", "2.json"]))
    for i in (1, 2):
        updated = normcli.fit(f"in/{i}.csv", update=True, params="0.json")
    assert normcli.write(updated) == normcli.write(whole)
    ranged = normcli.relearn("0.json", "minmax", output="m.json", range=(-1.0, 1.0))
    assert Path("m.json").read_bytes() == normcli.write(ranged)
    normcli.save(ranged, "again.json")
    assert Path("again.json").read_bytes() == Path("m.json").read_bytes()


def test_what_was_loaded_saves_itself() -> None:
    fitted = normcli.fit("in", "zscore", by="site", note="größe", params="p.json")
    for i, parameters in enumerate((fitted, normcli.load("p.json"), normcli.merge(["p.json"]))):
        parameters.save(f"{i}.json")
        normcli.save(parameters, Path(f"{i}-too.json"))
        same = {Path(name).read_bytes() for name in ("p.json", f"{i}.json", f"{i}-too.json")}
        assert same == {normcli.write(parameters)}


def test_saving_replaces_a_file_or_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = normcli.fit("d.csv", "zscore")
    Path("old.json").write_text("old")
    with pytest.raises(CannotCreateError):
        fitted.save("none/p.json")
    with pytest.raises(CannotCreateError):
        fitted.save("in")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(OutputError):
            fitted.save("old.json")
    assert Path("old.json").read_text() == "old"
    with pytest.raises(UsageError):
        replace(fitted, note="\ud800").save("old.json")
    assert Path("old.json").read_text() == "old"
    assert sorted(os.listdir()) == ["d.csv", "in", "old.json"]
    fitted.save("old.json")
    assert normcli.load("old.json").digest == fitted.digest


def failing(descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("method", ["zscore", ZScore, ZScore(), [PlanStep(ZScore())]], ids=str)
def test_a_method_is_named_in_any_way(method: Any) -> None:
    assert normcli.fit("d.csv", method).digest == normcli.fit("d.csv", "zscore").digest


def test_options_of_formats_are_a_dict_or_their_class() -> None:
    Path("s.csv").write_text(DATA.replace(",", ";"))
    wanted = normcli.fit("d.csv", "zscore").steps[0].states
    for options in ({"delimiter": ";"}, csv.Options(delimiter=";")):
        found = normcli.fit("s.csv", "zscore", format_options=options).steps[0].states
        assert repr(found) == repr(wanted)


def test_check_compares() -> None:
    plan = normcli.fit("d.csv", "zscore", params="p.json")
    assert normcli.check(plan, "d.csv").drift is False
    Path("far.csv").write_text("site,a,b\n" + "s1,1000,1\n" * 60)
    assert normcli.check("p.json", ["far.csv"]).drift is True
    with pytest.raises(DriftError):
        normcli.apply(plan, "far.csv", "o.csv", check="refuse")
    assert not Path("o.csv").exists()
    assert normcli.apply(plan, "far.csv", "o.csv", check="warn").warnings


# -- the same guards ---------------------------------------------------------------------------------------------
def test_its_guards_are_the_command_lines() -> None:
    normcli.fit("d.csv", "zscore", params="p.json")
    fit, apply = normcli.fit, normcli.apply
    before = {path: path.read_bytes() for path in (Path("d.csv"), Path("p.json"))}
    os.link("d.csv", "link.csv")
    for error, refused in (
        (UsageError, lambda: fit("d.csv", "zscore", params="d.csv")),
        (UsageError, lambda: fit("d.csv", "zscore", params="link.csv")),
        (UsageError, lambda: fit("d.csv", "zscore", params="o", output="o")),
        (UsageError, lambda: fit("d.csv", "zscore", output="o.csv")),
        (UsageError, lambda: fit("d.csv", "nosuch")),
        (UsageError, lambda: fit("d.csv", "zscore", nosuch=1)),
        (UsageError, lambda: fit("d.csv", ZScore(), ddof=1)),
        (UsageError, lambda: fit("d.csv")),
        (UsageError, lambda: fit([], "zscore")),
        (UsageError, lambda: fit(["d.csv", "d.csv"], "zscore")),
        (UsageError, lambda: fit("d.csv", "zscore", max_bad_rows=1)),
        (UsageError, lambda: fit("d.csv", "unit", by="site")),
        (UsageError, lambda: fit("d.csv", "zscore", format_options={"nosuch": 1})),
        (NoInputError, lambda: fit("d.csv", "zscore", update=True, params="none.json")),
        (NoInputError, lambda: fit("none.csv", "zscore")),
        (BadDataError, lambda: fit("d.csv", "zscore", columns="site")),
        (BadDataError, lambda: fit("d.csv", "zscore", min_rows=100)),
        (UsageError, lambda: apply("p.json", "d.csv", "d.csv")),
        (UsageError, lambda: apply("p.json", "d.csv", "p.json")),
        (UsageError, lambda: apply("p.json", "d.csv", "o.csv", resume="stat")),
        (UsageError, lambda: apply("p.json", ["d.csv", "in/0.csv"], "d.csv")),
        (UsageError, lambda: apply("p.json", "in", "in/z/")),
        (UsageError, lambda: apply("p.json", "p.json", "o.csv")),
        (UsageError, lambda: apply("p.json", "d.csv", "o.xlsx")),
        (BadDataError, lambda: normcli.merge(["p.json", "p.json"])),
        (BadParametersError, lambda: normcli.load("d.csv")),
    ):
        with pytest.raises(error) as caught:
            refused()
        assert isinstance(caught.value, NormcliError)
        assert {path: path.read_bytes() for path in before} == before
    assert not [p for p in os.listdir() if p.startswith(("o", ".normcli"))]


def test_a_file_that_is_locked_is_not_replaced() -> None:
    with Transaction() as other:
        other.lock("p.json")
        with pytest.raises(LockedError):
            normcli.fit("d.csv", "zscore", params="p.json")


def test_text_replaces_itself_where_that_is_wanted() -> None:
    plan = normcli.fit("d.csv", "zscore")
    normcli.apply(plan, "d.csv", "d.csv", in_place=True)
    normcli.apply(plan, "d.csv", "d.csv", in_place=True, inverse=True)
    assert Path("d.csv").read_text() == DATA


def test_doubts_are_warnings_or_events() -> None:
    Path("half.csv").write_text("a,b\n1,2\n2,3\nx,4\n")
    gc.collect()  # of calls before that were refused: their inputs are closed then, with a warning here
    with pytest.warns(NormcliWarning, match="'x' in it is not a number") as warned:
        normcli.fit("half.csv", "zscore")
    assert warned[0].filename == __file__

    class Lines(normcli.Events):
        def __init__(self) -> None:
            self.texts = list[str]()

        def warning(self, text: str) -> None:
            self.texts.append(text)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        events = Lines()
        normcli.fit("half.csv", "zscore", events=events)
    assert len(events.texts) == 1


# -- what ends it ------------------------------------------------------------------------------------------------
class Interrupting(normcli.Events):
    """Raises an error in one of the callbacks."""

    def __init__(self, callback: str, error: BaseException) -> None:
        self.called = 0

        def interrupt(*arguments: object) -> None:
            self.called += 1
            raise error

        setattr(self, callback, interrupt)


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()], ids=["exception", "interrupt"])
@pytest.mark.parametrize("callback", ["begin", "warning", "start", "advance", "rejected", "stop", "detail"])
def test_what_a_callback_raises_leaves_every_file_as_it_was(callback: str, error: BaseException) -> None:
    plan = normcli.fit("d.csv", "zscore", params="p.json")
    Path("bad.csv").write_text("site,a,b,half\n1,2,3,4\n1,2,3,4,5\n1,3,4,x\n")
    Path("o.csv").write_text("old")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    skip: dict[str, Any] = {"on_bad_row": "skip", "rejects": "rejects"}
    quiet = callback == "warning"
    for job in (
        lambda events: normcli.fit("bad.csv", "zscore", params="p.json", output="o.csv", events=events, **skip),
        lambda events: normcli.fit("bad.csv", "zscore", params="p.json", output="o/", events=events, **skip),
        *([] if quiet else [lambda events: normcli.apply(plan, "bad.csv", "o.csv", events=events, **skip)]),
        *([] if quiet else [lambda events: normcli.check(plan, "bad.csv", min_rows=0, events=events, **skip)]),
    ):
        events = Interrupting(callback, error)
        with pytest.raises(type(error)):
            job(events)
        assert events.called == 1
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_warning_that_is_an_error_leaves_every_file_as_it_was() -> None:
    Path("half.csv").write_text("a,b\n1,2\n2,3\nx,4\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NormcliWarning):
            normcli.fit("half.csv", "zscore", params="p.json", output="o.csv")
    assert sorted(os.listdir()) == ["d.csv", "half.csv", "in"]


def test_threads_of_one_process_do_not_see_each_other() -> None:
    def run(i: int) -> str:
        return normcli.fit("d.csv", "zscore", params=f"{i}.json", output=f"{i}.csv").digest

    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(run, range(12)))
    assert digests == {normcli.fit("d.csv", "zscore").digest}
    assert len({Path(f"{i}.{suffix}").read_bytes() for i in range(12) for suffix in ("json", "csv")}) == 2
    assert outputs.rollbacks == []
    assert not [name for name in os.listdir() if name.startswith(".normcli")]


def test_undoing_is_of_each_transaction_though_they_end_in_another_order() -> None:
    first, second = _undo_on_signal([]), _undo_on_signal([])
    first.__enter__()
    mine = list(outputs.rollbacks)
    second.__enter__()
    first.__exit__(None, None, None)
    assert len(outputs.rollbacks) == 1
    assert outputs.rollbacks != mine
    second.__exit__(None, None, None)
    assert outputs.rollbacks == []


def test_arguments_that_make_no_sense_are_refused_before_anything_is_read() -> None:
    anything: Any = normcli
    for refused in (
        lambda: anything.fit("none.csv", 3),
        lambda: anything.fit("none.csv", []),
        lambda: anything.fit("none.csv", [PlanStep(ZScore())], plan="p.toml"),
        lambda: anything.fit("none.csv", "zscore", threads=-1),
        lambda: anything.apply("none.json", "none.csv", "o.csv", dtype="int"),
        lambda: anything.check("none.json", "none.csv", max_outside=2),
        lambda: anything.merge([]),
    ):
        with pytest.raises(UsageError):
            refused()
    with pytest.raises(UsageError, match=r"^`output` needs `params`: what was learned"):
        normcli.fit("d.csv", "zscore", output="o.csv")


VALUES: dict[str, Any] = {"None": None, "3": 3, "object": object(), "[3]": [3], "word": "nosuch", "{3: 3}": {3: 3}}
CALLS: dict[str, dict[str, Any]] = {
    "fit": {"input": "d.csv", "method": "zscore"},
    "relearn": {"params": "p.json", "method": "minmax"},
    "apply": {"params": "p.json", "input": "d.csv", "output": "o.csv"},
    "check": {"params": "p.json", "input": "d.csv"},
    "describe": {"input": "d.csv"},
    "merge": {"params": "p.json"},
    "load": {"path": "p.json"},
    "save": {"params": "p.json", "path": "o.json"},
    "read": {"text": b"{}"},
    "write": {"parameters": "p.json"},
    "fit_blocks": {"method": "zscore", "blocks": [[[1.0], [2.0]]], "names": ["x"]},
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("function", CALLS)
@pytest.mark.filterwarnings("ignore::normcli.NormcliWarning")
def test_an_argument_of_any_kind_is_taken_or_refused_by_an_error_of_normcli(function: str, value: str) -> None:
    normcli.fit("d.csv", "zscore", params="p.json")
    call = getattr(normcli, function)
    for name, parameter in inspect.signature(call).parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD:
            try:
                with suppress(NormcliError):
                    call(**CALLS[function] | {name: VALUES[value]})
            except Exception as error:
                pytest.fail(f"{function}({name}={value}): {error!r}")


def test_what_is_of_another_kind_is_named() -> None:
    anything: Any = normcli
    for words, refused in (
        ("input: 3 is", lambda: anything.fit(3, "zscore")),
        ("input: None is", lambda: anything.fit(None, "zscore")),
        ("columns: 3 is", lambda: anything.fit("d.csv", "zscore", columns=3)),
        ("format_options: 3 is", lambda: anything.fit("d.csv", "zscore", format_options=3)),
        ("takes the bytes", lambda: anything.read("{}")),
        ("'p.json' is no Parameters", lambda: anything.save("p.json", "x.json")),
        ("'p.json' is no Parameters", lambda: anything.write("p.json")),
        ("nosuch: no such method", lambda: anything.fit_blocks("nosuch", [], ["x"])),
    ):
        with pytest.raises(UsageError, match=words):
            refused()


def test_no_columns_are_none_of_them_named() -> None:
    wanted = normcli.fit("d.csv", "zscore").digest
    assert normcli.fit("d.csv", "zscore", columns=None, exclude=None, by=None).digest == wanted


def test_relearn_takes_parameters_or_a_file_of_them() -> None:
    fitted = normcli.fit("d.csv", "zscore", params="p.json")
    assert normcli.relearn(fitted, "minmax").digest == normcli.relearn("p.json", "minmax").digest


def test_true_is_a_flag_without_a_value() -> None:
    fitted = normcli.fit("in", "zscore")
    normcli.apply(fitted, "in", "o/")
    before = {path: path.stat().st_ino for path in Path("o").glob("*.csv")}
    normcli.apply(fitted, "in", "o/", resume=True)
    assert {path: path.stat().st_ino for path in Path("o").glob("*.csv")} == before
    Path("far.csv").write_text("site,a,b\n" + "s1,1000,1\n" * 60)
    with pytest.raises(DriftError):
        normcli.apply(fitted, "far.csv", "far-z.csv", check=True)
    normcli.apply(fitted, "far.csv", "far-z.csv", check=False, resume=False)


def test_blocks_are_fitted_by_a_method_named_in_any_way() -> None:
    one, two, three = (normcli.fit_blocks(m, [[[1.0], [2.0]]], "x") for m in ("zscore", ZScore, ZScore()))
    assert one == two == three


# -- its shape ---------------------------------------------------------------------------------------------------
def test_the_package_lists_what_it_has_and_loads_it_when_it_is_used() -> None:
    assert set(normcli.__all__) <= set(dir(normcli))
    assert all(callable(getattr(normcli, name)) for name in normcli.__all__)
    with pytest.raises(AttributeError):
        normcli.nosuch  # noqa: B018
    code = (
        "import sys, normcli; dir(normcli); print(sorted({'numpy', 'polars', 'pyarrow', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


def test_what_functions_take_and_return_is_exported() -> None:
    functions = (getattr(normcli, name) for name in CALLS)
    kinds = {kind for each in functions for kind in get_type_hints(each).values()}
    kinds |= {part for kind in kinds for part in get_args(kind)}
    own = {kind.__name__ for kind in kinds if getattr(kind, "__module__", "").startswith("normcli.")}
    assert {"Parameters", "ApplyResult", "Comparison", "DataProfile", "Step", "Method", "Events"} <= own
    assert own - {"Cluster"} <= set(normcli.__all__)  # a cluster is a protocol, of which Dask is one


def test_the_results_of_all_jobs_are_exported() -> None:
    kinds = {name for name, kind in vars(results).items() if isinstance(kind, type) and name.endswith("Result")}
    assert kinds - {"Result"} <= set(normcli.__all__)


def test_a_result_shows_what_was_done_and_not_how() -> None:
    shown = repr(normcli.apply(normcli.fit("d.csv", "zscore"), "d.csv", "o.csv", check="warn"))
    assert "rows_out=60" in shown
    assert " object at 0x" not in shown
    assert len(shown) < 500


@pytest.mark.parametrize(
    "name", ["fit", "relearn", "apply", "check", "describe", "export", "merge", "load", "fit_blocks"]
)
def test_a_docstring_describes_every_argument(name: str) -> None:
    function = getattr(normcli, name)
    text, names = inspect.getdoc(function) or "", inspect.signature(function).parameters
    assert [each for each in names if f"`{each}`" not in text] == []
    assert max(map(len, text.splitlines())) <= 120


def test_an_option_of_formats_is_answered_by_what_takes_it() -> None:
    with pytest.raises(UsageError, match="delimiter: an option of formats, not of methods") as caught:
        normcli.fit("d.csv", "zscore", delimiter=";")
    assert caught.value.hint == "format_options={'delimiter': ';'} takes it"


@pytest.mark.soak
def test_calls_that_make_no_sense_fail_under_strict_mypy(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import normcli\nreveal_type(normcli.fit('a.csv', 'zscore'))\nnormcli.fit(1, 2, 3)\n"
        "normcli.check('p', 'd').drift\nnormcli.load('p').save('q')\nnormcli.load('p').save(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, str(script)],
        capture_output=True, text=True, cwd=Path(normcli.__file__).parent.parent,
    )  # fmt: skip
    assert "script.py:3: error" in done.stdout
    assert "Parameters" in done.stdout
    assert "script.py:4" not in done.stdout
    assert "script.py:5" not in done.stdout
    assert "script.py:6: error" in done.stdout


@pytest.mark.parametrize("method", ["power", "zscore", "robust", "asinh"])
@pytest.mark.parametrize("values", [(1.0, 2.0, 3.0, 1e20), (-1e20, -1.0, 5e-324, 1e20), (1.0, 1e8, 1e20)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_extreme_values_bring_no_warnings_of_numpys(method: str, values: tuple[float, ...]) -> None:
    Path("h.csv").write_text("x\n" + "".join(f"{x!r}\n" for x in values))
    normcli.apply(normcli.fit("h.csv", method), "h.csv", "out.csv")
