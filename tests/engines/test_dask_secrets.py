"""No secret of a store enters what is sent to a scheduler."""

import pickle
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import normcli
from normcli.engines import Folding, Share
from normcli.errors import UsageError

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAVERYPUBLICNAME", "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-amazon",
    "AWS_SESSION_TOKEN": "t0ken-of-amazon", "AZURE_STORAGE_ACCOUNT_KEY": "s3cr3t-of-azure",
    "AZURE_STORAGE_SAS_TOKEN": "sig=t0ken-of-azure", "GOOGLE_APPLICATION_CREDENTIALS": "/root/g00gle.json",
}  # fmt: skip


class Recorder:
    """A cluster of this process, which keeps all that a scheduler would see."""

    __module__ = "normcli.engines.recorder"

    description = "a recorder"
    worker = str

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def with_warning(self, warning: Callable[[str], None]) -> "Recorder":
        return self

    def map_spans(
        self, work: Callable[[Any, Share], Any], spans: Iterable[Any], *, state: int = 0,
        ready: Callable[[], str] | None = None, folding: Folding | None = None,
    ) -> Generator[Any]:  # fmt: skip
        self.sent += [pickle.dumps(work), pickle.dumps(ready)]
        for span in spans:
            if span is not None:
                result = pickle.dumps(work(span, Share(1, None, lambda: True)))
                self.sent += [pickle.dumps(span), result]
                yield pickle.loads(result)

    def close(self, patience: float) -> bool:
        return True


def test_secrets_of_stores_are_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "in").mkdir()
    for n in range(3):
        pl.DataFrame({"x": [1.0 * n, 2.0, 4.0], "y": ["a", "b", "c"]}).write_csv(tmp_path / "in" / f"{n}.csv")
    recorder, parameters, out = Recorder(), tmp_path / "p.json", f"{tmp_path / 'out'}/"
    normcli.fit(tmp_path / "in", "zscore", params=parameters, engine=recorder)
    normcli.apply(parameters, tmp_path / "in", out, engine=recorder)
    normcli.check(parameters, tmp_path / "in", engine=recorder)
    sent = b"".join(recorder.sent)
    assert b"0.csv" in sent
    for name, value in SECRETS.items():
        assert name.encode() not in sent
        assert value.encode() not in sent


@pytest.mark.parametrize(
    "uri", ["s3://KEY:S3CR3T@bucket/a.csv", "s3://bucket/a.csv?token=S3CR3T", "abfs://c:S3CR3T@a.example/x.csv"]
)
def test_secrets_in_an_address_are_refused_before_anything_is_sent(uri: str, tmp_path: Path) -> None:
    recorder = Recorder()
    with pytest.raises(UsageError) as caught:
        normcli.fit(uri, "zscore", params=tmp_path / "p.json", engine=recorder)
    assert "S3CR3T" not in f"{caught.value} {caught.value.hint}"
    assert recorder.sent == []
