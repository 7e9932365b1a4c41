"""What is to be done, and what was seen. Everything here pickles."""

from normcli.keys import Seen
from normcli.plan.course import Course
from normcli.plan.order import fault
from normcli.plan.rules import Rules, Unseen, is_training, override_of, parameters_of
from normcli.plan.states import merged, refined
from normcli.plan.steps import Step, unfitted
from normcli.plan.whole import Form, Measured, Plan, raise_first

__all__ = [
    "Course",
    "Form",
    "Measured",
    "Plan",
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
