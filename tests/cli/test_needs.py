"""An option that has no effect in a run is exit 2. Which need what is read off the commands: a new option, and a new
need, is held to it before anyone edits a test."""

from collections.abc import Iterator
from typing import Any

import click
import polars as pl
import pytest

from normcli import registry
from normcli.cli import main
from normcli.cli._command import FORMAT, METHOD
from normcli.errors import UsageError
from normcli.jobs.facts import KEYS, need
from normcli.jobs.format_options import needs_of
from normcli.jobs.requests import Request
from normcli.jobs.requests.apply import ApplyRequest
from normcli.jobs.requests.check import CheckRequest
from normcli.jobs.requests.describe import DescribeRequest
from normcli.jobs.requests.export import ExportRequest
from normcli.jobs.requests.fit import FitRequest
from normcli.jobs.requests.import_ import ImportRequest
from normcli.jobs.requests.merge import MergeRequest
from normcli.jobs.requests.relearn import RelearnRequest
from normcli.jobs.requests.report import ReportRequest
from normcli.needs import Need
from tests.cli.conftest import Workspace

# Options that have an effect in every run, or on what a run takes and says; and those that only allow more.
OF_ANY_RUN = {
    "apply": {
        *("params", "inverse", "no_extra", "to", "dtype", "only", "column_suffix", "output", "engine"),
        *("columns", "exclude", "limit", "fill", "precision"),
    },
    "check": {"params", "as_json", "no_extra", "engine"},
    "describe": {"columns", "exclude", "save"},
    "import": {
        "source",
        "from_",
        "output",
        "columns",
        "note",
        *(f"origin_option_{n}" for n in ("eps", "momentum", "layer")),
    },
    "export": {
        "params",
        "to",
        "output",
        "inverse",
        "target_option_dialect",
        "target_option_dtype",
        "target_option_table",
    },
    "fit": {"method", "params", "relearn", "engine"},
    "completion": {"shell"},
    "help": {"topic"},
    "inspect": {"json_schema", "verbose"},
    "merge": {"inputs", "output", "note"},
    "methods": {"method"},
    "report": {"params", "no_extra", "engine", "output"},
}
OF_ANY_COMMAND = {"_click_default_help", "run_report", "werror", "quiet", "allow_edited", "color"}
OF_DATA = {"input", "files_from", "from_", "threads", "max_memory", "dry_run"}
ALLOWING = {
    "apply": {"in_place", "allow_normalized"},
    "check": {"min_rows"},
    "report": {"min_rows"},
    "merge": {"allow_duplicates"},
}

VALUES: dict[str, str] = {  # of options that take one
    "by": "site", "check": "", "column_suffix": "_z", "columns": "a", "dtype": "float64", "exclude": "a",
    "files_from": "list", "from_": "csv", "infinite": "error", "input": "table.csv", "key": "north", "like": "spark",
    "max_bad_rows": "0",
    "engine": "threads", "scheduler": "tcp://127.0.0.1:9",
    "max_memory": "1G", "min_count": "0", "min_rows": "0", "note": "", "on_bad_row": "error", "output": "o.csv",
    "params": "p.json", "plan": "plan.toml", "rejects": "r.ndjson", "resume": "", "spool_dir": ".", "threads": "1",
    "to": "csv", "unseen": "error", "wait": "0", "weights": "c", "max_shift": "1", "max_scale_ratio": "2",
    "max_outside": "0.5", "max_missing": "0.5", "max_ks": "0.5", "max_wasserstein": "1", "max_psi": "1",
    "max_category": "1", "categories": "site",
    "limits": "limits.toml", "format_option_na_values": "x", "format_option_delimiter": ",",
    "format_option_compression": "none", "format_option_decimal": ",", "format_option_thousands": "_",
    "format_option_tensors": "x", "limit": "-2 2", "fill": "0", "precision": "6",
    "color": "never", "format_option_quote": '"', "format_option_escape": "none",
    "format_option_comment": "none", "format_option_skip_lines": "0", "format_option_duplicate_names": "refuse",
}  # fmt: skip
FIT, APPLY, CHECK = ("fit", "table.csv", "-m"), ("apply", "-p"), ("check", "table.csv", "-p")

