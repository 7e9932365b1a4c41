"""Marks of data that were normalized column by column: a set of columns, whatever they are called."""

from hypothesis import given
from hypothesis import strategies as st

from normcli.parameters import marks

DIGEST = "sha256:0123:min-count=5,unseen=global"
NAMES = st.lists(st.text(max_size=4), min_size=1, max_size=6, unique=True)


@given(NAMES, st.data())
def test_what_is_marked_in_any_order_and_restored_in_any_order_is_as_it_was(
    names: list[str], data: st.DataObject
) -> None:
    before, done = ("sha256:other",), ("sha256:other",)
    for name in data.draw(st.permutations(names)):
        done = marks.add(done, marks.of_columns(DIGEST, [name], names), names)
    assert done == (*before, DIGEST)
    left = set(names)
    for name in data.draw(st.permutations(names)):
        mark = marks.of_columns(DIGEST, [name], names)
        removed = marks.remove(done, mark, names)
        left.remove(name)
        assert removed == ((*before, marks.of_columns(DIGEST, left, names)) if left else before)
        assert marks.remove(removed, mark, names) is None
        done = removed


@given(NAMES, st.data())
def test_a_mark_is_one_word_that_says_its_columns(names: list[str], data: st.DataObject) -> None:
    some = data.draw(st.sets(st.sampled_from(names), min_size=1))
    mark = marks.of_columns(DIGEST, some, names)
    assert mark.isascii()
    assert mark.split() == [mark]
    assert marks.columns_of(mark) == (None if len(some) == len(names) else tuple(n for n in names if n in some))
    assert (marks.base(mark), marks.parameters_of(mark)) == (DIGEST, "sha256:0123")
    assert marks.override_of(mark) == marks.override_of(DIGEST) == "--min-count 5 --unseen global"


def test_an_override_comes_before_the_columns() -> None:
    mark = marks.of_columns("sha256:0123", ["a"], ["a", "b"])
    assert marks.is_training(marks.mark(mark, marks.TRAINING))
    assert marks.columns_of(marks.mark(mark, marks.TRAINING)) == ("a",)


def test_columns_that_are_normalized_twice_are_marked_twice() -> None:
    one = marks.of_columns(DIGEST, ["a"], ["a", "b"])
    assert marks.add((one,), one, ["a", "b"]) == (one, one)
    assert marks.remove((one,), DIGEST, ["a", "b"]) is None
