"""All that can be done with a parameter file: no bug comes of it, and no number that is silently none."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from normcli import columns
from normcli.blocks.record import Array
from normcli.columns import Frame
from normcli.columns.arrow_frame import ArrowFrame
from normcli.errors import BadRowError, NormcliError
from normcli.parameters import FrameTransform, Parameters, measure
from normcli.parameters import file as params
from normcli.pipeline import learning, merging
from normcli.pipeline.work import Result

VALUES = np.array([0.0, 1.0, 2.5, 0.001, 7.0, 40.0, 3.0, 1e6])


def frame_for(plan: Parameters) -> Frame:
    """(8 rows) Every column that the plan needs, its lists as long as they were; and its first keys."""
    made: dict[str, pa.Array] = {}
    for j, name in enumerate(plan.needs()):
        x = np.roll(VALUES, 3 * j)
        x = np.rint(x) if plan.types[name].startswith("int") else x  # else it could not come back
        length = next((s.length for s in plan.steps if name in s.columns), None)
        rows = [np.roll(x, k)[np.arange(length) % 8].tolist() for k in range(8)] if length else x
        made[name] = pa.array(rows, pa.list_(pa.float64(), length) if length else pa.float64())
    for j, name in enumerate(plan.by):
        made[name] = pa.array([plan.keys[i % len(plan.keys)][j] for i in range(8)], pa.string())
    if plan.weights is not None:
        made.setdefault(plan.weights, pa.array(np.ones(8)))
    return ArrowFrame(pa.RecordBatch.from_arrays(list(made.values()), names=list(made)))


def refused(work: Callable[[], object]) -> bool:
    """Whether it was, in words. Whatever else is raised is a bug, and goes on."""
    code = 0
    try:
        work()
    except NormcliError as e:
        code = e.code
    except BadRowError:
        code = 65
    assert code in (0, 2, 65)
    return code != 0


def put_to_use(plan: Parameters) -> dict[str, bool]:
    """Each use of a plan, and whether it was refused. Raises AssertionError where a value came out as none, or what was
    written can't be read."""
    frame, ended = frame_for(plan), dict[str, bool]()
    made: list[Frame] = []

    def apply() -> None:
        with np.errstate(all="ignore"):
            made.extend(FrameTransform(plan).transform([frame], "error", texts=[columns.with_texts(frame, ())]).frames)

    def inverse() -> None:
        plan.check_invertible()
        with np.errstate(all="ignore"):
            back = FrameTransform(plan, inverse=True)
            back.transform(made, "error", texts=[columns.with_texts(made[0], ())])

    def merge() -> None:
        check_file(merging.merge([("one", plan), ("two", plan)], allow_duplicates=True))

    def update() -> None:
        total = learning.Total(plan)
        with np.errstate(all="ignore"):
            measured = measure(plan, [frame], "error", texts=[columns.with_texts(frame, ())])
            types = learning.types_of(plan)
            result = Result(last=True, rows=8, types=types, measured=measured, can_end_segment=True)
            total.take(result, frame.names)
        check_file(total.learned())

    for step, there in zip(plan.steps, plan.schemas, strict=True):
        for group in range(1 + len(plan.keys)):
            params.described(step, there, group)
    check_file(plan)
    ended["apply"] = refused(apply)
    if made:
        check_numbers(plan, made[0])
        ended["inverse"] = refused(inverse)
    if plan.learns:
        ended["merge"] = refused(merge)
        ended["update"] = refused(update)
    return ended


def check_file(plan: Parameters) -> None:
    """What is written of a plan is read, and is what was written."""
    written = params.write(plan)
    assert params.write(params.read(written)) == written


def check_numbers(plan: Parameters, made: Frame) -> None:
    """Where something had been learned, there are finite numbers."""
    learned = [getattr(s.transform, name) for s in plan.steps for name in s.transform.axes()]
    if any(0 in counts for counts in known(plan)) or any(np.isnan(values).any() for values in learned):
        return
    for name in FrameTransform(plan).gives():
        column = made.to_arrow().column(name)
        values: Array = (column.flatten() if pa.types.is_nested(column.type) else column).to_numpy(zero_copy_only=False)
        assert column.null_count == 0, (name, column)
        assert np.isfinite(values).all(), (name, values)


def known(plan: Parameters) -> Sequence[set[object]]:
    """How many values each column is said to have had, for all rows and each key."""
    steps = list(zip(plan.steps, plan.schemas, strict=True))
    every = [params.described(s, there, g) for s, there in steps for g in range(1 + len(plan.keys))]
    return [{entry.get("count") for entry in said.values()} for said in every]