# A run that is good but for what an option may need of it, by the command and the fact that it lacks
LACKING: dict[tuple[str, str], tuple[str, ...]] = {
    ("fit", "no relearn"): ("fit", "--relearn", "p.json", "-m", "zscore", "-p", "q.json", "--on-bad-row", "skip"),
    ("fit", "update"): (*FIT, "zscore", "-p", "q.json"),
    ("describe", "save"): ("describe", "table.csv"),
    ("describe", "lock"): ("describe", "table.csv", "--save", "/dev/null"),
    ("fit", "data written"): (*FIT, "zscore", "-p", "q.json"),
    ("fit", "files_from"): (*FIT, "zscore", "-p", "q.json"),
    ("fit", "skip"): (*FIT, "zscore", "-p", "q.json"),
    ("fit", "learns"): (*FIT, "unit", "-p", "q.json", "-o", "o.csv"),
    ("fit", "keys"): (*FIT, "zscore", "-p", "q.json"),
    ("fit", "rows"): (*FIT, "unit", "-p", "q.json", "--on-bad-row", "skip"),
    ("fit", "text"): ("fit", "t.parquet", "-m", "zscore", "-p", "q.json"),
    ("fit", "spool"): (*FIT, "zscore", "-p", "q.json"),
    ("fit", "params written"): (*FIT, "unit", "-o", "o.csv"),
    ("fit", "binary output"): (*FIT, "zscore", "-p", "q.json", "-o", "o.csv"),
    ("fit", "cluster"): (*FIT, "zscore", "-p", "q.json"),
    ("apply", "cluster"): (*APPLY, "p.json", "table.csv"),
    ("check", "cluster"): (*CHECK, "p.json"),
    ("fit", "lock"): (*FIT, "zscore"),
    ("merge", "lock"): ("merge", "p.json"),
    ("fit", "no quiet"): (*FIT, "zscore", "-p", "q.json", "-q"),
    ("apply", "no quiet"): (*APPLY, "p.json", "table.csv", "-qq"),
    ("export", "no quiet"): ("export", "p.json", "--to", "json", "-o", "q.json", "-q"),
    ("import", "no quiet"): ("import", "bn.safetensors", "--from", "torch", "--eps", "1e-5", "--momentum", "0.1", "-q"),
    ("export", "inverse"): ("export", "p.json", "--to", "json"),
    ("export", "keys"): ("export", "p.json", "--to", "json"),
    ("merge", "no quiet"): ("merge", "p.json", "-o", "q.json", "-q"),
    ("check", "no quiet"): (*CHECK, "p.json", "-q"),
    ("apply", "check"): (*APPLY, "p.json", "table.csv"),
    ("apply", "inverse"): (*APPLY, "p.json", "table.csv"),
    ("apply", "no inverse"): (*APPLY, "p.json", "--inverse", "table.csv"),
    ("apply", "directory"): (*APPLY, "p.json", "table.csv", "-o", "o.csv"),
    ("apply", "files_from"): (*APPLY, "p.json", "table.csv"),
    ("apply", "keys"): (*APPLY, "p.json", "table.csv"),
    ("apply", "learns"): (*APPLY, "unit.json", "--check=warn", "table.csv"),
    ("apply", "skip"): (*APPLY, "p.json", "table.csv"),
    ("apply", "spool"): (*APPLY, "p.json", "table.csv", "-o", "o.csv"),
    ("apply", "text"): (*APPLY, "p.json", "t.parquet", "-o", "o.csv"),
    ("apply", "binary output"): (*APPLY, "p.json", "table.csv", "-o", "o.csv"),
    ("check", "learns"): (*CHECK, "unit.json"),
    ("check", "keys"): (*CHECK, "p.json"),
    ("check", "no dry_run"): (*CHECK, "p.json", "--dry-run"),
    ("check", "rows"): (*CHECK, "unit.json", "--on-bad-row", "skip"),
    ("check", "files_from"): (*CHECK, "p.json"),
    ("check", "skip"): (*CHECK, "p.json"),
    ("check", "text"): ("check", "-p", "p.json", "t.parquet"),
    ("report", "keys"): ("report", "p.json", "table.csv"),
    ("report", "check"): ("report", "p.json"),
    ("report", "learns"): ("report", "unit.json", "table.csv"),
    ("report", "rows"): ("report", "unit.json", "table.csv", "--on-bad-row", "skip"),
    ("report", "files_from"): ("report", "p.json", "table.csv"),
    ("report", "skip"): ("report", "p.json", "table.csv"),
    ("report", "text"): ("report", "p.json", "t.parquet"),
    ("report", "cluster"): ("report", "p.json", "table.csv"),
    ("report", "no quiet"): ("report", "p.json", "-q"),
    ("describe", "no quiet"): ("describe", "table.csv", "-q"),
    ("describe", "no dry_run"): ("describe", "table.csv", "--dry-run"),
    ("describe", "files_from"): ("describe", "table.csv"),
    ("describe", "skip"): ("describe", "table.csv"),
    ("describe", "text"): ("describe", "t.parquet"),
    ("inspect", "no json_schema"): ("inspect", "--json-schema"),
    ("inspect", "keys"): ("inspect", "p.json"),
}
OTHERS = {  # runs that read and write no format that has the option
    "fit": ("fit", "t.parquet", "-m", "zscore", "-p", "q.json", "-o", "o.parquet"),
    "apply": ("apply", "-p", "p.json", "t.parquet", "-o", "o.parquet"),
    "check": ("check", "-p", "p.json", "t.parquet"),
    "describe": ("describe", "t.parquet"),
    "report": ("report", "p.json", "t.parquet"),
}
TEXT = {
    "fit": (*FIT, "zscore", "-p", "q.json", "-o", "o.csv"),
    "apply": (*APPLY, "p.json", "table.csv", "-o", "o.csv"),
}
ALWAYS = {  # facts of every run of a command
    "apply": {"no relearn", "data written", "rows"},
    "check": {"no relearn", "check"},
    "describe": {"rows"},
    "report": {"no relearn"},
}


