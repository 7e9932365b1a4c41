"""The style of the page: a neutral scale and one accent, light and dark, on paper black on white."""

from collections.abc import Mapping

LIGHT = {
    "ground": "#ffffff",
    "raised": "#f6f7f8",
    "text": "#1a1e23",
    "quiet": "#59636e",  # captions, labels of axes
    "rule": "#dde1e5",
    "area": "#d5dae0",  # of the fit
    "edge": "#6f7a86",  # of areas, and lines of the fit
    "accent": "#0a5ea8",  # new data, and drift
    "warm": "#b35900",  # below zero
}
DARK = {
    "ground": "#15181b",
    "raised": "#1d2125",
    "text": "#e6e9ec",
    "quiet": "#a3adb7",
    "rule": "#343b42",
    "area": "#3c444c",
    "edge": "#8d98a3",
    "accent": "#6cb2f3",
    "warm": "#e39a4b",
}
MIXES = (0.14, 0.3, 0.5, 0.74, 1.0)  # of a heat map, by size


def style() -> str:
    """All rules of the page."""
    levels = "".join(f".h{sign}{i}{{fill:var(--{sign}{i})}}" for sign in "pn" for i in range(1, len(MIXES) + 1))
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    return f":root{{color-scheme:light dark;{_variables(LIGHT)}}}{dark}{_packed(RULES)}{levels}{_packed(PAPER)}"


def _variables(colours: Mapping[str, str]) -> str:
    """The colours, and those of a heat map, which are mixed with the ground here, as not every browser can."""
    mixes = {
        f"{sign}{i}": mixed(colours["ground"], colours[strong], share)
        for sign, strong in (("p", "accent"), ("n", "warm"))
        for i, share in enumerate(MIXES, 1)
    }
    return ";".join(f"--{name}:{colour}" for name, colour in {**colours, **mixes}.items())


def mixed(first: str, second: str, share: float) -> str:
    """A colour between two, with this share of the second."""
    both = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in both)


def _packed(rules: str) -> str:
    return "".join(line.strip() for line in rules.splitlines())


RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem clamp(1rem,3vw,3rem) 4rem;max-width:150rem;background:var(--ground);
color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
font-variant-numeric:tabular-nums lining-nums}
h1{font-size:1.5rem;font-weight:600;line-height:1.25;margin:0 0 .25rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.1rem;font-weight:600;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--rule)}
h3{font-size:.95rem;font-weight:600;margin:0 0 .5rem;display:flex;gap:.5em;align-items:baseline;min-width:0}
h4{font-size:.8rem;font-weight:600;margin:0 0 .25rem}
h3 bdi,h4 bdi,th bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0}
h4 bdi,th bdi{display:inline-block;max-width:100%;vertical-align:bottom}
th bdi{max-width:14rem}
p{max-width:46rem;margin:.25rem 0 .75rem}
small,figcaption,summary,.legend{color:var(--quiet);font-size:.8rem;font-weight:400}
a{color:var(--accent);text-underline-offset:.15em;text-decoration-thickness:1px}
b{color:var(--accent);font-weight:600}
h3 b{font-size:.75rem;border:1px solid;border-radius:2px;padding:0 .35em}
code{font:.9em ui-monospace,"SFMono-Regular",Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1.25rem;margin:1rem 0;max-width:60rem}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
ul{margin:.25rem 0 1rem;padding-left:1.1rem;max-width:60rem}
li{overflow-wrap:anywhere}
table{border-collapse:collapse;font-size:.75rem;line-height:20px}
td,th{padding:0 0 0 .65rem;text-align:right;font-weight:400;white-space:nowrap}
th{color:var(--quiet)}
tr>:first-child{text-align:left;padding-left:0}
.list th:first-child{color:var(--text)}
a bdi{text-decoration:underline}
.list tr:hover{background:var(--raised)}
.wide{overflow-x:auto;max-width:100%}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,34rem),1fr));gap:1rem}
article{border:1px solid var(--rule);border-radius:3px;padding:.75rem 1rem 1rem;min-width:0;contain:layout}
.row{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,9.25rem),1fr));gap:.5rem 1rem}
.part .row{grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1.5rem}
.part figure{max-width:44rem}
.keys{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,10rem),1fr));
gap:1rem 1.25rem;margin:0 0 1.5rem}
figure{margin:0;min-width:0}
.part .plot{margin:1.5rem 0;max-width:26rem}
.row p,figcaption{line-height:1.35;margin:.1rem 0 0}
.row>p{color:var(--quiet);font-size:.8rem}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--quiet);font-size:10px;text-anchor:middle}
svg .b{text-anchor:start}
svg .e{text-anchor:end}
.tables{display:flex;flex-wrap:wrap;gap:1rem 1.25rem;margin-top:.75rem}
.drift{display:flex;align-items:flex-start}
svg.bars{width:72px;margin:21px 0 0 .65rem;flex:none}
path{fill:none}
.f{fill:var(--area);stroke:var(--edge);stroke-width:.75}
.n{stroke:var(--accent);stroke-width:1.5;stroke-linejoin:round}
.fl{stroke:var(--edge);stroke-width:2.5}
.nl{stroke:var(--accent);stroke-width:2.5}
.x{stroke:var(--edge);stroke-width:.75}
.d{stroke:var(--edge);stroke-width:.75;stroke-dasharray:3 2}
.q{stroke:var(--text);stroke-width:1.5;stroke-linejoin:round}
.g{stroke:var(--ground);stroke-width:2}
.w,.r{stroke:var(--edge);stroke-width:10}
.r{stroke:var(--accent)}
.v{fill:var(--accent)}
.t{stroke:var(--text);stroke-width:1.5}
.o{stroke:var(--edge);stroke-width:.5;vector-effect:non-scaling-stroke}
.m{stroke:var(--text);stroke-width:1;vector-effect:non-scaling-stroke}
.k{fill:var(--raised)}
.u{stroke:var(--edge);stroke-width:1.5}
.p{stroke:var(--accent);stroke-width:6;stroke-linecap:round}
svg.dots{width:170px;margin:21px 1.5rem 0 0;flex:none}
.map{max-width:44rem}
.legend i{display:inline-block;width:1.6em;height:.7em;margin:0 .3em 0 .8em;border:1px solid var(--edge);
background:var(--area)}
.legend i.n{background:none;border:0;border-top:2px solid var(--accent);height:.3em}
summary{cursor:pointer}
"""
PAPER = """
@page{margin:14mm}
@media print{
body{padding:0;font-size:9.5pt}
article,.keys figure,tr{break-inside:avoid}
h2,h3{break-after:avoid}
a{color:inherit;text-decoration:none}
.grid{grid-template-columns:1fr}
path,b,i{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.wide{overflow:visible}
}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}}
"""
