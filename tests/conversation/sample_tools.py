"""Tools as a user of Easel would write them, for the test of tools."""

import asyncio
from typing import Annotated

from pydantic import Field

__all__ = ["broken_oven", "endless_wait", "weather"]


def weather(city: Annotated[str, Field(description="Name of the city.")]) -> dict[str, str]:
    """Tells the weather of a city."""
    return {"city": city, "sky": "clear"}


async def broken_oven() -> str:
    """Fails, as things do."""
    raise RuntimeError("the fuse of 16 amperes")


async def endless_wait() -> str:
    """Waits until the caller loses interest."""
    await asyncio.Event().wait()
    return "never"
