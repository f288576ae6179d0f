"""Addresses of the service and of a shared room (addresses.js)."""

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("page", "folder"),
    [
        ("http://h/", "http://h/"),
        ("http://h/?session=1#x", "http://h/"),
        ("https://h:8/studio/index.html?a=b", "https://h:8/studio/"),
    ],
)
async def test_folder_of_the_page(modules: Modules, page: str, folder: str) -> None:
    assert await modules.call("addresses.js", "folderOf", page) == folder


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:7860/", True),
        ("http://127.8.0.1/studio/", True),
        ("https://localhost:7860/", True),
        ("http://easel.localhost/", True),
        ("http://[::1]:7860/", True),
        ("http://192.168.0.7:7860/", False),
        ("http://127.0.0.1.example.org/", False),
        ("http://localhost.example.org/", False),
        ("https://notlocalhost/", False),
    ],
)
async def test_a_service_on_this_machine(modules: Modules, url: str, here: bool) -> None:
    assert await modules.call("addresses.js", "isOnThisMachine", url) is here


@pytest.mark.parametrize(
    ("folder", "path", "address"),
    [
        ("http://h/", "start", "http://h/start"),
        ("http://h/", "/sessions/1/images/2?token=t", "http://h/sessions/1/images/2?token=t"),
        ("http://h/studio/", "start", "http://h/studio/start"),
        ("http://h/studio/", "/sessions/1", "http://h/studio/sessions/1"),
        ("http://h/studio/", "/studio/sessions/1", "http://h/studio/sessions/1"),
        ("http://h/", "//elsewhere/x", "http://h/elsewhere/x"),
        ("http://h/", "/javascript:alert(1)", "http://h/javascript:alert(1)"),
        ("http://h/", "/https://elsewhere/x", "http://h/https://elsewhere/x"),
        ("http://h/studio/", "data:text/html,x", "http://h/studio/data:text/html,x"),
    ],
)
async def test_the_service_is_beneath_the_page(
    modules: Modules, folder: str, path: str, address: str
) -> None:
    assert await modules.call("addresses.js", "beneath", folder, path) == address


@pytest.mark.parametrize(
    ("query", "session", "token", "room", "broken"),
    [
        ("", None, None, None, False),
        ("?session=s&token=t", "s", "t", None, False),
        ("?session=", None, None, None, False),
        ('?room={"voice":"Puck"}', None, None, {"voice": "Puck"}, False),
        ("?room=[1]", None, None, None, True),
        ("?room=null", None, None, None, True),
        ("?room={", None, None, None, True),
    ],
)
async def test_invitations(
    modules: Modules, query: str, session: object, token: object, room: object, broken: bool
) -> None:
    asked = await modules.call("addresses.js", "invitation", f"http://h/{query}")
    assert asked == {"sessionId": session, "token": token, "room": room, "roomBroken": broken}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/a?token=1&preview=x", "/a?token=2&preview=x", True),
        ("/a?size=screen&token=1", "/a?size=screen&token=2", True),
        ("/a?token=1", "/b?token=1", False),
        ("/a?token=1", "/a?token=1&size=screen", False),
        ("", "/a", False),
        (None, "/a", False),
    ],
)
async def test_the_same_picture(modules: Modules, one: str | None, other: str, same: bool) -> None:
    assert await modules.call("addresses.js", "isSamePicture", one, other) is same


async def test_a_shared_link_is_an_invitation(modules: Modules) -> None:
    session = {"sessionId": "a b", "token": "t&"}
    link = await modules.call("addresses.js", "shareLink", "http://h/studio/", session)
    assert link.startswith("http://h/studio/?")
    asked = await modules.call("addresses.js", "invitation", link)
    assert (asked["sessionId"], asked["token"]) == ("a b", "t&")
    bare = await modules.call(
        "addresses.js", "shareLink", "http://h/", {"sessionId": "s", "token": None}
    )
    assert bare == "http://h/?session=s"
