"""The rules of the house that a machine can check; `make check` knows the import contracts.

Each table of exceptions gives the reason of each entry. An entry that is no longer needed fails
too, so that the tables only hold what is true.
"""

import ast
import importlib.util
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import grimp
import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("pipeline", "transports", "processors", "emulator")
BESIDE: Final = ("tests", "bench", "deploy", "docs")
NOT_OURS: Final = frozenset({".git", ".venv", "__pycache__", "dist", "test-output"})

MAX_FILE_LINES: Final = 400
MAX_TEST_FILE_LINES: Final = 650  # one test file covers its source file by itself
MAX_FUNCTION_LINES: Final = 50

LONG_FILES: Final[Mapping[str, str]] = {}
LONG_FUNCTIONS: Final[Mapping[str, str]] = {}
SEAMS: Final[Mapping[str, str]] = {
    "transports/aiortc_seam/bundled_sctp.py": "puts several chunks into one packet",
    "tests/transports/test_bundled_sctp.py": "looks at the packets",
    "transports/aiortc_seam/direct_media.py": "hands media from the socket to the receiver at once",
    "transports/aiortc_seam/direct_sender.py": "keeps the counts that sender reports are made of",
    "transports/aiortc_seam/packet_guards.py": "drops malformed packets where they are read",
    "transports/aiortc_seam/sampling_receiver.py": "takes the place of a receiver that decodes",
    "processors/gemini/client.py": "writes sound past the SDK's validation: 2 µs instead of 56",
    "tests/processors/gemini/test_client.py": "looks for what of websockets is used",
    "tests/processors/gemini/test_messages.py": "compares that with what the SDK writes",
    "tests/transports/test_aiortc_seam.py": "watches what the seam replaces",
    "tests/transports/test_packet_guards.py": "sends what aiortc itself would never send",
    "tests/pipeline/test_peers.py": "sees whom a room keeps in mind when they are away",
    "tests/pipeline/test_absence.py": "counts the beats in which nothing is played",
    "tests/pipeline/test_room.py": "sees that a pipeline runs before it is ended",
    "tests/transports/test_direct_sender.py": "looks where a packet leaves the connection",
    "tests/transports/test_direct_media.py": "watches which way media takes",
    "bench/synthetic_peer.py": "answers PLI, and ends without a goodbye, which aiortc cannot",
    "bench/rtp_stream.py": "sends ready packets at a small price, for twenty peers",
    "tests/bench/test_rtp_stream.py": "stands where aiortc's sender is told of a lost picture",
    "tests/conversation/test_bad_input.py": "sends more than aiortc's own limit would let it",
}

SLEEPS: Final = frozenset({"sleep", "wait_for_timeout"})  # the second is Playwright's
SLEEPERS: Final[Mapping[str, str]] = {
    "tests/talking_peer.py": "plays sound and pictures at the pace of a real device",
    "tests/pipeline/test_assembly.py": "is stuck on purpose",
    "tests/pipeline/test_participant.py": "speaks no faster than a microphone's queue can hold",
    "tests/pipeline/test_peers.py": "sends sound no faster than a peer's queue can hold",
    "tests/pipeline/test_quiet_room.py": "its time is virtual and jumps",
    "tests/transports/peers.py": "shows pictures at the pace of a camera",
}

# Public under a private name: of named tuples, of enums, of os.
PUBLIC_UNDERSCORED: Final = frozenset(
    {"_asdict", "_exit", "_fields", "_make", "_replace", "_value_"}
)


def _paths(*folders: str, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in suffixes and NOT_OURS.isdisjoint(path.relative_to(ROOT).parts)
    )


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _python() -> dict[str, ast.Module]:
    """Every Python file of the repository, parsed."""
    files = _paths(*PACKAGES, *BESIDE, suffixes=(".py",))
    return {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}


@cache
def _project() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# The flat package names (docs/decisions/0001-flat-packages.md)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_has_our_package_name(package: str) -> None:
    """An editable install records no owner, a wheel records us."""
    owners = set(packages_distributions().get(package, [])) - {"easel"}
    assert not owners, f"{owners} would overwrite {package}"


