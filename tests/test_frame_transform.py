"""FrameTransform: parameters in one direction, as they are handed to workers."""

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from normcli.blocks.block import Block
from normcli.columns import Field
from normcli.columns.arrow_frame import ArrowFrame
from normcli.methods import Method
from normcli.methods.asinh import Asinh
from normcli.methods.decorrelate import Decorrelate
from normcli.methods.minmax import MinMax
from normcli.methods.whiten import Whiten
from normcli.methods.zscore import ZScore
from normcli.parameters import Form, FrameTransform, Parameters, Step
from normcli.parameters import file as params

DATA = np.random.default_rng(14).normal(3.0, 2.0, (40, 3))
NAMES = ("a", "b", "c")
FRAME = ArrowFrame(pa.RecordBatch.from_arrays([pa.array(x) for x in DATA.T], names=list(NAMES)))
METHODS: list[Method] = [ZScore(), MinMax(), Asinh(), Whiten(), Decorrelate()]
FORMS = st.builds(Form, st.sampled_from([None, "float32"]), st.sampled_from(["", "_n"]))
TRANSFORMS = st.builds(lambda method, form: FrameTransform(parameters(method), form), st.sampled_from(METHODS), FORMS)


def parameters(method: Method) -> Parameters:
    step = Step(method, NAMES)
    fitted = step.learn(step.measure(Block.of(DATA)))
    return Parameters((fitted,), tuple(Field(name, "float64") for name in NAMES), rows=len(DATA))


def outcome(transform: FrameTransform, frame: ArrowFrame) -> pa.RecordBatch:
    (result,) = transform.transform([frame], "error", texts=[frame]).frames
    return result.to_arrow()


@given(TRANSFORMS)
def test_each_direction_needs_what_the_other_gives(transform: FrameTransform) -> None:
    back = replace(transform, inverse=True)
    assert (back.needs(), back.gives()) == (transform.gives(), transform.needs())
    made = outcome(transform, FRAME)
    assert set(transform.gives()) <= set(made.schema.names)
    restored = outcome(back, ArrowFrame(made))
    assert set(back.gives()) <= set(restored.schema.names)
    tolerance = 1e-12 if transform.form.dtype is None else 1e-5
    for name, x in zip(NAMES, DATA.T, strict=True):
        np.testing.assert_allclose(restored.column(name).to_numpy(), x, atol=tolerance * np.abs(DATA).max())


@given(TRANSFORMS, st.booleans(), st.booleans())
def test_workers_that_unpickle_it_make_the_same(transform: FrameTransform, inverse: bool, used: bool) -> None:
    frame = ArrowFrame(outcome(transform, FRAME)) if inverse else FRAME
    transform = replace(transform, inverse=inverse)
    if used:  # what it has worked out by then goes with it
        outcome(transform, frame)
    assert outcome(pickle.loads(pickle.dumps(transform)), frame).equals(outcome(transform, frame))


def test_it_is_frozen() -> None:
    transform = FrameTransform(parameters(ZScore()))
    for field in fields(transform):
        with pytest.raises(AttributeError):
            setattr(transform, field.name, None)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_parameters_are_what_their_file_holds(method: Method) -> None:
    """Every field, whatever they were used for before."""
    fitted = params.sealed(parameters(method))
    outcome(FrameTransform(fitted, Form("float32", "_n", text=True)), FRAME)
    read = params.read(params.write(fitted))
    names = fitted.__struct_fields__
    assert [(n, repr(getattr(read, n))) for n in names] == [(n, repr(getattr(fitted, n))) for n in names]