def options_of(name: str) -> Iterator[click.Parameter]:
    command: Any = main.get_command(click.Context(main), name)
    yield from command.get_params(click.Context(command, **command.context_settings))


def fact_of(need: Need) -> str:
    """Which one a need asks for."""

    class Facts(dict[str, str]):
        def get(self, fact: str, default: Any = None) -> Any:  # type: ignore[override]
            names.append(fact)

    names: list[str] = []
    need.instead(Facts())
    return names[0]


REQUESTS: dict[str, type[Request]] = {
    "apply": ApplyRequest, "check": CheckRequest, "describe": DescribeRequest, "export": ExportRequest,
    "import": ImportRequest,
    "fit": FitRequest, "merge": MergeRequest, "report": ReportRequest,
}  # fmt: skip
NO_SCHEMA = need("no json_schema", "not for --json-schema, which is of all parameter files")
OF_COMMANDS: dict[tuple[str, str], tuple[Need, ...]] = {  # of what is no field of a request
    **{
        (name, "verbose"): (need("no quiet", "not for -q"),)
        for name in ("apply", "check", "describe", "export", "fit", "import", "merge", "report")
    },
    **{(name, "as_json"): (need("no dry_run", "not for --dry-run"),) for name in ("check", "describe")},
    ("inspect", "params"): (NO_SCHEMA,),
    ("inspect", "key"): (NO_SCHEMA, KEYS),
    ("inspect", "keys"): (NO_SCHEMA, KEYS),
    ("inspect", "as_json"): (NO_SCHEMA,),
}


def needs(command: str, name: str) -> tuple[Need, ...]:
    """What an option of a command needs."""
    request = REQUESTS.get(command)
    if name.startswith(FORMAT):
        own = needs_of(name.removeprefix(FORMAT))
    elif request and name in request.options():
        own = request.options()[name]["needs"]
    else:
        return OF_COMMANDS.get((command, name), ())
    if command == "fit" and name not in RelearnRequest.options():
        why = "learns one method again" if name == "plan" else "reads no data"
        return (need("no relearn", f"not for --relearn, which {why}"), *own)
    return own


EVERY = [(name, option) for name in registry.names("cli") for option in options_of(name)]
NEEDING = [
    (name, option, each) for name, option in EVERY for each in needs(name, str(option.name))
    if fact_of(each) not in ALWAYS.get(name, set())
]  # fmt: skip


def words(option: click.Parameter) -> list[str]:
    """The option on a command line, with a value where it takes one, the default where there is one."""
    value = VALUES.get(str(option.name))
    if isinstance(option, click.Argument):
        return [str(value)]
    flag = (option.secondary_opts or option.opts)[0]
    if getattr(option, "is_flag", False) or value is None or (value == "" and option.name != "note"):
        return [flag]
    return [flag, *(value.split() if option.nargs == 2 else [value])]


def without(name: str, option: click.Parameter, fact: str) -> tuple[str, ...]:
    if not fact.startswith("format_option_"):
        return LACKING[name, fact]
    return (TEXT if option.name == "format_option_compression" else OTHERS)[name]


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.params()
    workspace.params("unit", name="unit.json")
    (workspace / "list").write_text("table.csv\n")
    pl.read_csv(workspace / "table.csv").write_parquet(workspace / "t.parquet")
    return workspace


@pytest.mark.parametrize(
    ("name", "option", "need"),
    [pytest.param(*case, id=f"{case[0]} {case[1].name}: {fact_of(case[2])}") for case in NEEDING],
)
def test_an_option_without_what_it_needs_is_refused(
    place: Workspace, name: str, option: click.Parameter, need: Need
) -> None:
    run, flags = without(name, option, fact_of(need)), words(option)
    again = flags if flags[0] not in run else ()  # it is there already
    message = place.fails(2, *run, *again)
    assert f" is {need.what}" in message


@pytest.mark.parametrize(
    "case",
    sorted(
        {" ".join(LACKING[k]) for k in LACKING} - {"inspect --json-schema", " ".join(LACKING["import", "no quiet"])}
    ),
)
def test_without_the_option_these_runs_are_good(place: Workspace, case: str) -> None:
    """But for what is refused for another reason: apply --check of a table that drifted, rows in binary input."""
    if "--relearn" in case or ("unit" in case and "--on-bad-row" in case) or "--inverse" in case:
        case = case.replace(" --on-bad-row skip", "")
    place.succeeds(*case.split())