def test_the_packages_lie_in_one_folder() -> None:
    specs = [importlib.util.find_spec(package) for package in PACKAGES]
    folders = {Path(spec.origin).parents[1] for spec in specs if spec and spec.origin}
    assert folders == {ROOT}


def test_no_index_would_take_the_distribution() -> None:
    assert "Private :: Do Not Upload" in str(_project()["project"]["classifiers"])


def test_every_folder_of_tests_is_a_package() -> None:
    """Else pytest's `tests/pipeline` would shadow our `pipeline`."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [_name(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


# Sizes


def test_files_are_short() -> None:
    files = _paths(*PACKAGES, *BESIDE, "web", suffixes=(".py", ".js"))
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    long = {_name(path): lines for path, lines in lengths.items() if lines >= _limit(path)}
    assert long.keys() == LONG_FILES.keys(), long


def _limit(path: Path) -> int:
    return MAX_TEST_FILE_LINES if path.name.startswith("test_") else MAX_FILE_LINES


def test_functions_are_short() -> None:
    """Counted from `def` to the last line, without the docstring."""
    long = {
        f"{name}:{node.name}": lines
        for name, tree in _python().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _function_lines(node)) >= MAX_FUNCTION_LINES
    }
    assert long.keys() == LONG_FUNCTIONS.keys(), long


def _function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = node.end_lineno or node.lineno
    first = node.body[0]
    described = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if described else 0
    return end - node.lineno + 1 - docstring


# Private parts


def test_private_parts_of_others_are_left_alone() -> None:
    """`x._name` where `_name` is made in the same file is our own; all else is a reach."""
    reaches = {name: found for name, tree in _python().items() if (found := _reaches(tree))}
    assert reaches.keys() == SEAMS.keys(), {k: v for k, v in reaches.items() if k not in SEAMS}


def _reaches(tree: ast.Module) -> list[str]:
    own = set(_made_here(tree)) | PUBLIC_UNDERSCORED
    return [
        f"line {line}: {name}"
        for node in ast.walk(tree)
        for line, name in _private_names_used(node)
        if name not in own and not name.endswith("__")
    ]


def _private_names_used(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each."""
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
            yield node.lineno, node.attr
    elif isinstance(node, ast.ImportFrom):
        names = [alias.name for alias in node.names]
        yield from ((node.lineno, name) for name in names if name.startswith("_"))


def _made_here(tree: ast.Module) -> Iterator[str]:
    """The private names that this file defines: functions, classes, fields, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                yield node.attr


# Tests


def test_no_test_sleeps() -> None:
    """Time is an argument; else a test waits for an event, with a bound. `sleep(0)` only yields."""
    tests = {name: tree for name, tree in _python().items() if name.startswith("tests/")}
    sleeping = {name: found for name, tree in tests.items() if (found := _sleeps(tree))}
    assert sleeping.keys() == SLEEPERS.keys(), sleeping


def _sleeps(tree: ast.Module) -> list[int]:
    """The lines that sleep."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node.lineno for node in calls if _called(node) in SLEEPS and not _is_zero(node)]


def _called(node: ast.Call) -> str | None:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _is_zero(node: ast.Call) -> bool:
    match node.args:
        case [ast.Constant(value=0)]:
            return True
    return False


# Words


def test_every_suppression_gives_its_reason() -> None:
    """As in `# type: ignore[code]  # reason`; `noqa` and `pragma: no cover` alike."""
    bare = [
        f"{_name(path)}:{line}: {comment}"
        for path in _paths(*PACKAGES, *BESIDE, suffixes=(".py",))
        for line, comment in _comments(path)
        if SUPPRESSION.search(comment) and not WITH_REASON.search(comment)
    ]
    assert bare == []


