"""google-cloud-storage's rarer calls: those that scripts use once their data is staged."""
import io
import os

import pytest
from google.api_core import exceptions


@pytest.mark.parametrize("checksum", ["md5", "crc32c", None])
def test_checksums(bucket, checksum):
    bucket.blob("sum").upload_from_string(b"x" * 1000, checksum=checksum)
    assert bucket.blob("sum").download_as_bytes(checksum=checksum) == b"x" * 1000


def test_a_stream_of_unknown_size(bucket):
    blob = bucket.blob("stream", chunk_size=256 << 10)
    with blob.open("wb") as file:
        for _ in range(7):
            file.write(b"q" * 100_000)
    with bucket.blob("stream").open("rb") as file:
        assert file.read() == b"q" * 700_000
        file.seek(-3, os.SEEK_END)
        assert file.read() == b"qqq"


def test_download_in_chunks(bucket):
    data = os.urandom(2 << 20)
    bucket.blob("chunks").upload_from_string(data)
    output = io.BytesIO()
    bucket.blob("chunks", chunk_size=3 << 18).download_to_file(output)
    assert output.getvalue() == data


def test_attributes(bucket):
    blob = bucket.blob("attributes")
    blob.upload_from_string(b"x")
    blob.metadata = {"k": "v"}
    blob.cache_control = "no-store"
    blob.patch()
    blob = bucket.get_blob("attributes")
    assert (blob.metadata, blob.cache_control, blob.metageneration) == ({"k": "v"}, "no-store", 2)


def test_copy_rewrite_compose_rename(bucket):
    bucket.blob("part").upload_from_string(b"new")
    bucket.copy_blob(bucket.blob("part"), bucket, "copied")
    token, done, total = bucket.blob("rewritten").rewrite(bucket.blob("part"))
    assert (token, done, total) == (None, 3, 3)
    bucket.blob("composed").compose([bucket.blob("part"), bucket.blob("copied")])
    assert bucket.blob("composed").download_as_bytes() == b"newnew"
    bucket.rename_blob(bucket.blob("rewritten"), "renamed")
    assert bucket.get_blob("rewritten") is None and bucket.get_blob("renamed").size == 3


def test_policy_and_permissions(bucket):
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"user:a@b.c"}})
    bucket.set_iam_policy(policy)
    assert len(bucket.get_iam_policy(requested_policy_version=3).bindings) == len(policy.bindings)
    wanted = ["storage.objects.get", "storage.buckets.delete"]
    assert bucket.test_iam_permissions(wanted) == wanted


@pytest.mark.parametrize("name", ["a//b", "a/../b", "/leading", "x" * 300])
def test_a_name_that_is_no_path_is_refused(bucket, name):
    with pytest.raises(exceptions.BadRequest, match="Invalid object name"):
        bucket.blob(name).upload_from_string(b"x")


def test_what_is_not_served_is_said(bucket):
    bucket.blob("private").upload_from_string(b"x")
    with pytest.raises(exceptions.MethodNotImplemented, match="Batches"):
        with bucket.client.batch():
            bucket.blob("private").delete()
    with pytest.raises(exceptions.BadRequest, match="uniform bucket-level access"):
        bucket.blob("private").make_public()
    with pytest.raises(exceptions.Conflict, match="not empty"):
        bucket.delete()
