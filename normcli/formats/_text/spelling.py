"""How floats are spelled in text, whoever writes them: the native kernel by its own code, and polars, whose versions
might differ."""

from __future__ import annotations

from functools import cache

from normcli.errors import UsageError

# The fewest digits that read back as the same float: from 1e-5 to below 1e16 with a point, else with an exponent. At
# the ends of these ranges, beside powers of two, below the normal numbers, where other ways take other digits or more.
SPELLED = (
    "0.0", "1.0", "-7.0", "9.5", "-0.0", "0.1", "0.3", "4.35", "0.3333333333333333", "-0.6666666666666666",
    "0.30000000000000004", "0.5000000000000001", "62.53649397682719", "12345678.9", "123456789.0",
    "35184372088832.016", "9007199254740991.0", "9007199254740992.0", "9007199254740994.0", "1000000000000000.0",
    "9999999999999998.0", "1e+16", "-1.5e+16", "4.5035996273704984e+16", "1.152921504606847e+18",
    "1.8446744073709552e+19", "1e+22", "8.5e+22", "1e+23", "0.000095", "0.00001", "0.000010000000000000003",
    "9.999999999999999e-6", "-1e-7", "5.5895e-12", "8.98846567431158e+307", "1.7976931348623157e+308",
    "2.2250738585072014e-308", "2.225073858507201e-308", "5e-324",
)  # fmt: skip


@cache
def check_polars() -> None:
    """Raises UsageError where this version of polars spells a float in another way: the bytes of output would depend on
    who wrote it."""
    import polars as pl

    values = pl.Series("x", [float(text) for text in SPELLED])
    written = values.to_frame().write_csv(include_header=False).split("\n")[:-1]
    for way in (written, values.cast(pl.String).to_list()):
        for right, text in zip(SPELLED, way, strict=True):
            if text != right:
                what = f"polars {pl.__version__} writes {right} as {text}: output would differ from that of other ones"
                raise UsageError(what, "pip install 'polars>=2,<3' installs one that is known")
