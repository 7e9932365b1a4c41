"""The report on a fit, and on new data beside it: one page of HTML, with pictures of its own and nothing loaded."""

from normcli.reports.page import NewData, page

__all__ = ["NewData", "page"]