@pytest.mark.parametrize("name", registry.names("cli"))
def test_an_option_says_what_it_needs_or_has_an_effect_in_any_run(name: str) -> None:
    silent = {str(o.name) for n, o in EVERY if n == name and not needs(n, str(o.name))}
    assert silent <= OF_ANY_COMMAND | OF_DATA | OF_ANY_RUN.get(name, set()) | ALLOWING.get(name, set())


def test_every_need_is_one_that_a_run_can_lack() -> None:
    facts = {(name, fact_of(need)) for name, _, need in NEEDING}
    assert {(n, f) for n, f in facts if not f.startswith("format_option_")} == set(LACKING)


# -- what is no vain option --------------------------------------------------------------------------------------
def test_what_the_environment_says_for_all_runs_may_be_of_no_use_to_one(place: Workspace) -> None:
    env = {"NORMCLI_SPOOL_DIR": ".", "NORMCLI_THREADS": "2", "NORMCLI_MAX_MEMORY": "1G", "NORMCLI_QUIET": "1"}
    place.succeeds(*FIT, "unit", "-p", "q.json", env=env)
    place.succeeds("fit", "--relearn", "p.json", "-m", "zscore", "-p", "q.json", env=env)
    place.succeeds(*APPLY, "p.json", "table.csv", "-o", "o.csv", env=env)


@pytest.mark.parametrize(
    "line",
    [
        "fit table.csv -m unit -o o.csv --min-rows 6 --inf missing",
        "fit table.csv -m unit -o o.csv --on-bad-row skip --max-bad-rows 0 --rejects r.ndjson",
        "fit table.csv -m unit -p q.json --note words",
        "fit table.csv -m zscore -p q.json -o o.csv --spool-dir . --note words",
        "fit table.csv -m zscore -p q.json -o - --spool-dir .",
        "fit table.csv -m zscore -p q.json --allow-edited",
        "fit --relearn p.json -m minmax --range 0 1 -p q.json --note words --allow-edited --werror -v",
        "inspect --json-schema --allow-edited",
        "apply -p p.json table.csv -o o.csv --in-place --allow-normalized --allow-edited",
    ],
)
def test_what_has_an_effect_or_only_allows_more_is_taken(place: Workspace, line: str) -> None:
    place.succeeds(*line.split())


def test_a_method_learned_again_has_options_that_have_an_effect(place: Workspace) -> None:
    line = ("fit", "--relearn", "p.json", "-p", "q.json", "-m", "zscore", "--no-scale")
    assert place.fails(2, *line, "--ddof", "0") == "--ddof is for --scale, and this is without --scale"
    place.succeeds(*line)
    assert METHOD not in place.fails(2, *FIT, "zscore", "--ddof", "0", "--no-scale")


# -- what is said twice ------------------------------------------------------------------------------------------
ONCE = [
    (name, option) for name, option in EVERY
    if isinstance(option, click.Option) and option.name in VALUES and not (option.multiple or option.is_flag)
]  # fmt: skip


def _with_value(option: click.Option, flag: str, value: str) -> list[str]:
    if option.name == "resume":
        return [f"{flag}={value or 'stat'}"]
    return [flag, *(value.split() if option.nargs == 2 else [value])]


@pytest.mark.parametrize(("name", "option"), [pytest.param(*case, id=f"{case[0]} {case[1].name}") for case in ONCE])
def test_an_option_of_one_value_is_given_once(name: str, option: click.Option) -> None:
    command: Any = main.get_command(click.Context(main), name)
    value = VALUES[str(option.name)]
    flag = max(option.opts, key=len)
    needed = [] if option.name == "params" else {"apply": ["-p", "p.json"], "check": ["-p", "p.json"]}.get(name, [])
    words = ["p.json", *needed, *_with_value(option, flag, value)]
    if option.name != "check":
        command.make_context(name, [*words])
        with pytest.raises(UsageError, match="is given more than once"):
            command.make_context(name, [*words, *words[1 + len(needed) :]])


@pytest.mark.parametrize("words", ["-m zscore -m robust", "--header --no-header", "-m zscore --method zscore"])
def test_and_so_are_two_spellings_of_one(place: Workspace, words: str) -> None:
    assert "is given more than once" in place.fails(2, "fit", "table.csv", "-p", "q.json", *words.split())


def test_what_counts_or_lists_may_be_given_again(place: Workspace) -> None:
    place.succeeds(
        "fit", "table.csv", "-m", "zscore", "-c", "a", "-c", "b", "-x", "b", "-x", "c", "-q", "-q", "-p", "q"
    )
