import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.cli import main, options_of, parser
from emulator.faults import parse_fault
from emulator.image_options import ImageOptions
from emulator.lifetime import Limits
from emulator.options import Options
from tests.emulator.emulator_process import running_emulator

END_LIMIT_S = 10.0


def options(*arguments: str) -> Options:
    return options_of(parser().parse_args(arguments))


def test_without_arguments_the_options_have_their_defaults() -> None:
    assert options() == Options()


def test_recordings_follow_each_other(tmp_path: Path) -> None:
    setup = {"connection": 1, "t": 0.0, "from": "client", "message": {"setup": {}}}
    files = [tmp_path / name for name in ("wire.jsonl", "wire-2.jsonl")]
    files[0].write_text(json.dumps({"log": 1}) + "\n" + json.dumps(setup) + "\n")
    files[1].write_text(json.dumps({"log": 1}) + "\n" + json.dumps({**setup, "connection": 2}))
    replay = [word for file in files for word in ("--replay", str(file))]
    got = options(*replay, "--replay-speed", "3")
    assert [recorded.number for recorded in got.recording] == [1, 2]
    assert got.replay_speed == 3.0


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"log": 7}'])
def test_what_is_no_recording_ends_the_start(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wire.jsonl"
    file.write_bytes(content)
    assert main(["--replay", str(file)]) == 2
    assert capsys.readouterr().err.startswith("emulator: ")


def test_every_argument_arrives(tmp_path: Path) -> None:
    scenario = tmp_path / "talk.yaml"
    scenario.write_text("steps: [{hear: a, say: b}]")
    got = options(
        *("--speed", "2", "--hold", "0", "--latency", "0.5"),
        *("--go-away-after", "off", "--go-away-left", "3"),
        *("--audio-limit", "60", "--video-limit", "off"),
        *("--handle-interval", "2", "--api-key", "a", "--api-key", "b"),
        *("--pong-delay", "25"),
        *("--model", "mine=3.1", "--max-sessions", "4", "--voice-activity", "--seed", "7"),
        *("--image-type", "image/jpeg", "--strict-signatures", "--image-latency", "1"),
        *("--fault", "drop@age=1", "--fault", "mute"),
        *("--handles", "live", "--consumed-index", "--clock", "2"),
        *("--scenario", str(scenario)),
    )
    assert got.scenario is not None
    assert got.scenario.steps[0].hear == "a"
    assert got == Options(
        speed=2.0,
        hold_scale=0.0,
        latency_scale=0.5,
        limits=Limits(None, 1.5, 30.0, None),
        handle_ttl_s=3600.0,
        handle_interval_s=2.0,
        api_keys=frozenset({"a", "b"}),
        models={"mine": "3.1"},
        max_sessions=4,
        voice_activity=True,
        pong_delay_s=25.0,
        seed=7,
        faults=(parse_fault("drop@age=1", "option 1"), parse_fault("mute", "option 2")),
        live_handles=True,
        consumed_index=True,
        scenario=got.scenario,
        images=ImageOptions("image/jpeg", strict_signatures=True, latency_s=1.0),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--speed", "0"],
        ["--speed", "x"],
        ["--hold", "-1"],
        ["--go-away-after", "inf"],
        ["--model", "mine=9.9"],
        ["--model", "=3.1"],
        ["--port", "65536"],
        ["--port", "-1"],
        ["--max-sessions", "0"],
        ["--fault", "explode"],
        ["--clock", "0"],
        ["--handles", "dead"],
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        options(*arguments)
    assert arguments[0] in capsys.readouterr().err


def test_faults_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        options("--fault", "help")
    assert caught.value.code == 0
    assert "mute_after_barge_in" in capsys.readouterr().out


def test_a_wrong_scenario_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "talk.json"
    scenario.write_text('{"steps": [{"say": "b"}]}')
    assert main(["--scenario", str(scenario)]) == 2
    assert "step 1 has exactly one of" in capsys.readouterr().err
    assert main(["--scenario", str(tmp_path / "missing")]) == 2
    scenario.write_bytes(b"steps: [{hear: \xff}]")
    assert main(["--scenario", str(scenario)]) == 2
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_it_tells_people_how_to_use_it_and_cleans_up() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as output:
        lines = [output.readline() for _ in range(4)]
        certificate = Path(lines[3].partition("SSL_CERT_FILE=")[2].strip())
        assert "GOOGLE_GEMINI_BASE_URL=https://127.0.0.1:" in lines[2]
        assert certificate.is_file()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert not certificate.parent.exists()


def test_a_busy_port_is_an_error_in_words(tmp_path: Path) -> None:
    with running_emulator(tmp_path) as emulator:
        port = emulator.base_url.rpartition(":")[2]
        second = subprocess.run(
            [sys.executable, "-m", "emulator", "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert second.returncode == 2
    assert second.stderr.startswith("emulator: ")
    assert "Traceback" not in second.stderr


async def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    # A parent that starts the emulator, tells its process id, and is then killed outright.
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'emulator', '--port', '0', '--cert-dir',"
        " sys.argv[1], '--json', '--exit-with-parent'], stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = os.pidfd_open(int(await parent.stdout.readline()))
    try:
        assert not select.select([child], [], [], 0)[0]
        parent.kill()
        await parent.wait()
        ended, _, _ = await asyncio.to_thread(select.select, [child], [], [], END_LIMIT_S)
        assert ended
    finally:
        os.close(child)


def test_an_ipv6_address_makes_a_usable_url(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with running_emulator(tmp_path, "--host", "::1") as emulator:
        assert emulator.base_url.startswith("https://[::1]:")
        assert emulator.sessions() == []


def test_a_certificate_is_kept_only_in_a_folder_of_yours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--keep-certificate"])
    assert "--keep-certificate needs --cert-dir" in capsys.readouterr().err
