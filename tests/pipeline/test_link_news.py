import json

import pytest

from pipeline.link_news import TOLD_WITHIN_S, LinkNews, link_status
from processors.frames import LinkStatus, LinkStatusFrame

READY = LinkStatusFrame(LinkStatus.READY)
AWAY = LinkStatusFrame(LinkStatus.RECONNECTING, "One moment.")
FAILED = LinkStatusFrame(LinkStatus.FAILED, "No key.")


def test_at_first_there_is_nothing_to_tell_and_nobody_is_welcome() -> None:
    news = LinkNews()
    assert (news.status, news.welcomes, news.standing) == (LinkStatus.CONNECTING, False, [])
    assert not news.is_over(100.0, everybody_knows=True)


def test_who_comes_while_a_link_is_renewed_is_welcome_and_told() -> None:
    news = LinkNews()
    for word in (READY, AWAY):
        news.heard(word, 0.0)
    assert (news.status, news.welcomes) == (LinkStatus.RECONNECTING, True)
    (told,) = map(json.loads, news.standing)
    assert told["data"] == {
        "type": "link-status",
        "status": "reconnecting",
        "sentence": "One moment.",
    }
    news.heard(READY, 1.0)
    (told,) = map(json.loads, news.standing)
    assert told["data"]["status"] == "ready", "it may have been told something else"


def test_who_comes_before_the_first_connection_is_told_why_it_takes_so_long() -> None:
    news = LinkNews()
    news.heard(LinkStatusFrame(LinkStatus.CONNECTING, "Too many."), 0.0)
    assert not news.welcomes
    assert [json.loads(message)["data"]["status"] for message in news.standing] == ["connecting"]


def test_a_failure_is_a_fatal_error() -> None:
    _, error = map(json.loads, link_status(FAILED))
    assert (error["type"], error["data"]) == ("error", {"error": "No key.", "fatal": True})


@pytest.mark.parametrize(
    ("after_s", "everybody_knows", "over"),
    [(0.0, True, True), (0.0, False, False), (TOLD_WITHIN_S, False, True)],
)
def test_a_failure_waits_until_everybody_knows(
    after_s: float, everybody_knows: bool, over: bool
) -> None:
    news = LinkNews()
    news.heard(FAILED, 10.0)
    news.heard(FAILED, 10.0 + after_s)
    assert news.is_over(10.0 + after_s, everybody_knows=everybody_knows) is over
