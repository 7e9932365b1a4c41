"""Stores that can't be reached, or let nobody in: said in one line, whatever their libraries would do."""

import pytest

from tests.cli.conftest import Workspace

KEY, GOOGLE = "AZURE_STORAGE_KEY", "GOOGLE_APPLICATION_CREDENTIALS"
NOBODY = {
    "AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://127.0.0.1:9/c;AccountName=a",
    "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
    "GCE_METADATA_ROOT": "127.0.0.1:9",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
}


@pytest.mark.parametrize(
    ("uri", "env", "why"),
    [
        ("abfs://c/x.csv", {}, "there are no credentials that work: AZURE_STORAGE_KEY, "),
        ("abfs://c/x.csv", {KEY: "no base64"}, f"{KEY}, or the AccountKey of AZURE_STORAGE_CONNECTION_STRING, is not"),
        ("gs://b/x.csv", {}, "there are no credentials: GOOGLE_APPLICATION_CREDENTIALS names a file of them, "),
        ("gs://b/x.csv", {GOOGLE: "nosuch"}, "google::cloud::Status(UNKNOWN: Permanent error"),
        ("s3://b/x.csv", {}, "AWS Error NETWORK_CONNECTION"),
        ("s3://b/x.csv", {"AWS_ENDPOINT_URL": "no://way", "AWS_MAX_ATTEMPTS": "9" * 30}, "Invalid S3 connection"),
    ],
)
def test_a_store_that_lets_nobody_in_ends_no_process(
    workspace: Workspace, uri: str, env: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a library would do: every way to read is 66, to write 73, in one line."""
    workspace.params()
    for name in (GOOGLE, "GOOGLE_GCLOUD_ADC_PATH_OVERRIDE", "STORAGE_EMULATOR_HOST", KEY, "AZURE_STORAGE_SAS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    changes = {"HOME": str(workspace.path), **NOBODY, **env}
    lines = [("apply", "table.csv", "-p", uri, "-o", "z.csv"), ("fit", uri, "-m", "zscore", "-p", "q.json")]
    lines += [("merge", uri, "p.json", "-o", "q.json"), ("fit", uri.replace("x.csv", "*.csv"), "-m", "zscore")]
    for line in lines:
        message = workspace.fails(66, *line, env=changes)
        assert message.startswith(uri[: uri.rindex("/")])
        assert f": {why}" in message
    if not uri.startswith("abfs"):  # which is not written
        message = workspace.fails(73, "fit", "table.csv", "-m", "zscore", "-p", "p.json", "-o", uri, env=changes)
        assert message.startswith(f"{uri}: {why}")
