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


def test_what_finds_no_room_pushes_the_oldest_out() -> None:
    reel = CameraReel(limit_bytes=25)
    for at in range(3):
        reel.add(coded(10, float(at)))
    assert [one.at for one in reel.between(0, 9, 2)] == [1, 2]
    assert (reel.kept_bytes, reel.counters.evicted) == (20, 1)


def test_one_that_comes_late_takes_its_place() -> None:
    reel = CameraReel()
    for at in (1.0, 3.0, 2.0):
        reel.add(coded(10, at))
    assert [one.at for one in reel.between(0, 9, 3)] == [1, 2, 3]
    reel.add(coded(10, 3.0 - KEEP_S - 0.1))
    assert reel.counters.too_old == 1
    assert [one.at for one in reel.between(-9, 9, 3)] == [1, 2, 3]


def test_a_still_screen_is_held_once() -> None:
    reel, screen = CameraReel(limit_bytes=25), Jpeg(bytes(20), 4, 3, 4, 3)
    for at in range(5):
        reel.add(CameraPicture(screen, float(at)))
    assert [one.at for one in reel.between(0, 9, 4)] == [0, 1, 2, 3, 4]
    assert (reel.kept_bytes, reel.counters.evicted) == (20, 0)
    reel.add(coded(10, 5.0))
    assert [one.at for one in reel.between(0, 9, 5)] == [5]
    assert reel.kept_bytes == 10


pictures = [CodedPictures("VP8", (bytes(size),)) for size in (0, 7, 90_000, 300_000, 500_000)]
added_pictures = st.lists(
    st.tuples(st.sampled_from(pictures), st.floats(-1, 3), st.sampled_from(["ada", "ben"])),
    max_size=60,
)


@given(added_pictures, st.booleans())
def test_it_never_holds_more_than_it_may(
    added: list[tuple[CodedPictures, float, str]], one_leaves: bool
) -> None:
    reel = CameraReel()
    newest = at = 0.0
    for shown, later, peer_id in added:
        at = max(0.0, at + later)
        newest = max(newest, at)
        reel.add(CameraPicture(shown, at, peer_id))
        held = reel.between(-9, newest, newest)
        bytes_of = {id(one.picture): one.size for one in held}
        assert reel.kept_bytes == sum(bytes_of.values()) <= LIMIT_BYTES
        assert all(newest - one.at <= KEEP_S for one in held)
        assert [one.at for one in held] == sorted(one.at for one in held)
    if one_leaves:
        reel.forget("ada")
        reel.forget("ben")
        assert (reel.kept_bytes, reel.newest(newest)) == (0, None)
