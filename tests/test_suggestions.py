"""What a wrong name was meant to be: by its spelling, and by what else the right one is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normcli import api, registry
from normcli.cli._mistakes import no_such_command, no_such_option
from normcli.errors import BadDataError, UsageError
from normcli.suggestions import called, hint, nearest, of_room, question

METHODS = registry.names("methods")
NAMES = st.lists(st.text("abcdefgh-_ ", min_size=1, max_size=8), unique=True, max_size=8)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("zscor", "zscore"), ("z-score", "zscore"), ("Z_Score", "zscore"), ("standardize", "zscore"),
        ("StandardScaler", "zscore"), ("min-max", "minmax"), ("minimax", "minmax"), ("yeojohnson", "power"),
        ("l2", "unit"), ("pca", "decorrelate"), ("sphering", "whiten"), ("whitening", "whiten"), ("layernorm", "layer"),
        ("max-abs", "maxabs"), ("quantil", "quantile"), ("log", "log1p"),
    ],
)  # fmt: skip
def test_a_method_is_found_by_its_spelling_and_by_what_else_it_is_called(word: str, meant: str) -> None:
    assert of_room(word, "methods") == f"did you mean {meant}?"


@pytest.mark.parametrize("word", ["", "nosuch", "norm", "42", "é"])
def test_of_a_word_that_is_like_none_or_like_many_all_are_listed(word: str) -> None:
    assert of_room(word, "methods") == f"there are {', '.join(METHODS)}"


@pytest.mark.parametrize(
    ("word", "meant"), [("fti", "fit"), ("ftt", "fit"), ("transform", "apply or fit"), ("show", "inspect")]
)
def test_and_so_is_a_command(word: str, meant: str) -> None:
    assert of_room(word, "cli") == f"did you mean {meant}?"


@given(NAMES, st.data())
def test_a_name_in_another_spelling_is_found(names: list[str], data: st.DataObject) -> None:
    plain = {name: "".join(filter(str.isalnum, name)) for name in names}
    words = [n for n in names if plain[n] and list(plain.values()).count(plain[n]) == 1]
    if words:
        name = data.draw(st.sampled_from(words))
        spelled = "".join(c.upper() + data.draw(st.sampled_from(["", "-", "_", " "])) for c in plain[name])
        assert nearest(spelled, names) == [name]


@given(st.text(max_size=8), NAMES)
def test_what_is_meant_is_one_of_at_most_three_names(word: str, names: list[str]) -> None:
    near = nearest(word, names)
    assert set(near) <= set(names)
    assert len(near) <= 3
    assert bool(near) == bool(question(word, names))
    assert bool(names) == bool(hint(word, names))


@given(st.sampled_from(METHODS), st.data())
def test_one_letter_less_of_a_long_name_finds_it(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    if len(name) > 5:
        assert name in nearest(name[:at] + name[at + 1 :], METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_aliases_are_those_of_the_method_though_it_is_not_imported(name: str) -> None:
    kind: object = registry.only("methods", name)
    aliases = registry.aliases("methods", name)
    assert aliases == getattr(kind, "aliases", None)
    assert [called(alias, "methods") for alias in aliases] == [name] * len(aliases)


def test_python_says_the_same() -> None:
    with pytest.raises(UsageError, match=r"^zscor: no such method \(did you mean zscore\?\)$"):
        api.fit("sample_data/penguins.csv", "zscor")
    with pytest.raises(BadDataError, match=r"is called 'bill_lenght_mm' \(did you mean bill_length_mm\?\)$"):
        api.fit("sample_data/penguins.csv", "zscore", columns=["bill_lenght_mm"])
    with pytest.raises(UsageError, match=r"`infinite` 'eror': is none of error, missing; did you mean error\?$"):
        api.fit("sample_data/penguins.csv", "zscore", infinite="eror")


@pytest.mark.parametrize("word", ["undo", "inverse", "restore", "inverse_transform"])
def test_what_restores_is_never_apply_alone_which_would_normalize_again(word: str) -> None:
    assert no_such_command(word).hint == "did you mean apply --inverse?"
    flags = registry.load("cli", "apply").command.params
    if word != "inverse":  # which apply has
        assert no_such_option(f"--{word.replace('_', '-')}", flags, "apply").hint == "did you mean --inverse?"
    assert "apply" in str(no_such_option(f"--{word}", (), "fit"))
