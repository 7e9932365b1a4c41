"""What options need to have an effect, as facts that a run may lack."""

from __future__ import annotations

from collections.abc import Mapping

from normcli.needs import Need

SOME_REJECTS = 100  # rows, unless another number is given
FORMAT_OPTION = "format_option_"  # before the name of a format's option, where it is a fact


def need(fact: str, what: str, hint: str = "") -> Need:
    """One that is met unless a run lacks this fact; another option that it goes with is a fact, by its name, and so is
    that one is not there: "no inverse"."""

    def instead(lacking: Mapping[str, str | None]) -> str | None:
        return lacking.get(fact)

    return Need(what, instead, hint)


UPDATE = need("update", "for --update")
OUTPUT = need("data written", "for -o OUTPUT")
SKIP = need("skip", "for --on-bad-row skip")
CHECK = need("check", "for --check")
INVERSE = need("inverse", "for --inverse")
LEARNS = need("learns", "for methods that learn from data")
ROWS = need("rows", "for runs that read rows")
TEXT = need("text", "for text")
KEYS = need("keys", "for parameters by key")
SPOOL = need("spool", "for data that are spooled (fit -o of a method that learns, object stores)")
BINARY = need("binary output", "for Parquet or Arrow output")
LOCK = need("lock", "for PARAMS that are a file of this machine")
SAVED = need("save", "for --save PARAMS")
PARAMS_WRITTEN = need("params written", "for PARAMS")
DIRECTORY = need("directory", "for an OUTPUT that is a directory", "a slash at its end makes one: -o out/")
CLUSTER = need("cluster", "for --engine dask")
NO_TRAINING = "not for --inverse: what each batch was normalized by is gone"
NO_CHECK = "not for --inverse: it is about data that are not normalized yet"
