"""google-cloud-storage against the object store."""
import os

import pytest
from google.api_core import exceptions


def test_small_and_large_uploads_come_back(bucket):
    for size in (0, 1, 1000, 9 << 20):
        data = os.urandom(size)
        blob = bucket.blob(f"data/{size}")
        blob.upload_from_string(data, content_type="application/x-test")
        assert bucket.blob(f"data/{size}").download_as_bytes() == data
        blob.reload()
        assert blob.size == size and blob.crc32c and blob.content_type == "application/x-test"


def test_resumable_upload_in_chunks(bucket, tmp_path):
    path = tmp_path / "large"
    data = os.urandom(3 << 20)
    path.write_bytes(data)
    blob = bucket.blob("resumable", chunk_size=1 << 20)
    blob.upload_from_filename(str(path))
    assert bucket.blob("resumable").download_as_bytes() == data


def test_ranges(bucket):
    bucket.blob("ranged").upload_from_string(b"0123456789")
    assert bucket.blob("ranged").download_as_bytes(start=2, end=4) == b"234"
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        bucket.blob("ranged").download_as_bytes(start=50)


@pytest.mark.parametrize("name", ["with:colon", "a b", "ünïcode/ß", "deep/er/est", "percent%2Fname", "plus+sign"])
def test_names(bucket, name):
    bucket.blob(name).upload_from_string(b"x")
    assert bucket.blob(name).download_as_bytes() == b"x"
    assert name in [blob.name for blob in bucket.client.list_blobs(bucket, prefix=name)]
    bucket.blob(name).delete()
    assert not bucket.blob(name).exists()


def test_list_with_delimiter(bucket):
    for name in ("tree/a", "tree/b/c", "tree/b/d", "tree/e"):
        bucket.blob(name).upload_from_string(b"")
    pages = bucket.client.list_blobs(bucket, prefix="tree/", delimiter="/", page_size=1)
    assert [blob.name for blob in pages] == ["tree/a", "tree/e"]
    assert set(pages.prefixes) == {"tree/b/"}


def test_preconditions(bucket):
    blob = bucket.blob("conditional")
    blob.upload_from_string(b"1", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string(b"2", if_generation_match=0)


def test_errors(bucket):
    with pytest.raises(exceptions.NotFound):
        bucket.blob("missing").download_as_bytes()
    with pytest.raises(exceptions.NotFound):
        bucket.client.get_bucket("no-such-bucket-here")
    with pytest.raises(exceptions.Conflict):
        bucket.client.create_bucket("wire-staging")
    with pytest.raises(exceptions.BadRequest):
        bucket.client.create_bucket("BAD NAME")


def test_a_client_without_credential_is_told_what_to_pass(server):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage
    client = storage.Client(project="wire-project", credentials=AnonymousCredentials())
    with pytest.raises(Exception) as raised:
        client.get_bucket("wire-staging")
    assert "credential" in str(raised.value).lower()
