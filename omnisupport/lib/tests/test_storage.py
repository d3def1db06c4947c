"""A workspace's files stay in its own folder, on this disk and in an S3 store."""

import pytest
from django.core.files.storage.handler import StorageHandler

from omnisupport.lib.storage import TenantFileStorage

S3 = {
    "BACKEND": "omnisupport.lib.s3.TenantS3Storage",
    "OPTIONS": {"bucket_name": "files", "access_key": "a", "secret_key": "b"},
}


@pytest.mark.parametrize("name", ["a.txt", "/a.txt", "../a.txt", "x/../../a.txt"])
def test_no_name_leads_out_of_the_workspace(shop, tmp_path, name):
    assert TenantFileStorage(location=tmp_path).path(name) == str(tmp_path / shop.schema / "a.txt")
    assert StorageHandler({"default": S3})["default"]._normalize_name(name) == f"{shop.schema}/a.txt"


def test_a_name_of_another_workspace_is_not_its_folder(shop, rival):
    stored = StorageHandler({"default": S3})["default"]._normalize_name(f"{rival.schema}/a.txt")
    assert stored == f"{shop.schema}/{rival.schema}/a.txt"
