"""Links to single images."""

import pytest

from pipeline.shares import LIFETIME_S, Shares
from processors.images.memory_store import MemoryStore


async def test_a_link_leads_to_its_image_for_a_while() -> None:
    shares = Shares(MemoryStore())
    share_id, share = await shares.make("room", "image", "image/png", "ab", 100.0)
    assert share.expires_at == 100.0 + LIFETIME_S
    assert await shares.find_untrusted(share_id, 101.0) == share
    assert await shares.find_untrusted(share_id, share.expires_at) is None
    other, _ = await shares.make("room", "image", "image/png", "ab", 100.0)
    assert other != share_id


@pytest.mark.parametrize("guess", ["", "guessed", "../room", "a/b", "x" * 500, "\0"])
async def test_a_guess_leads_nowhere(guess: str) -> None:
    assert await Shares(MemoryStore()).find_untrusted(guess, 0.0) is None


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"[]", b'{"room_id": 1}'])
async def test_damage_leads_nowhere(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    blobs = MemoryStore()
    await blobs.put("shares", "old.json", data)
    assert await Shares(blobs).find_untrusted("old", 0.0) is None
    assert "damaged" in caplog.text
