"""Every option has an effect beside the others that are given, or is refused."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import NODEFAULT
from msgspec.structs import asdict, fields, replace

from normcli import needs, registry
from normcli.api import fit_blocks
from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.errors import BadDataError, UsageError
from normcli.methods import Method
from normcli.parameters import Parameters, Step, merged
from normcli.parameters import file as params
from normcli.parameters.plan_file import parsed
from normcli.stats import Statistic
from tests.conftest import examples
from tests.least_options import least

COLUMNS = tuple("abcdef")
RNG = np.random.default_rng(3)
FITTED = np.exp(RNG.normal(size=(600, 6)) @ RNG.normal(size=(6, 6)) / 2) + np.arange(6.0)
NEW = FITTED[::-1] * 3.0 - 4.0  # beyond what was fitted, on either side

VALUES: dict[str, tuple[Any, ...]] = {  # that differ from the default in what they do
    "axis": ("row",),
    "batch_size": (100, 150),
    "beta": (0.5, (1.0, 2.0, 3.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)),
    "center": (False,),
    "channels": (2, 3),
    "clip": (True,),
    "components": (2, 0.5),
    "ddof": (1, 3),
    "distribution": ("normal",),
    "dmax": (0.01, 0.1),
    "eps": (0.5,),
    "exact": (True,),
    "gain": (2.0, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)),
    "gamma": (2.0, (1.0, 2.0, 3.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)),
    "groups": (2, 3),
    "high": (0.5,),
    "kind": ("pca", "zca-cor", "pca-cor", "cholesky"),
    "low": (-0.5,),
    "lambda_": (0.5, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
    "mean_only": (True,),
    "mean_weights": ((1.0, -2.0, 0.5),),
    "momentum": (None, 0.2, 1.0),
    "norm": ("l1", "l2", "max", 3.0),
    "prefix": ("part",),
    "quantiles": ((0.1, 0.8),),
    "range": ((-1.0, 1.0),),
    "rank": (3, "auto"),
    "resolution": (5,),
    "rho": (0.2, (0.1, 0.2, 0.3)),
    "rmax": (1.0, 1.01),
    "scale": (False,),
    "shrinkage": (0.3, "oas"),
    "start": ("torch",),
    "target_mean": (5.0,),
    "target_std": (2.0,),
    "unit_variance": (True,),
    "var_weights": ((0.3, 0.0, -1.0),),
    "with_": ("median", 2.5),
}


def is_free(method: Method, option: str) -> bool:
    """Options that are held to be of use whatever they change: --groups are of channels, which they must divide;
    --rank only allows less than full rank, which the data have, and what it leaves --components may leave out, too;
    --ddof has decorrelate refuse too few rows."""
    name = registry.name_of(method)
    return (name, option) in {("group", "channels"), ("whiten", "rank"), ("decorrelate", "ddof")}


def effects(method: Method) -> tuple[Any, ...]:
    """What comes out of new data, also in training, under which names, after how many passes."""
    step = fit_blocks(method, [FITTED], COLUMNS)
    results = [t(Block.of(NEW)).tobytes() for t in (step.transform, *in_training(step.transform))]
    return results, step.outputs, [s.repeats for s in method.statistics]


def in_training(transform: Any) -> list[Any]:
    try:
        return [transform.training()]
    except UsageError:
        return []


@st.composite
def methods(draw: st.DrawFn) -> Method:
    """Any method, with any options, as far as they go together."""
    kind: Any = registry.only("methods", draw(st.sampled_from([n for n in registry.names("methods") if of(n)])))
    required = [f for f in fields(kind) if f.required]
    chosen = [f for f in fields(kind) if f in required or draw(st.integers(0, 2)) == 0]
    options = {f.name: draw(st.sampled_from([v for v in VALUES[f.name] if v != f.default])) for f in chosen}
    try:
        made: Method = msgspec.convert(options, kind, strict=False)
        made.check()
        made.check_features(len(COLUMNS))
    except (UsageError, msgspec.ValidationError):
        assume(False)
    return made


def of(name: str) -> list[str]:
    return [f.name for f in fields(registry.only("methods", name))]  # type: ignore[arg-type]


@settings(max_examples=examples(1000))
@given(methods())
def test_every_option_that_passes_has_an_effect(method: Method) -> None:
    try:
        got = effects(method)
    except BadDataError:
        assume(False)
    for field in fields(method):
        if field.default in (NODEFAULT, getattr(method, field.name)) or is_free(method, field.name):
            continue
        try:
            without = effects(replace(method, **{field.name: field.default}))
        except (UsageError, BadDataError):
            continue
        assert got != without, f"{method}: {field.name}"


NEEDING = [
    (name, option) for name in registry.names("methods") for option in of(name)
    if needs.of_field(registry.only("methods", name), option)
]  # fmt: skip
IN_VAIN: dict[str, dict[str, Any]] = {  # beside these, an option has no effect
    "channels": {},
    "components": {"kind": "zca-cor"},
    "ddof": {"scale": False},
    "eps": {"mean_only": True},
    "exact": {"with_": "mean"},
    "norm": {"mean_only": True},
    "prefix": {"kind": "cholesky"},
    "rmax": {"mean_only": True},
    "start": {"momentum": None},
}
every_need = pytest.mark.parametrize(("name", "option"), NEEDING)


def in_vain(name: str, option: str, value: Any) -> Method:
    kind: Any = registry.only("methods", name)
    required = dict.fromkeys(least(kind), 1)
    made: Method = kind(**required, **IN_VAIN[option], **{option: value})
    return made


@every_need
def test_an_option_that_has_no_effect_is_refused_in_python(name: str, option: str) -> None:
    method = in_vain(name, option, next(v for v in VALUES[option] if v != "l2"))
    with pytest.raises(UsageError, match=f"^--{option} is for "):
        method.check()
    with pytest.raises(UsageError, match=f"^`{option}` is for "):
        fit_blocks(method, [FITTED], COLUMNS)


@every_need
def test_also_one_that_is_given_the_default(name: str, option: str) -> None:
    (field,) = (f for f in fields(registry.only("methods", name)) if f.name == option)  # type: ignore[arg-type]
    method = in_vain(name, option, field.default)
    method.check()
    with pytest.raises(UsageError, match=f"^--{option} is for "):
        method.check({option})


@every_need
def test_also_in_a_plan(name: str, option: str) -> None:
    method = in_vain(name, option, next(v for v in VALUES[option] if v != "l2"))
    written = {n: "none" if v is None else v for n, v in asdict(method).items() if n == option or n in IN_VAIN[option]}
    required = dict.fromkeys(least(type(method)), 1)
    options = ", ".join(f"{n} = {msgspec.json.encode(v).decode()}" for n, v in (required | written).items())
    text = f'[[steps]]\nmethod = "{name}"\noptions = {{ {options} }}\n'
    with pytest.raises(UsageError, match=rf": steps\[0\]\.options: --{option} is for "):
        parsed(text.encode())


@every_need
def test_but_a_file_of_old_that_holds_one_is_read(name: str, option: str) -> None:
    method = in_vain(name, option, next(v for v in VALUES[option] if v != "l2"))
    method.check_options()
    blanks = Step(method, COLUMNS)
    step = blanks.learn(reduce_to(method))
    text = params.write(Parameters((step,), tuple(Field(n, "float64") for n in COLUMNS), len(FITTED)))
    assert params.write(params.read(text)) == text


def reduce_to(method: Method) -> tuple[Statistic, ...]:
    """What the statistics of a method see of the data that are fitted."""
    step = Step(method, COLUMNS)
    return merged((method.statistics,), (step.measure(Block.of(FITTED)),))[0]
