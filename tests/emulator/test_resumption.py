import random

import pytest

from emulator.resumption import (
    HANDLE_TTL_S,
    MAX_HANDLES_OF_A_SESSION,
    MAX_SESSIONS,
    HandleStore,
    SessionStillOpen,
    UnknownHandle,
)


def store() -> HandleStore[str]:
    return HandleStore(random.Random(1))


def test_a_handle_brings_back_its_own_snapshot() -> None:
    handles = store()
    session = handles.open()
    first, second = handles.issue(session, "early"), handles.issue(session, "late")
    handles.close(session, 10.0)
    assert handles.resume(first, 11.0) == (session, "early")
    handles.close(session, 12.0)
    assert handles.resume(second, 13.0) == (session, "late")


def test_the_old_connection_must_be_closed_first() -> None:
    handles = store()
    session = handles.open()
    handle = handles.issue(session, "s")
    with pytest.raises(SessionStillOpen):
        handles.resume(handle, 1.0)
    handles.close(session, 2.0)
    handles.resume(handle, 3.0)
    with pytest.raises(SessionStillOpen):
        handles.resume(handle, 4.0)


def test_handles_live_two_hours_after_the_session() -> None:
    handles = store()
    session = handles.open()
    handle = handles.issue(session, "s")
    handles.close(session, 100.0)
    handles.resume(handle, 100.0 + HANDLE_TTL_S)
    handles.close(session, 8000.0)
    with pytest.raises(UnknownHandle):
        handles.resume(handle, 8000.1 + HANDLE_TTL_S)


def test_what_was_never_issued_is_unknown() -> None:
    with pytest.raises(UnknownHandle):
        store().resume("nothing", 0.0)


def test_only_the_newest_are_kept() -> None:
    handles = store()
    session = handles.open()
    issued = [handles.issue(session, str(n)) for n in range(MAX_HANDLES_OF_A_SESSION + 1)]
    handles.close(session, 0.0)
    with pytest.raises(UnknownHandle):
        handles.resume(issued[0], 1.0)
    assert handles.resume(issued[1], 1.0) == (session, "1")
    handles.close(session, 2.0)
    kept = handles.open()
    for _ in range(MAX_SESSIONS - 1):
        handles.open()
    with pytest.raises(UnknownHandle):
        handles.resume(issued[1], 3.0)
    # A forgotten session neither issues nor ends with an error.
    assert len(handles.issue(session, "s")) == 64
    handles.close(session, 4.0)
    # With open sessions only, the oldest of them goes.
    assert handles.open() > kept


def test_handles_may_all_bring_back_the_end() -> None:
    handles = store()
    session = handles.open()
    first, second = (handles.issue(session, name) for name in ("first", "second"))
    handles.close(session, 1.0, "end")
    assert handles.resume(first, 2.0) == (session, "end")
    handles.close(session, 3.0)
    assert handles.resume(second, 4.0) == (session, "end")


def test_handles_may_be_forgotten() -> None:
    handles = store()
    session = handles.open()
    handle = handles.issue(session, "first")
    handles.close(session, 1.0)
    handles.forget(session)
    handles.forget(99)
    with pytest.raises(UnknownHandle):
        handles.resume(handle, 2.0)
