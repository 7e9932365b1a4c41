"""The text of the progress line."""

from __future__ import annotations

from msgspec import Struct

from normcli.cli._terminal import cells, shortened
from normcli.errors import printable, size

BAR, LEAST = 20, 12  # cells of the bar, and the minimum of a shortened name


class Status(Struct, frozen=True):
    """The progress of a run: `done` of `total` (None: unknown) bytes (unit B) or rows, and the recent `rate` per
    second."""

    activity: str
    name: str = ""  # of the input that is being read
    number: int = 1  # of this input, from 1
    inputs: int = 1
    done: int = 0
    total: int | None = None
    unit: str = "B"
    rows: int = 0
    rate: float = 0.0
    seconds: float = 0.0

    @property
    def share(self) -> float | None:
        """The completed share, from 0 to 1; None if the total is unknown."""
        return min(self.done / self.total, 1.0) if self.total else None

    def line(self, room: int) -> str:
        """The line in at most `room` cells: the least important parts are dropped first, and the name is shortened in
        the middle."""
        number = f" ({self.number:,} of {self.inputs:,})" if self.inputs > 1 else ""
        parts = {
            "what": self.activity, "name": printable(self.name) + number, "bar": self._bar(), "share": self._share(),
            "amount": self._amount(), "rows": f"{self.rows:,} rows" if self.rows and self.unit == "B" else "",
            "rate": self._rate(), "time": self._time(),
        }  # fmt: skip
        for part in ("", "bar", "rows", "rate", "amount"):
            parts.pop(part, None)
            rest = "  ".join(text for what, text in parts.items() if text and what != "name")
            left = room - cells(rest) - 2 - cells(number)
            if left >= min(LEAST, cells(parts["name"])):
                break
        parts["name"] = shortened(printable(self.name), max(left, 0)) + number
        return shortened("  ".join(text for text in parts.values() if text), room)

    def _bar(self) -> str:
        if self.share is None:
            return ""
        full = int(self.share * BAR)
        return "━" * full + "─" * (BAR - full)

    def _share(self) -> str:
        return "" if self.share is None else f"{int(self.share * 100):3} %"

    def _amount(self) -> str:
        if self.total is None:
            return f"{self._counted(self.done)} read" if self.done else "waiting for data"
        done = min(self.done, self.total)
        return f"{self._counted(done) if self.unit == 'B' else f'{done:,}'} of {self._counted(self.total)}"

    def _rate(self) -> str:
        return f"{self._counted(self.rate)}/s" if self.rate else ""

    def _time(self) -> str:
        """The remaining time, or the elapsed time if the total is unknown."""
        if self.total is None:
            return clock(self.seconds)
        left = self.total - self.done
        return f"{clock(left / self.rate)} left" if self.rate and left > 0 else ""

    def _counted(self, count: float) -> str:
        return size(count) if self.unit == "B" else f"{count:,.0f} {self.unit}"


def clock(seconds: float) -> str:
    """A duration as 0:07, 12:34 or 5:06:07."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:,}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
