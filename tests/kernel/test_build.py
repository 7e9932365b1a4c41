"""Building and loading the native kernel: what does not fit is never called, and what can't be built is no failure."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from normcli import kernel
from normcli.kernel import build, sources
from tests.cli.conftest import run
from tests.kernel.library import compiler

HERE = build.HERE


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, and the library that is built from them."""
    if not compiler():
        pytest.skip("no C compiler")
    copy = tmp_path_factory.mktemp("kernel")
    for path in HERE.iterdir():
        if path.is_file() and path.name not in (build.LIBRARY, build.RECORD):
            shutil.copy(path, copy)
    build.build(copy / build.LIBRARY, copy)
    return copy


def loaded(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """What is said of the library in a folder."""
    monkeypatch.setattr(sources, "FOLDER", str(folder))
    monkeypatch.delenv(kernel.SWITCH, raising=False)
    kernel._load.cache_clear()
    try:
        return kernel.description()
    finally:
        kernel._load.cache_clear()


def replace_library(folder: Path, content: bytes) -> None:
    """Another library in a folder, with the record of a build."""
    (folder / build.LIBRARY).write_bytes(content)
    (folder / build.RECORD).write_bytes(sources.record(content, str(folder)))


def test_what_was_built_from_these_sources_is_used(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, package).startswith("plain text is read and written by the native kernel")


def test_what_was_built_from_other_sources_is_not(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in package.iterdir():
        shutil.copy(path, tmp_path)
    with (tmp_path / "parse.c").open("a") as source:
        source.write("\n")
    (tmp_path / build.LIBRARY).write_bytes(b"")  # it is not even loaded
    assert "was built from other sources" in loaded(monkeypatch, tmp_path)


def test_what_is_no_library_of_this_system_is_not(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in package.iterdir():
        shutil.copy(path, tmp_path)
    replace_library(tmp_path, b"\x7fELF")
    assert "is none of this system" in loaded(monkeypatch, tmp_path)


@pytest.mark.parametrize("size", [0, 3000, 40000, -1])
def test_what_was_cut_short_is_not_loaded(
    size: int, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may end a process that loads it, by SIGBUS."""
    shutil.copytree(package, tmp_path, dirs_exist_ok=True)
    library = tmp_path / build.LIBRARY
    library.write_bytes(library.read_bytes()[:size])
    assert f"{library} is damaged: python -m normcli.kernel.build" in loaded(monkeypatch, tmp_path)


def test_what_has_another_bit_anywhere_is_not_loaded(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(package, tmp_path, dirs_exist_ok=True)
    library, dice = tmp_path / build.LIBRARY, random.Random(17)
    content = library.read_bytes()
    for place in dice.sample(range(len(content)), 20):
        other = bytearray(content)
        other[place] ^= 1 << dice.randrange(8)
        library.write_bytes(other)
        assert "is damaged" in loaded(monkeypatch, tmp_path)


def test_what_nothing_is_known_of_is_not_loaded(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(package, tmp_path, dirs_exist_ok=True)
    (tmp_path / build.RECORD).unlink()
    assert f"has no {build.RECORD} beside it" in loaded(monkeypatch, tmp_path)
    (tmp_path / build.RECORD).write_bytes(b"\xff")
    assert "was built from other sources" in loaded(monkeypatch, tmp_path)


def test_a_missing_library_says_how_another_is_had(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = loaded(monkeypatch, tmp_path)
    assert "none was built" in said
    assert "--no-cache-dir" in said


@pytest.fixture
def quick_compiler(tmp_path: Path) -> str:
    """A program in place of a compiler: it writes its arguments where the library should be."""
    program = tmp_path / "quick-cc"
    program.write_text('#!/bin/sh\nall="$*"\nwhile [ "$1" != -o ]; do shift; done\necho "$all" > "$2"\n')
    program.chmod(0o755)
    return str(program)


def test_flags_of_other_code_are_no_arguments(
    quick_compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NORMCLI_CC", quick_compiler)
    monkeypatch.setenv("CFLAGS", "-ffast-math --no-such-flag")
    build.build(tmp_path / "other.so")
    arguments = (tmp_path / "other.so").read_text()
    assert arguments.startswith(" ".join(build.FLAGS))
    assert "-ffast-math" not in arguments


@pytest.mark.soak
def test_flags_of_other_code_do_not_count(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-ffast-math --no-such-flag")
    build.build(tmp_path / "other.so", package)
    assert (tmp_path / "other.so").read_bytes() == (package / build.LIBRARY).read_bytes()


def test_fast_math_is_refused(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMCLI_CC", f"{compiler()} -ffast-math")
    with pytest.raises(build.NoKernelError, match="error"):
        build.build(tmp_path / "fast.so", package)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("none", "NORMCLI_CC=none"), ("no-such-cc", "can't be run"), ("false", "failed: exit code 1")],
)
def test_without_a_compiler_the_reason_is_said(setting: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMCLI_CC", setting)
    with pytest.raises(build.NoKernelError, match=reason):
        build.build(Path(os.devnull))


def test_the_compiler_is_that_of_the_variables_then_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "mycc -m64")
    monkeypatch.delenv("NORMCLI_CC", raising=False)
    assert build.compiler() == ["mycc", "-m64"]
    monkeypatch.setenv("NORMCLI_CC", "zig")
    assert build.compiler() == [sys.executable, "-m", "ziglang", "cc"]
    monkeypatch.delenv("NORMCLI_CC")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(build.NoKernelError, match="NORMCLI_CC=zig"):
        build.compiler()


@pytest.mark.parametrize(
    ("general", "content", "platform"),
    [
        ("linux_x86_64", b"\0libc.so.6\0GLIBC_2.2.5\0GLIBC_2.14\0", "manylinux_2_17_x86_64"),
        ("linux_aarch64", b"\0libc.so.6\0GLIBC_2.17\0GLIBC_2.34\0", "manylinux_2_34_aarch64"),
        ("linux_x86_64", b"\0libc.musl-x86_64.so.1\0", "musllinux_1_2_x86_64"),
        ("linux_x86_64", b"\0libm.so.6\0libc.so.6\0GLIBC_2.2.5\0", "linux_x86_64"),
        ("linux_x86_64", b"\0nothing\0", "linux_x86_64"),
        ("macosx_10_13_universal2", b"", f"macosx_11_0_{os.uname().machine}"),
    ],
)
def test_a_wheel_names_the_oldest_system_that_has_all_that_it_needs(
    general: str, content: bytes, platform: str, tmp_path: Path
) -> None:
    (tmp_path / "kernel.so").write_bytes(content)
    assert build.platform(tmp_path / "kernel.so", general) == platform


def test_the_library_asks_for_nothing_but_the_c_library(package: Path) -> None:
    if sys.platform == "linux":
        assert build.platform(package / build.LIBRARY, "linux_x86_64").startswith(("manylinux_2_", "musllinux_1_"))


def test_the_script_builds_beside_its_sources_and_never_fails(
    package: Path, tmp_path: Path, quick_compiler: str
) -> None:
    shutil.copytree(package, copy := tmp_path / "kernel")
    for setting, word in (("none", "No native kernel was built"), (quick_compiler, "was built by")):
        run = subprocess.run(
            [sys.executable, copy / "build.py"], capture_output=True, text=True, check=True,
            env=os.environ | {"NORMCLI_CC": setting},
        )  # fmt: skip
        assert word in run.stdout
        for name in (build.LIBRARY, build.RECORD):
            assert (copy / name).exists() == (setting == quick_compiler)


@pytest.mark.parametrize(
    ("settings", "on"),
    [(("", "on", "ON", "1", "true", "Yes"), True), (("off", "OFF", "Off", "0", "false", "FALSE", "no"), False)],
)
def test_the_switch_is_known_by_several_words(
    settings: tuple[str, ...], on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in settings:
        monkeypatch.setenv(kernel.SWITCH, setting)
        assert kernel._is_on() is on
        assert on or "without the native kernel: NORMCLI_KERNEL=off" in kernel.description()


@pytest.mark.parametrize("words", ["--version -v", "fit t.csv -m zscore -p p", "fit t.parquet -m zscore -p p"])
def test_what_the_switch_can_not_mean_is_said(words: str, tmp_path: Path) -> None:
    table = pl.DataFrame({"x": [1.0, 2.0, 4.0]})
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet")
    done = run(*words.split(), cwd=tmp_path, env={kernel.SWITCH: "2"})
    assert done.code == 2
    assert done.err == (
        "normcli: error: NORMCLI_KERNEL=2: is neither on nor off (off switches the native kernel off)\n"
    )


def test_version_says_how_text_is_read_and_co_moments_are_computed() -> None:
    for words in (["--version", "-v"], ["-v", "-V"]):
        run = subprocess.run(
            [sys.executable, "-m", "normcli", *words], capture_output=True, text=True, check=True,
            env=os.environ | {kernel.SWITCH: "off"},
        )  # fmt: skip
        text, comoments = run.stdout.splitlines()[1:]
        assert text == "text is read and written without the native kernel: NORMCLI_KERNEL=off"
        assert comoments.startswith("co-moments are computed by numpy: their last digits depend on the processor (")
