"""Where data are: paths of this machine, and URIs of objects."""

from normcli.io.stores import is_uri, plain

__all__ = ["is_uri", "plain"]
