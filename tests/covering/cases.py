"""Cases: methods × formats × contents × numbers of inputs × options, as the words of a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from normcli import registry
from tests.cli.conftest import needed
from tests.covering.arrays import PlanStep
from tests.covering.contents import BINARY, CONTENTS, FORMATS, OF_LISTS, OF_TEXT, OF_TYPES
from tests.methods.test_method_contract import made

VARIANTS = {
    "minmax": ("--range -3 7", "--clip"),
    "zscore": ("--ddof 1", "--no-center --target-std 2.5", "--no-scale"),
    "robust": ("--quantiles 0.1 0.9 --unit-variance", "--exact"),
    "quantile": ("--distribution normal --resolution 5", "--exact"),
    "power": ("--lambda 0.5",),
    "unit": ("--norm l1", "--norm max", "--norm 3.5"),
    "weight": ("--norm l1 --gain -2", "--axis row"),
    "decorrelate": ("--components 2", "--prefix c --ddof 1"),
    "whiten": (
        "--kind pca --rank auto", "--kind zca-cor --rank auto", "--kind pca-cor --components 2",
        "--kind cholesky --shrinkage oas", "--eps 0.5",
    ),
    "layer": ("--gamma 2 --beta 1",),
    "group": ("--groups 2",),
    "instance": ("--channels 2",),
    "batch": ("--batch-size 4", "--batch-size 5 --channels 2", "--momentum none --norm l1", "--mean-only"),
    "batch-renorm": ("--batch-size 4 --rmax 2",),
    "batch-instance": ("--channels 2 --batch-size 4",),
    "switchable": ("--channels 2 --batch-size 4",),
}  # fmt: skip
METHODS = tuple(
    " ".join((name, *needed(name, *more.split()), *more.split()))
    for name in registry.names("methods")
    for more in ("", *VARIANTS.get(name, ()))
)
PLANS: Mapping[str, str] = {
    "log1p then zscore": 'method = "log1p"\n[[steps]]\nmethod = "zscore"',
    "whiten then unit": 'method = "whiten"\noptions = {kind = "pca", components = 2}\n[[steps]]\nmethod = "unit"',
}
LEARN_NOTHING = frozenset(m for m in METHODS if not made(m.split()[0]).statistics or m.endswith("--axis row"))
BATCHES = frozenset(m for m in METHODS if any(s.multiple > 1 for s in made(m.split()[0]).statistics))

# The first value of a factor is that of an ordinary run, and goes with all others.
FACTORS: Mapping[str, tuple[str, ...]] = {
    "method": ("zscore", *(m for m in METHODS if m != "zscore"), *PLANS),
    "content": tuple(CONTENTS),
    "format": FORMATS,
    "to": ("", *FORMATS),
    "inputs": ("1", "2", "3 in a directory", "2 into a directory", "3 of a mixture"),
    "selection": ("names", "all but"),
    "by": ("", "k", "k,k2"),
    "weights": ("", "w"),
    "suffix": ("", "_z"),
    "only": ("", "--only"),
    "dtype": ("", "float32", "float64"),
    "infinite": ("", "missing"),
    "skip": ("", "skip"),
    "threads": ("1", "3"),
    "compression": ("", "zstd"),
    "keys": ("", "--unseen global", "--unseen missing", "--min-count 10"),
    "training": ("", "--training"),
    "check": ("", "refuse", "warn"),
    "extra": ("", "--no-extra"),
    "warnings": ("", "--werror"),
    "least": ("", "--min-rows 1"),
    "note": ("", "words"),
}

NO_MIXTURE = OF_TEXT | OF_TYPES | OF_LISTS
JSON_OR_BINARY = (*BINARY, "ndjson", "ndjson.zst")
RULES: tuple[tuple[tuple[str, ...], Callable[..., bool]], ...] = (
    (("content", "format"), lambda content, format: content in OF_TEXT and format in BINARY),
    (("content", "format"), lambda content, format: content in OF_TYPES and format not in BINARY),
    (("content", "format"), lambda content, format: content in OF_LISTS and format not in JSON_OR_BINARY),
    (("content", "method"), lambda content, method: content in OF_TEXT and method in LEARN_NOTHING),
    (("content", "inputs"), lambda content, inputs: content in NO_MIXTURE and "mixture" in inputs),
    (("check", "inputs"), lambda check, inputs: check == "refuse" and "into" in inputs),
    (("skip", "inputs"), lambda skip, inputs: skip != "" and "mixture" in inputs),
    (("content", "selection"), lambda content, selection: content in OF_LISTS and selection != "names"),
    (("content", "to"), lambda content, to: content in OF_LISTS and to not in ("", *JSON_OR_BINARY)),
    (("skip", "content"), lambda skip, content: skip != "" and content in OF_TYPES),
    (("skip", "format"), lambda skip, format: skip != "" and format in BINARY),
    (("keys", "by"), lambda keys, by: keys != "" and by == ""),
    (("training", "method"), lambda training, method: training != "" and method not in BATCHES),
    (("keys", "method"), lambda keys, method: keys != "" and not _groups(method)),
    *(((f, "training"), lambda other, training: other != "" and training != "") for f in ("by", "weights", "keys")),
    (("by", "method"), lambda by, method: by != "" and not _groups(method)),
    (("weights", "method"), lambda weights, method: weights != "" and not _groups(method)),
    (
        ("compression", "to", "format"),
        lambda compression, to, format: compression != "" and (to or format) not in BINARY,
    ),
    (("compression", "to"), lambda compression, to: compression != "" and to not in ("", *BINARY)),
    (("infinite", "method"), lambda infinite, method: infinite != "" and method in LEARN_NOTHING),
    (("skip", "method"), lambda skip, method: skip != "" and method in LEARN_NOTHING),
    (("least", "method"), lambda least, method: least != "" and method in LEARN_NOTHING),
)


def excluded(choice: PlanStep) -> bool:
    """Whether values do not go together: one has no use with the other, or there is no such input."""
    return any(rule(*map(choice.get, names)) for names, rule in RULES if choice.keys() >= {*names})


def _groups(method: str) -> bool:
    """Whether a method may learn by key and by weight."""
    return method not in BATCHES and method not in LEARN_NOTHING and "--exact" not in method


@dataclass(frozen=True)
class Case:
    """The words of one choice."""

    choice: PlanStep

    def __getattr__(self, factor: str) -> str:
        return self.choice[factor]

    @property
    def learning(self) -> tuple[str, ...]:
        """What fit alone has."""
        words = ["--plan", "plan.toml"] if self.method in PLANS else ["-m", *self.method.split()]
        words += ["--by", self.by] if self.by else []
        words += ["--weights", self.weights] if self.weights else []
        words += ["--note", self.note] if self.note else []
        return tuple(words)

    @property
    def reading(self) -> tuple[str, ...]:
        """What fit, apply and check have."""
        words = ["--threads", self.threads]
        words += ["--inf", self.infinite] if self.infinite else []
        words += ["--on-bad-row", self.skip] if self.skip else []
        words += [self.warnings] if self.warnings else []
        words += self.least.split()
        return tuple(words)

    @property
    def writing(self) -> tuple[str, ...]:
        """What fit -o and apply have."""
        words = [self.only] if self.only else []
        words += ["--column-suffix", self.suffix] if self.suffix else []
        words += ["--dtype", self.dtype] if self.dtype else []
        words += ["--compression", self.compression] if self.compression else []
        words += ["--to", self.to] if self.to else []
        return tuple(words)

    @property
    def applying(self) -> tuple[str, ...]:
        """What apply alone has, and what comes out depends on."""
        return tuple(word for f in ("keys", "training", "extra") for word in self.choice[f].split())

    @property
    def written(self) -> str:
        """The format of what is written."""
        return self.to or self.format

    def format_of(self, i: int) -> str:
        """Of the input number i."""
        return (self.format, "ndjson", "parquet", "csv")[i] if "mixture" in self.inputs else self.format

    @property
    def into_directory(self) -> bool:
        return "into" in self.inputs

    @property
    def keeps_columns(self) -> bool:
        """Whether what comes out of fit -o and of apply may differ only in what --unseen and the like say."""
        return not (self.keys or self.training or self.extra)
