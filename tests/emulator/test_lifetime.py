from emulator.closes import DEADLINE_EXPIRED, GO_AWAY_IGNORED
from emulator.lifetime import GoAway, Lifetime, Limits

NO_LIMITS = Limits(None, 50.0, None, None)


def test_goaway_then_the_close_as_measured() -> None:
    lifetime = Lifetime(Limits(audio_limit_s=None), 100.0, compressed=False)
    assert lifetime.deadline() == 640.0
    assert lifetime.poll(639.9) is None
    assert lifetime.poll(640.0) == GoAway(50.0)
    assert lifetime.poll(640.0) is None
    assert lifetime.deadline() == 690.0
    assert lifetime.poll(690.0) == GO_AWAY_IGNORED
    assert lifetime.poll(691.0) is None
    assert lifetime.deadline() is None


def test_limits_can_be_switched_off() -> None:
    lifetime = Lifetime(NO_LIMITS, 0.0, compressed=False)
    lifetime.sees = True
    assert lifetime.deadline() is None
    assert lifetime.poll(1e9) is None


def test_an_uncompressed_session_ends_after_its_limit() -> None:
    lifetime = Lifetime(Limits(go_away_after_s=None), 0.0, compressed=False)
    assert lifetime.deadline() == 900.0
    assert lifetime.poll(900.0) == DEADLINE_EXPIRED
    lifetime = Lifetime(Limits(go_away_after_s=None), 0.0, compressed=False)
    lifetime.sees = True
    assert lifetime.deadline() == 120.0
    assert lifetime.poll(120.0) == DEADLINE_EXPIRED


def test_pictures_shorten_a_session_only_if_there_is_a_limit_for_them() -> None:
    lifetime = Lifetime(Limits(None, 50.0, 900.0, None), 0.0, compressed=False)
    lifetime.sees = True
    assert lifetime.deadline() == 900.0


def test_compression_lifts_the_sessions_limit() -> None:
    lifetime = Lifetime(Limits(go_away_after_s=None), 0.0, compressed=True)
    assert lifetime.deadline() is None


def test_a_session_lives_on_across_connections() -> None:
    lifetime = Lifetime(Limits(), 1000.0, compressed=False, session_age_s=800.0)
    assert lifetime.session_age_s(1010.0) == 810.0
    assert lifetime.deadline() == 1100.0


def test_goaway_can_be_said_at_once() -> None:
    lifetime = Lifetime(NO_LIMITS, 0.0, compressed=True)
    assert lifetime.announce(5.0, 10.0) == GoAway(5.0)
    assert lifetime.deadline() == 15.0
    assert lifetime.poll(15.0) == GO_AWAY_IGNORED


def test_a_clock_may_run_faster() -> None:
    assert Limits().faster(10) == Limits(54.0, 5.0, 90.0, 12.0)
    assert NO_LIMITS.faster(2) == Limits(None, 25.0, None, None)
