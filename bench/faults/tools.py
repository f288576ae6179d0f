"""The tool of the talks in which a call pends: it takes its time, and gives its number back."""

import asyncio
from typing import Annotated

from bench.faults import rows


async def take(number: Annotated[int, "Any number."]) -> int:
    """Gives the number back after a while."""
    await asyncio.sleep(rows.TAKES_S)
    return number
