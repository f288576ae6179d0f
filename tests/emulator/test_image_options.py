from emulator.image_options import ImageOptions


def test_by_default_the_model_decides_and_nothing_is_late_or_strict() -> None:
    options = ImageOptions()
    assert (options.output, options.strict_signatures) == ("", False)
    assert (options.latency_s, options.delay_scale) == (0.0, 1.0)


def test_two_endpoints_share_no_models() -> None:
    assert ImageOptions().models == {}
    assert ImageOptions().models is not ImageOptions().models
