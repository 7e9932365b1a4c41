"""Compressed text: read as what was compressed, whatever way the bytes come; refused wherever it is cut."""

import bz2
import gzip
import io
import itertools
import lzma
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normcli import api, formats
from normcli.errors import BadDataError, UsageError
from normcli.io import compression
from normcli.io.compression import _bzip2
from normcli.io.sources import Source, open_source
from normcli.methods.center import Center
from tests.conftest import examples, longer
from tests.formats.conftest import NAME, identity, in_memory, normcli, params_of, read, reader, through_pipe

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"id,x\n" + b"".join(b"%d,%d.5\n" % (i, i * i) for i in range(40))
SKIPPED = b"\x50\x2a\x4d\x18\x04\0\0\0four"  # a frame that zstd passes over
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": zstd.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
EXPAND = {"gz": gzip.decompress, "zst": zstd.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
CODECS = {codec.suffix[1:]: codec for codec in compression.CODECS}
SUFFIXES = list(CODECS)
KNOWN = {"gz": 2, "zst": 4, "bz2": 4, "xz": 6}  # bytes that tell
SEEN = KNOWN | {"bz2": 10}  # bytes that are looked at
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def bgzip(data: bytes) -> bytes:
    """A member with bgzip's field of its size."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    head = bytes.fromhex("1f8b08040000000000ff060042430200") + struct.pack("<H", len(body) + 25)
    return head + body + struct.pack("<II", zlib.crc32(data), len(data))


def everything(source: Source) -> bytes:
    return b"".join(iter(lambda: source.read(1000), b""))


SOUND: dict[str, bytes] = {
    "gzip": PACK["gz"](TEXT),
    "gzip, stored": gzip.compress(TEXT, 0),
    "gzip, two members": PACK["gz"](TEXT[:50]) + PACK["gz"](TEXT[50:]),
    "gzip, many members": b"".join(PACK["gz"](TEXT[i : i + 3]) for i in range(0, len(TEXT), 3)),
    "gzip, an empty member": PACK["gz"](b"") + PACK["gz"](TEXT) + PACK["gz"](b""),
    "gzip, padded": PACK["gz"](TEXT) + bytes(1000),
    "gzip, much padded": PACK["gz"](TEXT) + bytes(200_000),
    "gzip, padded between": PACK["gz"](TEXT[:9]) + bytes(3) + PACK["gz"](TEXT[9:]),
    "bgzip": bgzip(TEXT[:70]) + bgzip(TEXT[70:]) + BGZIP_END,
    "zstd": PACK["zst"](TEXT),
    "zstd, two frames": PACK["zst"](TEXT[:50]) + PACK["zst"](TEXT[50:]),
    "zstd, skipped frames": SKIPPED + PACK["zst"](TEXT) + SKIPPED,
    "zstd, best": zstd.compress(TEXT, 19),
    "bzip2": PACK["bz2"](TEXT),
    "bzip2, small blocks": bz2.compress(TEXT, 1),
    "bzip2, two streams": PACK["bz2"](TEXT[:50]) + PACK["bz2"](TEXT[50:]),
    "bzip2, an empty stream": PACK["bz2"](b"") + PACK["bz2"](TEXT) + PACK["bz2"](b""),
    "xz": PACK["xz"](TEXT),
    "xz, best": lzma.compress(TEXT, preset=9 | lzma.PRESET_EXTREME),
    "xz, no check": lzma.compress(TEXT, check=lzma.CHECK_NONE),
    "xz, two streams": PACK["xz"](TEXT[:50]) + PACK["xz"](TEXT[50:]),
    "xz, an empty stream": PACK["xz"](b"") + PACK["xz"](TEXT) + PACK["xz"](b""),
    "xz, padded": PACK["xz"](TEXT) + bytes(1000),
    "xz, much padded": PACK["xz"](TEXT) + bytes(200_000),
    "xz, padded between": PACK["xz"](TEXT[:9]) + bytes(4) + PACK["xz"](TEXT[9:]),
}


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("sizes", [[1 << 16], [1], [1, 7, 2], [65_536, 1]])
def test_read_as_what_was_compressed(name: str, sizes: Sequence[int]) -> None:
    data = SOUND[name]
    if sizes[0] == 1 and len(data) > 10_000:
        sizes = [4097]
    assert everything(in_memory(data)) == TEXT
    for blocking in (True, False):
        source = through_pipe(data, sizes, blocking=blocking)
        assert source.compression == name.partition(",")[0].replace("bgzip", "gzip")
        assert source.peek(5) == TEXT[:5]
        assert everything(source) == TEXT
        assert source.count == len(TEXT)
        assert source.size is None


@given(cuts=st.lists(st.integers(0, 3000), max_size=5), sizes=st.lists(st.integers(1, 900), min_size=1, max_size=3))
@settings(max_examples=examples(40))
def test_however_it_is_cut_into_members(cuts: list[int], sizes: list[int]) -> None:
    text = TEXT * 5
    edges = sorted({0, len(text), *cuts})
    for pack in PACK.values():
        data = b"".join(pack(text[a:b]) for a, b in itertools.pairwise(edges))
        assert everything(through_pipe(data, sizes)) == text


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("way", [in_memory, through_pipe])
def test_truncated_at_every_byte(suffix: str, way: Any) -> None:
    """Cut short anywhere, it is refused and called truncated; but for a pipe that ends before it can be told."""
    whole = PACK[suffix](TEXT)
    known = KNOWN[suffix]
    for length in range(known, len(whole)):
        with pytest.raises(BadDataError, match="truncated") as caught:
            everything(way(whole[:length]))
        assert NAME in caught.value.message
    assert everything(way(b"")) == everything(in_memory(b"", f"t.csv.{suffix}")) == b""  # nothing was, or is, there
    for length in range(1, known):
        with pytest.raises(BadDataError, match="truncated"):
            everything(in_memory(whole[:length], f"t.csv.{suffix}"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_within_a_later_member(suffix: str) -> None:
    first = PACK[suffix](TEXT[:100])
    whole = first + PACK[suffix](TEXT[100:])
    for length in range(len(first) + 1, len(whole)):
        with pytest.raises(BadDataError, match="truncated"):
            everything(in_memory(whole[:length]))


def test_bgzip_is_truncated_without_its_end() -> None:
    """Even where it is cut between two members."""
    whole = SOUND["bgzip"]
    for length in range(2, len(whole)):
        with pytest.raises(BadDataError, match="truncated"):
            everything(in_memory(whole[:length]))


@pytest.mark.parametrize(
    "rest", [b"x", b"\n", b"id,x\n1,2\n", b"\0\0\0x", b"\x1f\x8c\x08\0", b"PK\x03\x04", bytes(9) + b"1"]
)
def test_what_follows_is_refused(rest: bytes) -> None:
    for suffix, pack in PACK.items():
        with pytest.raises(BadDataError, match="followed by something else"):
            everything(in_memory(pack(TEXT) + rest))
        if not CODECS[suffix].padding:
            with pytest.raises(BadDataError, match="followed by something else"):
                everything(in_memory(pack(TEXT) + bytes(8)))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 131_073])
def test_padding_of_xz_is_whole(count: int) -> None:
    """In fours, between streams and after the last."""
    for rest in (b"", PACK["xz"](b"1,2.5\n")):
        for way in (in_memory, through_pipe):
            with pytest.raises(BadDataError, match=f"damaged: padding of {count} bytes, no multiple of 4"):
                everything(way(PACK["xz"](TEXT) + bytes(count) + rest))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_flipped_bit_is_never_another_text(suffix: str) -> None:
    """The same text (a header's time or name), or refused."""
    whole = PACK[suffix](TEXT)
    if suffix == "zst":
        whole = zstd.compress(TEXT, options={zstd.CompressionParameter.checksum_flag: 1})
    refused = 0
    for at in range(len(whole) * 8):
        data = bytearray(whole)
        data[at // 8] ^= 1 << at % 8
        try:
            source = in_memory(bytes(data))
            assert everything(source) == TEXT or (at < 8 * SEEN[suffix] and not source.compression)
        except BadDataError:
            refused += 1
    assert refused > (len(whole) - SEEN[suffix]) * 7


def test_a_name_that_says_so_and_data_that_are_not() -> None:
    for suffix, codec in CODECS.items():
        with pytest.raises(BadDataError, match=f"is not {codec.name}, and its name says so"):
            in_memory(TEXT, f"t.csv.{suffix}").peek(1)
        for name in ("t.csv", *(f"t.csv.{other}" for other in SUFFIXES)):
            assert everything(in_memory(PACK[suffix](TEXT), name)) == TEXT


@pytest.mark.parametrize(
    "text", [b"BZh9\n1\n", b"BZh9,x\n1,2\n", b"BZh91AY\n1\n", b"BZh0\x31\x41\x59\x26\x53\x59", b"BZ\n"]
)
def test_text_that_begins_as_bzip2_does(text: bytes) -> None:
    assert everything(in_memory(text)) == text


def test_a_little_that_expands_to_much_is_read_in_pieces() -> None:
    for pack in PACK.values():
        source = in_memory(pack(bytes(50 << 20)))
        assert len(source.read(1000)) == 1000
        assert source.count == 1000


# -- memory ------------------------------------------------------------------------------------------------------
def long_window(log: int, *, known: bool) -> bytes:
    """A frame with a window of so many bits, or of a text that says its length; all of it one byte, many times."""
    head = b"\x28\xb5\x2f\xfd" + (b"\xa0" + (1 << log).to_bytes(4, "little") if known else bytes([0, (log - 10) << 3]))
    sizes = [1 << 17] * (1 << log - 17) if known else [10]
    blocks = ((size << 3 | 1 << 1 | (i == len(sizes) - 1)).to_bytes(3, "little") + b"1" for i, size in enumerate(sizes))
    return head + b"".join(blocks)


def of_room(data: bytes, name: str, room: int | None) -> Source:
    return in_memory(data, name, room=room)


def test_frames_are_those_of_zstd() -> None:
    assert everything(in_memory(long_window(20, known=False))) == b"1" * 10
    assert everything(in_memory(long_window(20, known=True))) == b"1" * (1 << 20)


@given(log=st.integers(10, 31), room=st.one_of(st.none(), st.integers(0, 1 << 33)), known=st.booleans())
@settings(max_examples=examples(60))
def test_a_window_is_read_that_fits_into_half_of_the_memory(log: int, room: int | None, known: bool) -> None:
    """And always one of 128 MB; one that does not fit is called what it is."""
    known = known and log >= 17
    source = of_room(long_window(log, known=known), "t.csv.zst", room)
    if log <= 27 or room is None or room >= 2 << log:
        assert source.read(5) == b"11111"
        return
    with pytest.raises(
        BadDataError, match=rf"t\.csv\.zst: the zstd data have a window of .* \(zstd --long={log}\)"
    ) as caught:
        source.read(1)
    assert caught.value.hint == "--max-memory says how much; zstd --long=27 makes one that is always read"


def test_a_window_beyond_what_zstd_reads() -> None:
    with pytest.raises(BadDataError, match=r"window of 4\.3 GB \(zstd --long=32\), and 2\.1 GB of memory may go"):
        everything(in_memory(long_window(32, known=False)))


@pytest.mark.parametrize("room", [None, 0, 1 << 28, 1 << 30])
def test_a_dictionary_of_xz_is_read_that_fits_into_half_of_the_memory(room: int | None) -> None:
    """And always one that xz -9 makes."""
    assert everything(of_room(lzma.compress(TEXT, preset=9), "t.csv.xz", room)) == TEXT
    stream = bytearray(lzma.compress(TEXT, preset=9))
    stream[16] = 36  # 1 GB
    stream[20:24] = zlib.crc32(stream[12:20]).to_bytes(4, "little")
    source = of_room(bytes(stream), "t.csv.xz", room)
    if room is None:
        assert everything(source) == TEXT
        return
    with pytest.raises(
        BadDataError, match=r"t\.csv\.xz: the xz data have a long dictionary, and .* of memory"
    ) as caught:
        everything(source)
    assert "--max-memory" in caught.value.hint


@pytest.mark.parametrize("name", SOUND)
def test_blocks_are_those_of_the_text(name: str) -> None:
    """Cut at marks of the text, not of what it was compressed to."""
    for size in (1, 16, 100, None):
        plain = [c.rows.data for c in reader(TEXT, size).chunks()]
        assert [c.rows.data for c in reader(SOUND[name], size).chunks()] == plain
    assert read(SOUND[name], ["x"]) == read(TEXT, ["x"])


def test_lines_are_those_of_the_text() -> None:
    with pytest.raises(BadDataError, match=r"t\.csv:3: .*bad"):
        read(PACK["gz"](b"a\n1\nbad\n"), ["a"])


# -- names -------------------------------------------------------------------------------------------------------
def test_suffixes_are_seen_through() -> None:
    assert [formats.by_suffix(f"a.csv{s}") for s in (".gz", ".zst", ".bz2", ".xz", ".GZ", "")] == ["csv"] * 6
    assert formats.by_suffix("a.tab.gz") == "tsv"
    assert formats.by_suffix("a.gz") is formats.by_suffix("a.csv.gz.gz") is None
    assert formats.bare("csv.gz") == formats.bare("csv") == "csv"
    assert formats.of_output(None, "a.csv.gz", "tsv") == "csv.gz"
    assert formats.of_output(None, "a.gz", "tsv") == "tsv.gz"
    assert formats.of_output("csv", "a.tsv.zst", "tsv") == "csv.zst"
    assert formats.of_output("csv.gz", None, "tsv") == "csv.gz"
    assert formats.of_output(None, None, "csv") == "csv"
    assert formats.suffix_of("tsv.zst") == ".tsv.zst"
    assert {".csv", ".csv.gz", ".tab.zst", ".parquet"} <= set(formats.suffixes())
    assert ".parquet.gz" not in formats.suffixes()
    assert [formats.is_binary(n) for n in ("csv", "csv.gz", "parquet")] == [False, True, True]


def test_binary_formats_are_not_compressed() -> None:
    with pytest.raises(UsageError, match="parquet in gzip"):
        formats.of_output(None, "a.parquet.gz", "csv")
    for suffix, codec in CODECS.items():
        with pytest.raises(UsageError, match=f"parquet in {codec.name}"):
            formats.of_output(f"parquet.{suffix}", None, "csv")
    with pytest.raises(UsageError, match=r"a\.parquet\.gz: parquet in gzip"):
        formats.of_source(in_memory(PACK["gz"](b"PAR1"), "a.parquet.gz"))
    with pytest.raises(UsageError):
        formats.of_source(in_memory(PACK["zst"](b"PAR1\0and more"), "<stdin>"))


# -- writing -----------------------------------------------------------------------------------------------------
TOOLS = {"gz": ["gzip", "-dc"], "zst": ["zstd", "-dc"], "bz2": ["bzip2", "-dc"], "xz": ["xz", "-dc"]}


def expanded(path: Path) -> bytes:
    """As another program reads it."""
    return EXPAND[path.suffix[1:]](path.read_bytes())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_is_what_would_be_written(folder: Path, suffix: str) -> None:
    """Whatever the blocks; one member."""
    (folder / "in.csv").write_bytes(TEXT)
    api.apply(identity("x"), folder / "in.csv", folder / "out.csv")
    for size in (1, 64, None):
        made = folder / f"out.csv.{suffix}"
        api.apply(identity("x"), folder / "in.csv", made, block_size=size)
        assert expanded(made) == (folder / "out.csv").read_bytes()
        member = CODECS[suffix].member(made.read_bytes()[:18], 1 << 27)
        member.decompress(made.read_bytes(), 1 << 20)
        assert member.eof
        assert member.unused_data == b""


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("text", [b"a,x\n", b"a,x\n1,2.0\n", b"x\n1.0\n"])
def test_little_and_nothing(folder: Path, suffix: str, text: bytes) -> None:
    given, made = folder / f"in.csv.{suffix}", folder / f"out.csv.{suffix}"
    given.write_bytes(PACK[suffix](text))
    api.apply(identity("x"), given, made)
    assert expanded(made) == text
    assert made.read_bytes()[4:8] == bytes(4) or suffix != "gz"


@given(parts=st.lists(st.binary(max_size=300), max_size=8))
@settings(max_examples=examples(60))
def test_a_member_of_pieces(parts: list[bytes]) -> None:
    """Its checksum, put together from those of the pieces, is that of the whole."""
    for suffix, codec in CODECS.items():
        file = io.BytesIO()
        sink = codec.sink(file)
        for part in parts:
            sink.write(codec.pack(part))
        open_end = file.getvalue()
        sink.close()
        assert EXPAND[suffix](file.getvalue()) == b"".join(parts)
        if not open_end:  # of zstd
            continue
        with pytest.raises(BadDataError, match="truncated"):
            everything(in_memory(open_end, f"t.csv{codec.suffix}"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_workers_elsewhere_can_pack(suffix: str) -> None:
    """A codec and what it packs go to other processes and back."""
    codec = pickle.loads(pickle.dumps(CODECS[suffix]))
    assert codec == CODECS[suffix]
    codec.sink(file := io.BytesIO()).write(pickle.loads(pickle.dumps(codec.pack(TEXT))))
    assert file.getvalue() or suffix == "zst"


@pytest.mark.parametrize("text", [b"aaaabbbb", *longer(b"1,2.5\n", bytes(range(256)))])
def test_a_piece_larger_than_a_block(text: bytes) -> None:
    """Of bzip2, also where its first step makes five bytes of four."""
    for size in (_bzip2.TEXT - 1, _bzip2.TEXT, 2 * _bzip2.TEXT + 1):
        piece, file = (text * (size // len(text) + 1))[:size], io.BytesIO()
        packed = _bzip2.pack(piece)
        assert len(packed) == -(-size // _bzip2.TEXT)
        sink = CODECS["bz2"].sink(file)
        sink.write(packed)
        sink.close()
        assert bz2.decompress(file.getvalue()) == piece


@pytest.mark.parametrize("suffix", ["zst", *longer("gz", "bz2", "xz")])
def test_a_failed_output_has_no_end(folder: Path, suffix: str) -> None:
    """On standard output, a reader can tell; a file does not appear."""
    bad = b"a\n" + b"".join(b"%d\n" % i for i in range(1_300_000)) + b"bad\n"
    (folder / "p.json").write_bytes(params_of(identity("a")))
    done = normcli("apply", "-p", folder / "p.json", "--to", f"csv.{suffix}", stdin=bad)
    assert done.returncode == 65
    assert len(done.stdout) > 1000
    with pytest.raises(BadDataError, match="truncated"):
        everything(in_memory(done.stdout))
    done = normcli("apply", "-p", folder / "p.json", "-o", folder / f"no.csv.{suffix}", stdin=bad)
    assert done.returncode == 65
    assert not (folder / f"no.csv.{suffix}").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_through_the_command(folder: Path, suffix: str) -> None:
    """A file, a pipe and a plain file give the same parameters; what was asked for comes out, the same each time."""
    packed, plain = folder / f"d.csv.{suffix}", folder / "d.csv"
    packed.write_bytes(PACK[suffix](TEXT))
    plain.write_bytes(TEXT)
    fits = [
        normcli("fit", packed, "-m", "zscore"),
        normcli("fit", plain, "-m", "zscore"),
        normcli("fit", "-m", "zscore", stdin=packed.read_bytes()),
        normcli("fit", "-m", "zscore", "--from", f"csv.{suffix}", stdin=packed.read_bytes()),
    ]
    assert [f.returncode for f in fits] == [0] * 4
    assert len({f.stdout for f in fits}) == 1
    (folder / "p.json").write_bytes(fits[0].stdout)
    to_file = normcli("apply", packed, "-p", folder / "p.json", "-o", folder / f"z.csv.{suffix}")
    assert to_file.returncode == 0
    asked = normcli("apply", "-p", folder / "p.json", "--to", f"csv.{suffix}", stdin=TEXT)
    assert asked.stdout == (folder / f"z.csv.{suffix}").read_bytes()
    plainly = normcli("apply", packed, "-p", folder / "p.json")
    assert plainly.stdout == expanded(folder / f"z.csv.{suffix}")


def test_into_a_directory(folder: Path) -> None:
    """Names stay, and what they say; --to gives them a new suffix."""
    (folder / "many").mkdir()
    for name in ("a.csv.gz", "b.csv.gz"):
        (folder / "many" / name).write_bytes(PACK["gz"](TEXT))
    (folder / "p.json").write_bytes(params_of(identity("x")))
    for to, made in (
        ([], "a.csv.gz"),
        (["--to", "csv"], "a.csv"),
        (["--to", "csv.zst"], "a.csv.zst"),
        (["--to", "parquet"], "a.parquet"),
    ):
        done = normcli("apply", folder / "many", "-p", folder / "p.json", "-o", f"{folder}/{made}.d/", *to)
        assert done.returncode == 0, done.stderr
        assert (folder / f"{made}.d" / made).exists()
        if ".csv" in made:
            found = open_source(folder / f"{made}.d" / made)
            assert bool(found.compression) == (made != "a.csv")
            assert everything(found) == TEXT


def test_refused_by_the_command(folder: Path) -> None:
    (folder / "d.csv.gz").write_bytes(PACK["gz"](TEXT)[:-1])
    done = normcli("fit", folder / "d.csv.gz", "-m", "zscore")
    assert done.returncode == 65
    assert b"d.csv.gz: the gzip data are truncated" in done.stderr
    (folder / "p.json").write_bytes(params_of(identity("x")))
    done = normcli("apply", "-p", folder / "p.json", "-o", folder / "o.parquet.gz", stdin=TEXT)
    assert done.returncode == 2
    assert b"parquet in gzip" in done.stderr
    done = normcli("fit", "--from", "csv.lz4", "-m", "zscore", stdin=TEXT)
    assert done.returncode == 2


@pytest.mark.parametrize("suffix", TOOLS)
def test_the_usual_tools_read_it(folder: Path, suffix: str) -> None:
    made = folder / f"tool.csv.{suffix}"
    (folder / "in.csv").write_bytes(TEXT)
    api.apply(api.fit(folder / "in.csv", Center()), folder / "in.csv", made, block_size=50)
    if not any(os.access(Path(p) / TOOLS[suffix][0], os.X_OK) for p in os.environ["PATH"].split(":")):
        pytest.skip(f"{TOOLS[suffix][0]} is not installed")
    assert subprocess.run([*TOOLS[suffix], made], capture_output=True, check=True).stdout == expanded(made)
