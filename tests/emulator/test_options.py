from emulator.image_options import ImageOptions
from emulator.lifetime import Limits
from emulator.options import Options
from emulator.resumption import HANDLE_TTL_S


def test_the_defaults_are_those_of_the_real_service() -> None:
    options = Options()
    assert options.limits == Limits(540.0, 50.0, 900.0, 120.0)
    assert options.handle_ttl_s == HANDLE_TTL_S == 2 * 3600
    # turnComplete is held for the whole playback, and every key is good.
    assert (options.hold_scale, options.api_keys, options.max_sessions) == (1.0, frozenset(), None)


def test_no_fault_is_on_unasked() -> None:
    options = Options()
    assert (options.pong_delay_s, options.latency_scale, options.scenario) == (0.0, 0.0, None)
    assert options.images == ImageOptions()


def test_two_servers_share_no_defaults() -> None:
    assert Options().models is not Options().models
