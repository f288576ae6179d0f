from hypothesis import given
from hypothesis import strategies as st

from processors.images.pixels import Picture
from processors.images.store import ImageStore, MemoryStore


def picture(size: int) -> Picture:
    return Picture("image/png", b"x" * size, 1, 1)


def test_what_was_put_can_be_got() -> None:
    store: ImageStore = MemoryStore()
    kept = picture(3)
    store.put("a", kept)
    assert store.get("a") is kept
    assert store.get("b") is None


def test_the_one_unused_for_longest_goes_first() -> None:
    store = MemoryStore(limit_bytes=30)
    for image_id in "abc":
        store.put(image_id, picture(10))
    store.get("a")
    store.put("d", picture(10))
    assert [image_id for image_id in "abcd" if store.get(image_id)] == ["a", "c", "d"]
    assert (store.counters.evicted, store.kept_bytes) == (1, 30)


def test_one_large_image_may_cost_several() -> None:
    store = MemoryStore(limit_bytes=30)
    for image_id in "abc":
        store.put(image_id, picture(10))
    store.put("d", picture(25))
    assert [image_id for image_id in "abcd" if store.get(image_id)] == ["d"]
    assert store.counters.evicted == 3


def test_the_newest_is_kept_whatever_its_size() -> None:
    store = MemoryStore(limit_bytes=30)
    store.put("a", picture(10))
    store.put("b", picture(100))
    assert store.get("a") is None
    assert store.get("b") is not None


def test_the_same_id_again_replaces_and_is_counted_once() -> None:
    store = MemoryStore()
    store.put("a", picture(10))
    store.put("a", picture(4))
    assert store.kept_bytes == 4


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20)), max_size=30))
def test_the_limit_holds_and_the_count_is_right(puts: list[tuple[str, int]]) -> None:
    store = MemoryStore(limit_bytes=40)
    for image_id, size in puts:
        store.put(image_id, picture(size))
        assert store.get(image_id) is not None
        kept = [store.get(other) for other in "abcdef"]
        assert store.kept_bytes == sum(len(p.data) for p in kept if p is not None)
        assert store.kept_bytes <= 40
