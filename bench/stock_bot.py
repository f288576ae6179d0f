"""The rival: pipecat's own WebRTC transport and Gemini Live service, as its examples join them.

A process of its own, several bots in it. The doors are those of the client SDKs as far as the
synthetic peers knock at them.
"""

import argparse
import asyncio
import os
import secrets
import sys
from contextlib import nullcontext
from typing import Any, Final

from aiohttp import web
from google.genai.types import HttpOptions
from loguru import logger
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

from bench.loop_probe import probing

MODEL: Final = "models/gemini-3.8-live"
PICTURES_PER_S: Final = 1


class StockBots:
    def __init__(self, *, video: bool) -> None:
        self._video = video
        self._lives: set[asyncio.Task[None]] = set()

    async def offer(self, request: web.Request) -> web.Response:
        body = await request.json()
        connection = SmallWebRTCConnection(ice_servers=[])
        await connection.initialize(sdp=body["sdp"], type=body["type"])
        life = asyncio.create_task(self._live(connection))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)
        return web.json_response(connection.get_answer())  # type: ignore[no-untyped-call]  # pipecat has no types here

    async def _live(self, connection: SmallWebRTCConnection) -> None:
        transport = SmallWebRTCTransport(
            webrtc_connection=connection,
            params=TransportParams(
                audio_in_enabled=True, audio_out_enabled=True, video_in_enabled=self._video
            ),
        )
        options = HttpOptions(base_url=os.environ["GOOGLE_GEMINI_BASE_URL"])
        service = GeminiLiveLLMService(
            api_key="bench",
            http_options=options,
            settings=GeminiLiveLLMService.Settings(model=MODEL),
            inference_on_context_initialization=False,
        )
        pair = LLMContextAggregatorPair(LLMContext())
        pipeline = Pipeline(
            [transport.input(), pair.user(), service, transport.output(), pair.assistant()]
        )
        worker = PipelineWorker(
            pipeline,
            params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
            idle_timeout_secs=None,
        )
        runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
        await runner.add_workers(worker)

        @transport.event_handler("on_client_connected")  # type: ignore[untyped-decorator]  # pipecat has no types here
        async def connected(transport: Any, client: Any) -> None:
            if self._video:
                await transport.capture_participant_video(client.pc_id, framerate=PICTURES_PER_S)
            await worker.queue_frame(LLMRunFrame())

        @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator]  # as above
        async def disconnected(transport: Any, client: Any) -> None:
            await worker.cancel()

        await runner.run()


async def start(request: web.Request) -> web.Response:
    return web.json_response({"sessionId": secrets.token_hex(8)})


async def run(*, video: bool, probed: bool) -> None:
    bots = StockBots(video=video)
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/start", start)
    app.router.add_post("/sessions/{id}/api/offer", bots.offer)
    app.router.add_get("/healthz", lambda request: web.Response(text="ok"))  # type: ignore[arg-type,return-value]  # plain handlers work
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"Open http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    async with probing() if probed else nullcontext():
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.stock_bot")
    parser.add_argument("--audio-only", action="store_true")
    parser.add_argument("--probed", action="store_true")
    arguments = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    asyncio.run(run(video=not arguments.audio_only, probed=arguments.probed))


if __name__ == "__main__":
    main()
