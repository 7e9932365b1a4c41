"""What is to be done, and what was seen. Everything here pickles."""

from normcli.keys import Seen
from normcli.plan.course import Course
from normcli.plan.order import fault
from normcli.plan.states import merged, refined
from normcli.plan.steps import Step, unfitted
from normcli.plan.whole import Form, Measured, Plan, Unseen, raise_first

__all__ = [
    "Course",
    "Form",
    "Measured",
    "Plan",
    "Seen",
    "Step",
    "Unseen",
    "fault",
    "merged",
    "raise_first",
    "refined",
    "unfitted",
]
