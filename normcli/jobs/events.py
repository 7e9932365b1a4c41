"""Events of a running job, for its caller."""

from normcli.pipeline.events import Events

__all__ = ["Events"]
