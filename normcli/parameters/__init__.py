"""Parameters: fitted steps, and the plan that defines them. Everything here can be pickled."""

from normcli.parameters import marks
from normcli.parameters.frame_transform import Form, FrameTransform
from normcli.parameters.keys import StepStates
from normcli.parameters.lineage import ColumnLineage
from normcli.parameters.marks import is_training, override_of, parameters_of
from normcli.parameters.matrices import raise_first
from normcli.parameters.measuring import Measured, measure
from normcli.parameters.parameters import Parameters
from normcli.parameters.rules import Rules, Unseen
from normcli.parameters.states import merged, refined
from normcli.parameters.steps import Step, unfitted

__all__ = [
    "ColumnLineage",
    "Form",
    "FrameTransform",
    "Measured",
    "Parameters",
    "Rules",
    "Step",
    "StepStates",
    "Unseen",
    "is_training",
    "marks",
    "measure",
    "merged",
    "override_of",
    "parameters_of",
    "raise_first",
    "refined",
    "unfitted",
]
