"""A damaged file is refused, or is read exactly as Python's csv module reads it: never a silent difference."""

import csv
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from normcli.errors import BadDataError
from tests.conftest import examples
from tests.formats.conftest import as_numbers, numeric, oracle, read

FILES = [
    b'a,b,c\n1,x,3\n2,"y,\n""z",4\n3,,5\n,"",\n',
    b'a,b\r\n1,"x\r\ny"\r\n2,z\r\n\r\n3,w\r\n',
    b"a,b,c\r\n1,2,3\r\n4,,NA\r\n5,6,\r\n\r\n 7 ,8,9\r\n",
    b'a\n1\n2\n\nNA\n""\n3',
    b'a,b\n1,\n2,\n3,"u\n\nv"\n4,',
    b'a,b\n"1","2"\n"3","4"\n',
    b's,a\nx,1\ny,2.5\n"z\n",3e5\n,\n',
    b'\xef\xbb\xbf"a",b\n1,\xc3\xa9\n2,"\xe2\x82\xac\n"\n',
    b"a,b,c\n,,\n\n1,2,3\n,,\n",
    b'"a\nb","c"\n1,2\n3,4\n',
]
OCTETS = b'\n\n\r\r,,,""""0123456789.-+eENAnaif x_;\t\0\xc3\xa9\xef\xff'


@st.composite
def damaged(draw: st.DrawFn, most: int) -> bytes:
    """A file with some bytes deleted, inserted, doubled, changed or cut off."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        what = draw(st.sampled_from(["delete", "insert", "double", "change", "end"]))
        if what == "insert":
            data.insert(at, draw(st.sampled_from(OCTETS)))
        elif what == "end":
            data.append(draw(st.sampled_from(OCTETS)))
        elif data and what == "delete":
            del data[at]
        elif data and what == "double":
            data.insert(at, data[at])
        elif data:
            data[at] = draw(st.sampled_from(OCTETS))
    return bytes(data)


def check(data: bytes, size: int, choice: int) -> None:
    wanted: list[str] = []
    refused = ""
    try:
        numbers = numeric(data)
        wanted = [[], numbers, numbers[:1], numbers[-1:]][choice]
        found = read(data, wanted, block_size=size)
    except BadDataError as e:
        refused = e.message
    if refused:
        assert re.match(r"t\.csv(:\d+: .|: is empty)", refused)
        return
    try:
        expected = as_numbers(oracle(data), wanted)
    except (csv.Error, UnicodeDecodeError) as e:
        raise AssertionError(f"read as {found}, though: {e}") from None
    assert found == expected


@given(damaged(1), st.integers(1, 80), st.integers(0, 3))
@settings(max_examples=examples(500))
def test_one_damaged_byte_makes_no_silent_difference(data: bytes, size: int, choice: int) -> None:
    check(data, size, choice)


@given(damaged(4), st.integers(1, 80), st.integers(0, 3))
@settings(max_examples=examples(500))
@example(b"a,b\n1,x\n2,y\rz\n", 64, 0)
@example(b"a,b\n1,\n2,\n\n3,\n4,,", 64, 1)
@example(b'a\n1\n2\n"3', 64, 1)
@example(b'a,b\n"1","2"\n"', 64, 1)
@example(b'a,b\n1,x\n"4,', 64, 1)
@example(b'"a"\r,"b"\n1,2\n', 64, 0)
def test_several_damaged_bytes_make_no_silent_difference(data: bytes, size: int, choice: int) -> None:
    check(data, size, choice)


def test_a_file_cut_off_anywhere() -> None:
    for data in FILES:
        for end in range(len(data)):
            for choice in (0, 1):
                check(data[:end], 16, choice)
