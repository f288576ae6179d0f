from transports.feedback import Feedback, RequestKey, RequestPackets


def test_requests_are_values() -> None:
    asked: list[Feedback] = [RequestKey(), RequestPackets((1, 2))]
    assert asked == [RequestKey(), RequestPackets((1, 2))]
