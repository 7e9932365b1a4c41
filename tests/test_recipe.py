"""Plans as TOML: what they mean, and that whatever is wrong in one is said with its place."""

import pytest
from hypothesis import given, strategies

from normcli.errors import UsageError
from normcli.methods import Method
from normcli.methods.minmax import MinMax
from normcli.methods.power import Power
from normcli.methods.unit import Unit
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import file as params
from normcli.parameters import plan_file as recipe
from normcli.parameters.plan import PlanStep

PLAN = """
[[steps]]
method = "zscore"
columns = ["price", "x*"]
exclude = ["x3"]
options = { ddof = 1, target-std = 2 }

[[steps]]
method = "minmax"
[steps.options]
range = [-1, 1]
"""


def test_a_plan_is_choices_in_order() -> None:
    wanted = (
        PlanStep(ZScore(ddof=1, target_std=2.0), ("price", "x*"), ("x3",)),
        PlanStep(MinMax(range=(-1.0, 1.0))),
    )
    assert recipe.parsed(PLAN.encode()) == [(step,) for step in wanted]
    assert recipe.parsed(b"\xef\xbb\xbf" + PLAN.replace("\n", "\r\n").encode()) == [(step,) for step in wanted]


@pytest.mark.parametrize(
    ("method", "options", "wanted"),
    [
        ("whiten", 'kind = "pca", components = 0.9', Whiten(kind="pca", components=0.9)),
        ("whiten", 'kind = "pca", components = 2, rank = "none"', Whiten(kind="pca", components=2)),
        ("whiten", 'rank = "auto", shrinkage = "oas"', Whiten(rank="auto", shrinkage="oas")),
        ("unit", "norm = 3", Unit(norm=3.0)),
        ("power", "lambda = [0, 1.5]", Power(lambda_=(0.0, 1.5))),
        ("power", "lambda_ = 0", Power(lambda_=0.0)),
        ("zscore", "center = false, target_std = 2", ZScore(center=False, target_std=2.0)),
    ],
)
def test_options_are_those_of_the_parameter_file_or_of_the_flags(method: str, options: str, wanted: Method) -> None:
    text = f'[[steps]]\nmethod = "{method}"\noptions = {{ {options} }}\n'
    ((choice,),) = recipe.parsed(text.encode())
    assert choice.method == wanted
    assert params.options(choice.method) == params.options(wanted)  # those that are not there, too


def step(rest: str) -> str:
    return f'[[steps]]\nmethod = "unit"\n[[steps]]\nmethod = "zscore"\n{rest}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": there are no [[steps]]"),
        ("steps = []", ": there are no [[steps]]"),
        ("steps = 1", ": there are no [[steps]]"),
        ("steps = [1]", ": there are no [[steps]]"),
        ("[steps]\nmethod = 'unit'", ": there are no [[steps]]"),
        ("note = 1\n[[steps]]\nmethod = 'unit'", ": note: unknown"),
        ("[[steps]]\nmethod = 'unit\n", ":2: not TOML: "),
        ("[[steps]]\nmethod = 'unit'\nmethod = 'unit'", ":3: not TOML: "),
        ("[[steps]]\nmethod =", ":2: not TOML: "),
        ("a = 1\n\n[[steps", ":3: not TOML: "),
        ("[[steps]]\ncolumns = ['a']", ": steps[0]: method is missing; the methods are asinh, "),
        ("[[steps]]\nmethod = 'z\\\\score'", ": steps[0].method: 'z\\\\score': no such method"),
        ("[[steps]]\nmethod = 3", ": steps[0].method: 3: no such method"),
        ("[[steps]]\nmethod = ['zscore']", ": steps[0].method: ['zscore']: no such method"),
        (step("column = ['a']"), ": steps[1].column: unknown; a step has method, columns, exclude, options"),
        (step("columns = 'a'"), ": steps[1].columns: must be a list of texts"),
        (step("columns = ['a', 1]"), ": steps[1].columns: must be a list of texts"),
        (step("columns = []"), ": steps[1].columns: is empty"),
        (step("exclude = 1"), ": steps[1].exclude: must be a list of texts"),
        (step("options = 1"), ": steps[1].options: must be a table"),
        (step("options.range = 1"), ": steps[1].options.range: the method has no such option; it is of minmax"),
        (step("options = { nosuch = 1 }"), ": steps[1].options.nosuch: the method has no such option"),
        (step("options = { ddof = -1 }"), ": steps[1].options.ddof: must be"),
        (step("options = { ddof = '1' }"), ": steps[1].options.ddof: must be"),
        (step("options = { ddof = true }"), ": steps[1].options.ddof: must be"),
        (step("options = { ddof = 'none' }"), ": steps[1].options.ddof: must be"),
        (step("options = { target-mean = nan }"), ": steps[1].options.target_mean: must be finite"),
        (step("options = { target-mean = 1, target_mean = 1 }"), ": steps[1].options.target_mean: is there twice"),
        (step("options = { target-mean = 1979-05-27 }"), ": steps[1].options.target_mean: must be"),
        ("[[steps]]\nmethod = 'minmax'\noptions = { range = [1, 0] }", ": steps[0].options: --range 1 0: "),
        ("x = " + "[" * 5000, ": not TOML: a value that can't be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe.parsed(text.encode())
    assert caught.value.message.startswith(said)
    assert caught.value.message.isprintable()


@given(strategies.binary() | strategies.text().map(str.encode))
def test_no_bytes_are_anything_but_a_plan_or_wrong(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        recipe.parsed(data)
    assert caught.value.message.isprintable()
