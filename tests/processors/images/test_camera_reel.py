"""The last seconds of the cameras, within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from processors.images.camera_reel import KEEP_S, LIMIT_BYTES, CameraPicture, CameraReel
from processors.pictures import CodedPictures, Jpeg


def coded(size: int, at: float, peer_id: str = "ada") -> CameraPicture:
    return CameraPicture(CodedPictures("VP8", (bytes(size),)), at, peer_id)


def test_between_and_newest() -> None:
    reel = CameraReel()
    for at in range(5):
        reel.add(coded(10, float(at), "ada" if at % 2 else "ben"))
    assert [one.at for one in reel.between(1, 3, 4)] == [1, 2, 3]
    assert [one.at for one in reel.between(1, 3, 4, "ben")] == [2]
    newest, of_ada = reel.newest(4), reel.newest(4, "ada")
    assert newest is not None and of_ada is not None
    assert (newest.at, of_ada.at) == (4, 3)
    assert reel.newest(4, "cy") is None


def test_what_is_old_is_gone() -> None:
    reel = CameraReel()
    reel.add(coded(10, 0.0))
    reel.add(coded(10, KEEP_S))
    assert reel.counters.too_old == 0
    assert reel.between(0, 100, KEEP_S + 0.1) != []
    assert reel.newest(2 * KEEP_S + 0.1) is None
    assert (reel.kept_bytes, reel.counters.too_old) == (0, 2)


def test_who_switches_the_camera_off_means_it() -> None:
    reel = CameraReel()
    reel.add(coded(10, 0.0, "ada"))
    reel.add(coded(7, 0.0, "ben"))
    reel.forget("ada")
    assert (reel.newest(0.0, "ada"), reel.kept_bytes) == (None, 7)


def test_a_picture_that_is_too_large_is_refused() -> None:
    reel = CameraReel()
    reel.add(coded(LIMIT_BYTES + 1, 0.0))
    assert (reel.newest(0.0), reel.counters.refused) == (None, 1)
    reel.add(CameraPicture(Jpeg(bytes(9), 4, 3, 4, 3), 0.0))
    assert reel.kept_bytes == 9


@given(st.lists(st.tuples(st.integers(0, 500_000), st.floats(0, 3)), max_size=40))
def test_it_never_holds_more_than_it_may(added: list[tuple[int, float]]) -> None:
    reel = CameraReel()
    now = 0.0
    for size, later in added:
        now += later
        reel.add(coded(size, now))
        kept = reel.between(0, now, now)
        assert reel.kept_bytes == sum(one.size for one in kept) <= LIMIT_BYTES
        assert all(now - one.at <= KEEP_S for one in kept)
