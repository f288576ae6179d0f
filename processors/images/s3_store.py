"""Images in a bucket of S3, or of anything that speaks it. boto3 comes with the extra `s3`.

Credentials come from where boto3 finds them: AWS_ACCESS_KEY_ID, a profile, the machine's role. How
long images are kept is the bucket's lifecycle to say.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from processors.images.store import StoreFailed, checked

THREADS: Final = 8
CONNECT_LIMIT_S: Final = 5.0
READ_LIMIT_S: Final = 10.0
TRIES: Final = 3
DELETED_AT_ONCE: Final = 1000  # by one request, as S3 allows

T = TypeVar("T")


class S3Missing(StoreFailed):
    """boto3 is not installed."""


class S3Store:
    """`prefix` goes before every key. Raises `S3Missing`."""

    def __init__(
        self, bucket: str, *, prefix: str = "", endpoint_url: str | None, region: str | None
    ) -> None:
        try:
            import boto3  # type: ignore[import-untyped]  # it ships no types
            from botocore.config import (  # type: ignore[import-untyped]  # as above
                Config,
            )
        except ImportError:
            raise S3Missing("images in S3 need boto3: pip install 'easel[s3]'") from None
        self._bucket = bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        config = Config(
            connect_timeout=CONNECT_LIMIT_S,
            read_timeout=READ_LIMIT_S,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            max_pool_connections=THREADS,
        )
        self._client: Any = boto3.client(
            "s3", endpoint_url=endpoint_url, region_name=region, config=config
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")

    @property
    def outlives_the_process(self) -> bool:
        return True

    async def open(self) -> None:
        """Raises `StoreFailed` where the bucket cannot be reached."""
        await self._call(lambda: self._client.head_bucket(Bucket=self._bucket))

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def put(self, folder: str, name: str, data: bytes) -> None:
        key = self._key(folder, name)
        await self._call(lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=data))

    async def get(self, folder: str, name: str) -> bytes | None:
        key = self._key(folder, name)
        return await self._call(lambda: self._read(key))

    async def delete(self, folder: str, name: str) -> None:
        key = self._key(folder, name)
        await self._call(lambda: self._client.delete_object(Bucket=self._bucket, Key=key))

    async def names(self, folder: str) -> list[str]:
        checked(folder)
        start = f"{self._prefix}{folder}/"
        keys = await self._call(lambda: self._keys(start))
        return [key.removeprefix(start) for key in keys]

    async def folders(self) -> list[str]:
        return await self._call(self._folders)

    async def delete_folder(self, folder: str) -> None:
        checked(folder)
        await self._call(lambda: self._delete_all(f"{self._prefix}{folder}/"))

    def _key(self, folder: str, name: str) -> str:
        checked(folder, name)
        return f"{self._prefix}{folder}/{name}"

    def _read(self, key: str) -> bytes | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        with found["Body"] as body:
            data: bytes = body.read()
            return data

    def _keys(self, start: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._bucket, Prefix=start)
        return [one["Key"] for page in found for one in page.get("Contents", ())]

    def _folders(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/")
        starts = [one["Prefix"] for page in found for one in page.get("CommonPrefixes", ())]
        return [start.removeprefix(self._prefix).rstrip("/") for start in starts]

    def _delete_all(self, start: str) -> None:
        keys = self._keys(start)
        for at in range(0, len(keys), DELETED_AT_ONCE):
            objects = [{"Key": key} for key in keys[at : at + DELETED_AT_ONCE]]
            self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects})

    async def _call(self, work: Callable[[], T]) -> T:
        from botocore.exceptions import (  # type: ignore[import-untyped]  # as above
            BotoCoreError,
            ClientError,
        )

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (BotoCoreError, ClientError) as error:
            # Never its words: they may hold the key's name.
            raise StoreFailed(f"the store of images fails: {type(error).__name__}") from error
