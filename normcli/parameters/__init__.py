"""Parameters: what a fit has learned, step by step; and the plan that asks for it. Everything here pickles."""

from normcli.parameters.keys import Seen
from normcli.parameters.lineage import ColumnLineage
from normcli.parameters.order import fault
from normcli.parameters.parameters import Form, Measured, Parameters, raise_first
from normcli.parameters.rules import Rules, Unseen, is_training, override_of, parameters_of
from normcli.parameters.states import merged, refined
from normcli.parameters.steps import Step, unfitted

__all__ = [
    "ColumnLineage",
    "Form",
    "Measured",
    "Parameters",
    "Rules",
    "Seen",
    "Step",
    "Unseen",
    "fault",
    "is_training",
    "merged",
    "override_of",
    "parameters_of",
    "raise_first",
    "refined",
    "unfitted",
]
