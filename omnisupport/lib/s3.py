"""A workspace's files in an S3 store. Apart from the other storage: boto3 is a quarter of a process's start and 30 MB of it."""

from storages.backends.s3 import S3Storage

from omnisupport.lib.storage import tenant_path


class TenantS3Storage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    def _normalize_name(self, name: str) -> str:
        return str(super()._normalize_name(tenant_path(name)))
