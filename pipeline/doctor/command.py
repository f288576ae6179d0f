"""`easel doctor`: which checks, of what, and how they are told."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pipeline.settings import Settings, SettingsError, load
from processors.gemini.client import Endpoint

from . import report
from .checks import (
    IMAGES,
    INSTALLATION,
    LIVE,
    Finding,
    Verdict,
    exit_status,
    failed,
    finding,
    skipped,
)
from .image_checks import ImageProbe, examine_images, image_names
from .installation import examine_installation
from .live_checks import examine_live, live_names, probe_for

NO_PARTNER: Final = (
    "no key: set GEMINI_API_KEY, or Vertex AI's variables, or GOOGLE_GEMINI_BASE_URL and "
    "SSL_CERT_FILE of an emulator"
)
ESTIMATES: Final = {
    LIVE: "7 connections and 10 short answers (about 30 s of speech out, 10 s in, a context of "
    "some hundred tokens billed with each), a minute",
    IMAGES: "up to 5 images of the size that is set, a minute",
    "goAway": "one idle connection until goAway comes, up to 11 minutes",
}
STOPPED: Final = 2
MAX_WHY_CHARS: Final = 200
ANY_KEY: Final = "easel-doctor"  # an emulator takes every key

Tell = Callable[[Finding], None]


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        prog="easel doctor",
        description="Checks the installation and, with a key, each assumption about the Live API "
        "and the image model that Easel relies on; prints what differs. Exit status: 0 when "
        "nothing differs, 1 when something does, 2 when something could not be checked.",
    )
    add = arguments.add_argument
    only = arguments.add_mutually_exclusive_group()
    only.add_argument("--live", action="store_true", help="the Live API only")
    only.add_argument("--image", action="store_true", help="the image model only")
    only.add_argument("--offline", action="store_true", help="the installation only")
    add("--long", action="store_true", help="also wait for goAway, up to 11 minutes")
    add("--json", action="store_true", help="one JSON object instead of lines")
    return arguments


@dataclass(slots=True)
class Told:
    """Findings as they come, told at once unless `quiet`; what is skipped waits for its like."""

    quiet: bool
    colour: bool
    findings: list[Finding] = field(default_factory=list)
    _held: list[Finding] = field(default_factory=list)

    def head(self, topic: str, about: str = "") -> None:
        self.flush()
        self._print([report.heading(topic, about, colour=self.colour)])

    def tell(self, found: Finding) -> None:
        self.findings.append(found)
        if found.verdict is not Verdict.SKIPPED:
            self.flush()
            self._print(report.lines(found, colour=self.colour))
            return
        if self._held and self._held[0].seen != found.seen:
            self.flush()
        self._held.append(found)

    def flush(self) -> None:
        """Nothing more of that kind comes."""
        held, self._held = self._held, []
        self._print(report.skipped_lines(held, colour=self.colour))

    def names(self) -> set[str]:
        return {found.check.name for found in self.findings}

    def _print(self, lines: Sequence[str]) -> None:
        if lines and not self.quiet:
            print(*lines, sep="\n", flush=True)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """The exit status."""
    arguments = parser().parse_args(argv)
    colour = sys.stdout.isatty() and not environ.get("NO_COLOR")
    told = Told(quiet=arguments.json, colour=colour)
    settings = _installation(arguments, environ, told)
    about: dict[str, str] = {}
    if settings is not None and not arguments.offline:
        about = _about(settings, environ)
        try:
            asyncio.run(_examine(arguments, settings, environ, told))
        except KeyboardInterrupt:
            told.flush()
            print("\neasel doctor: stopped", file=sys.stderr)
            return STOPPED
    told.flush()
    if arguments.json:
        print(report.as_json(told.findings, about))
    else:
        print(f"\n{report.summary(told.findings)}")
    return exit_status(told.findings)


def _installation(
    arguments: argparse.Namespace, environ: Mapping[str, str], told: Told
) -> Settings | None:
    """None when the settings are of no use."""
    asked = not (arguments.live or arguments.image)
    if asked:
        told.head(INSTALLATION)
    try:
        settings = load(environ)
    except SettingsError as error:
        told.tell(finding("settings", Verdict.FAILED, str(error)))
        return None
    if asked:
        told.tell(finding("settings", Verdict.OK, "accepted"))
        for found in examine_installation(settings.service):
            told.tell(found)
    return settings


def _about(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    variable = "GOOGLE_VERTEX_BASE_URL" if settings.vertex else "GOOGLE_GEMINI_BASE_URL"
    where = environ.get(variable, "")
    if not where:
        where = "Gemini on Vertex AI" if settings.vertex else "the Gemini API"
    models = {"liveModel": settings.room.live.model, "imageModel": settings.room.image.model}
    return {"talksTo": where, **models}


async def _examine(
    arguments: argparse.Namespace, settings: Settings, environ: Mapping[str, str], told: Told
) -> None:
    live, images = not arguments.image, not arguments.live
    reachable = settings.backend is not None or bool(environ.get("GOOGLE_GEMINI_BASE_URL"))
    endpoint = Endpoint(api_key=None if settings.backend is not None else ANY_KEY)
    about = _about(settings, environ)
    if reachable:
        chosen = {LIVE: live, IMAGES: images, "goAway": live and arguments.long}
        use = "\n".join(f"  {topic}: {ESTIMATES[topic]}" for topic in chosen if chosen[topic])
        words = f"\nThis talks to {about['talksTo']}, and uses about\n{use}"
        print(words, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if live:
        probe = probe_for(settings.room.live, vertex=settings.vertex, endpoint=endpoint)
        told.head(LIVE, f"{probe.settings.model} ({probe.profile.family})")
        names = live_names(long=arguments.long)
        why = "" if probe.profile.conversational else "the model only interprets"
        examine = partial(examine_live, probe, told.tell, long=arguments.long)
        await _guarded(told, names, examine, why if reachable else NO_PARTNER)
    if images:
        told.head(IMAGES, settings.room.image.model)
        painter = ImageProbe(settings.room.image, settings.vertex, endpoint)
        draw = partial(examine_images, painter, told.tell)
        await _guarded(told, image_names(), draw, "" if reachable else NO_PARTNER)


async def _guarded(
    told: Told, names: Sequence[str], examine: Callable[[], Awaitable[None]], why_not: str
) -> None:
    """Each name gets a finding, whatever happens."""
    if why_not:
        for found in skipped(names, why_not):
            told.tell(found)
        return
    try:
        await examine()
    except Exception as error:  # each transport and login of the SDK has its own kinds
        words = getattr(error, "strerror", None) or str(error)
        why = f"{type(error).__name__} {words}"[:MAX_WHY_CHARS].rstrip()
        left = [name for name in names if name not in told.names()]
        for found in (*failed(left[:1], why), *skipped(left[1:], "not reached")):
            told.tell(found)