SUPPRESSION: Final = re.compile(
    r"#\s*(type:\s*ignore|noqa|pragma|ruff:|mypy:\s*(ignore|disable|allow|no-))", re.I
)
WITH_REASON: Final = re.compile(
    r"# (type: ignore\[[\w, -]+\]|noqa: [A-Z0-9, ]+|pragma: no (cover|branch))"
    r"  # (?!noqa|type:)\w.{3,}"
)


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    source = io.StringIO(path.read_text(encoding="utf-8"))
    for token in tokenize.generate_tokens(source.readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


# Hosts and options of package registries, and folders of somebody's machine.
FOREIGN: Final = re.compile(
    r"(?<![\w.-])(?:[\w-]+\.)*(?:pypi|pythonhosted|npmjs|crates)\.(?:org|com|io)\b"
    r"|\b(?:[\w-]+\.)+(?:debian\.org|ubuntu\.com)/"
    r"|--(?:extra-)?index-url|--find-[l]inks|--trusted-[h]ost"
    r"|(?<![\w./~-])/(?:work|root|home|Users|tmp)/\w"
)


def test_no_registry_and_no_machine_is_named() -> None:
    found = [
        f"{_name(path)}:{number}: {hit.group()}"
        for path in _texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for hit in FOREIGN.finditer(line)
    ]
    assert found == []


def _texts() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        caches = any(part.endswith("_cache") or part == ".hypothesis" for part in parts)
        if not path.is_file() or caches or not NOT_OURS.isdisjoint(parts):
            continue
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield path


# Imports that import-linter has no contract for


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True)


def _imports_of(package: str) -> dict[str, set[str]]:
    """The modules of a package, each with the top-level names it imports directly."""
    graph = _graph()
    return {
        module: {found.split(".")[0] for found in graph.find_modules_directly_imported_by(module)}
        for module in graph.modules
        if module.split(".")[0] == package
    }


def test_flat_processors_do_not_import_the_stages_above_them() -> None:
    wrong = [
        f"{module} -> {imported}"
        for module in _graph().find_children("processors")
        if not _graph().find_children(module)
        for imported in _graph().find_modules_directly_imported_by(module)
        if imported.startswith(("processors.gemini", "processors.images"))
    ]
    assert wrong == []


def test_the_command_line_imports_the_emulator_only_when_asked() -> None:
    """`easel serve` runs it as a child process and must not load it."""
    body = _python()["pipeline/cli.py"].body
    names = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
    assert [name for name in names if name.split(".")[0] == "emulator"] == []


DISTRIBUTIONS: Final = {  # import name -> distribution, where they differ
    "PIL": "pillow",
    "botocore": "boto3",  # it comes with it
    "espeakng_loader": "espeakng-loader",
    "google": "google-genai",
    "pipecat": "pipecat-ai",
    "yaml": "pyyaml",
}


def test_every_dependency_is_declared_and_needed() -> None:
    service = set().union(*(_foreign(package) for package in PACKAGES[:-1]))
    emulator = _foreign("emulator")
    extras = _project()["project"]["optional-dependencies"]
    assert isinstance(extras, dict)
    declared = _names(_requirements())
    assert service - _names(extras["s3"]) == declared
    assert emulator - declared == _names(extras["emulator"])


def test_every_dependency_is_pinned_and_has_its_licence_told() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not PIN.fullmatch(line)] == []
    pinned = _names(pins)
    extras = _project()["project"]["optional-dependencies"]
    assert isinstance(extras, dict)
    declared = _names([*_requirements(), *extras["emulator"], *extras["dev"]])
    assert declared - pinned == set()
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    told = {re.sub(r"[-_.]+", "-", name).lower() for name in TABLE_ROW.findall(page)}
    assert told == pinned


PIN: Final = re.compile(r"[a-z0-9-]+==[0-9a-z.]+(; python_version [<>=!]+ '3\.\d+')?")
TABLE_ROW: Final = re.compile(r"^\| (?!Package)([\w.-]+) \|", re.M)


def _requirements() -> list[str]:
    listed = _project()["project"]["dependencies"]
    assert isinstance(listed, list)
    return listed


def _foreign(package: str) -> set[str]:
    imported = set().union(*_imports_of(package).values())
    foreign = imported - set(PACKAGES) - set(sys.stdlib_module_names)
    return {DISTRIBUTIONS.get(name, name).replace("_", "-").lower() for name in foreign}


def _names(requirements: object) -> set[str]:
    assert isinstance(requirements, list)
    return {re.split(r"[^\w-]", text)[0].lower() for text in requirements}
