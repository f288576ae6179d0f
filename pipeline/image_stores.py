"""Which store the settings mean, opened."""

import logging
import os
import secrets
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from pipeline.metrics import Metrics
from pipeline.service_settings import ServiceSettings
from pipeline.shares import FOLDER as SHARES
from processors.images.folder_store import FolderStore
from processors.images.memory_store import CachedStore, MemoryStore
from processors.images.s3_store import S3Store
from processors.images.store import BlobStore, StoreFailed

OWN_FOLDER: Final = "easel/images"
KEYS: Final = "service"
SIGNING_KEY: Final = "signing-key"
KEY_BYTES: Final = 32

logger = logging.getLogger(__name__)


async def open_blobs(
    settings: ServiceSettings, stack: AsyncExitStack, metrics: Metrics
) -> BlobStore:
    """`stack` closes it. Raises `StoreFailed` when it cannot be used as the settings want it."""
    cache = MemoryStore(settings.storage_cache_bytes)
    metrics.watch("storage_memory", cache.counters)
    store: BlobStore
    match settings.storage:
        case "memory":
            cache.limit_bytes = settings.storage_max_bytes
            store = cache
        case "s3":
            behind = S3Store(
                settings.s3_bucket or "",
                prefix=settings.s3_prefix,
                endpoint_url=settings.s3_endpoint_url,
                region=settings.s3_region,
            )
            await behind.open()
            store = CachedStore(behind, cache)
        case _:
            store = await _folder(settings, cache, metrics)
    stack.push_async_callback(store.close)
    return store


async def _folder(settings: ServiceSettings, cache: MemoryStore, metrics: Metrics) -> BlobStore:
    named = settings.storage_folder
    folder = FolderStore(
        Path(named) if named is not None else _own_folder(),
        max_bytes=settings.storage_max_bytes,
        max_age_s=settings.storage_max_age_h * 3600,
        spared=frozenset({KEYS}),
        apart=frozenset({SHARES}),
    )
    try:
        await folder.open()
    except StoreFailed as error:
        if named is not None:
            raise
        logger.warning("%s; images are kept in memory, and lost with the service", error)
        cache.limit_bytes = settings.storage_max_bytes
        return cache
    metrics.watch("storage_folder", folder.counters)
    return CachedStore(folder, cache)


def _own_folder() -> Path:
    """Where the XDG Base Directory Specification keeps what should survive a restart."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / OWN_FOLDER


async def signing_key(settings: ServiceSettings, blobs: BlobStore) -> bytes:
    """The same after a restart, where the store outlives the service and is the service's own."""
    if settings.signing_key is not None:
        return settings.signing_key.get_secret_value().encode()
    if settings.storage != "folder":
        return secrets.token_bytes(KEY_BYTES)
    kept = await blobs.get(KEYS, SIGNING_KEY)
    if kept is not None and len(kept) == KEY_BYTES:
        return kept
    key = secrets.token_bytes(KEY_BYTES)
    await blobs.put(KEYS, SIGNING_KEY, key)
    return key
