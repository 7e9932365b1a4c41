"""What a job says while it goes, to whoever started it."""

from normcli.pipeline.events import Events

__all__ = ["Events"]
