"""The list of all settings: unique names, shapes, and the way back from a path."""

import ast
from pathlib import Path
from typing import Final

import pytest

from pipeline.catalogue import Entry, by_key, entries, entry_at, spoken
from pipeline.room_settings import RoomSettings
from pipeline.service_settings import ServiceSettings
from processors.gemini.settings import LiveSettings
from processors.images.settings import ImageSettings


def test_every_setting_is_listed_once() -> None:
    keys = [entry.key for entry in entries()]
    assert len(keys) == len(set(keys)) == len(by_key())
    paths = {entry.path for entry in entries()}
    for settings, path in (
        (ServiceSettings, ("service",)),
        (LiveSettings, ("room", "live")),
        (ImageSettings, ("room", "image")),
    ):
        assert {(*path, name) for name in settings.model_fields} <= paths
    assert {"live", "image", "video", "audio", "link", "budget", "greeting"} == set(
        RoomSettings.model_fields
    )


@pytest.mark.parametrize(
    ("key", "path", "shape"),
    [
        ("port", ("service", "port"), "scalar"),
        ("turn_credential", ("service", "turn_credential"), "scalar"),
        ("ice_ports", ("service", "ice_ports"), "scalar"),
        ("ice_hosts", ("service", "ice_hosts"), "list"),
        ("top_p", ("room", "live", "top_p"), "scalar"),
        ("thinking", ("room", "live", "thinking"), "object"),
        ("thinking_level", ("room", "live", "thinking", "level"), "scalar"),
        ("translation", ("room", "live", "translation"), "object"),
        ("tools", ("room", "live", "tools"), "list"),
        ("history", ("room", "live", "history"), "list"),
        ("labels", ("room", "live", "labels"), "mapping"),
        ("image_size", ("room", "image", "size"), "scalar"),
        ("image_model", ("room", "image", "model"), "scalar"),
        ("image_stop_sequences", ("room", "image", "stop_sequences"), "list"),
        ("video_jpeg_quality", ("room", "video", "jpeg_quality"), "scalar"),
        ("budget_max_cost", ("room", "budget", "max_cost"), "scalar"),
        ("prices", ("service", "prices"), "mapping"),
        ("greeting", ("room", "greeting"), "scalar"),
    ],
)
def test_keys_paths_and_shapes(key: str, path: tuple[str, ...], shape: str) -> None:
    entry = by_key()[key]
    assert (entry.path, entry.shape) == (path, shape)


def test_names() -> None:
    entry = by_key()["thinking_level"]
    assert entry.variable == "EASEL_THINKING_LEVEL"
    assert entry.wire_key == "thinkingLevel"


def test_what_rooms_may_change() -> None:
    assert by_key()["top_p"].for_rooms
    assert not by_key()["top_p"].operator_only
    assert not by_key()["max_rooms"].for_rooms
    assert by_key()["max_rooms"].operator_only
    assert by_key()["image_timeout_s"].for_rooms
    assert by_key()["image_timeout_s"].operator_only


def test_every_setting_is_described() -> None:
    for entry in entries():
        assert entry.info.description and entry.info.description.endswith("."), entry.key
        assert entry.page("models") is not None, entry.key
    assert Entry("x", ("x",), "scalar", by_key()["port"].info).page("no such thing") is None


PACKAGES: Final = Path(__file__).parents[2]
DECLARED_IN: Final = {
    "pipeline/service_settings.py",
    "pipeline/room_settings.py",
    "processors/gemini/generation.py",
    "processors/gemini/settings.py",
    "processors/images/settings.py",
}


def names_read() -> set[str]:
    """Every attribute that the code reads, but for the files that declare the settings."""
    return {
        node.attr
        for package in ("pipeline", "processors")
        for path in (PACKAGES / package).rglob("*.py")
        if path.relative_to(PACKAGES).as_posix() not in DECLARED_IN
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def test_every_setting_is_read_by_something() -> None:
    """A lever that moves nothing is worse than none. Names only: it cannot see a false use."""
    read = names_read()
    assert [entry.variable for entry in entries() if entry.path[-1] not in read] == []


def test_a_bare_field_has_no_page() -> None:
    from pydantic.fields import FieldInfo

    assert Entry("x", ("room", "x"), "scalar", FieldInfo()).page("unit") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("service", "port"), ("port",)),
        (("room", "live", "top_p"), ("top_p",)),
        (("live", "top_p"), ("top_p",)),
        (("room", "image", "size"), ("image", "size")),
        (("room", "greeting"), ("greeting",)),
        (("room",), ("room",)),
        ((), ()),
    ],
)
def test_paths_as_people_know_them(path: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert spoken(path) == expected


def test_the_way_back_from_a_path() -> None:
    path = ("room", "live", "safety_settings", 0, "category")
    assert entry_at(path, entries()) == by_key()["safety_settings"]
    deep = ("room", "live", "thinking", "level")
    assert entry_at(deep, entries()) == by_key()["thinking_level"]
    assert entry_at(deep, [by_key()["thinking"]]) == by_key()["thinking"]
    assert entry_at(deep, [by_key()["top_p"]]) is None


def test_a_models_own_settings_come_before_the_shared_ones() -> None:
    keys = [entry.key for entry in entries()]
    assert keys.index("model") < keys.index("thinking") < keys.index("history")
    assert keys.index("history") < keys.index("temperature") < keys.index("image_model")
    assert keys.index("thinking") + 1 == keys.index("thinking_budget")
