"""Rules for the contents of all files in the project."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Joined at run time, so that this file passes its own test.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
)
LOCAL_PATHS = ("/" + "root/", str(ROOT) + "/")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return the text of each file that git tracks or would add."""
    git = shutil.which("git")
    assert git is not None, "install git: this test needs the list of the project's files"
    assert (ROOT / ".git").exists(), "this test needs a git checkout"
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.is_file()
    }
    assert "pyproject.toml" in found
    return found


def occurrences(texts: dict[str, str], needles: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(path, needle) for path, text in texts.items() for needle in needles if needle in text.lower()]


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    assert occurrences(texts, REGISTRIES) == []


def test_no_file_contains_a_local_path(texts: dict[str, str]) -> None:
    assert occurrences(texts, LOCAL_PATHS) == []


def test_no_file_is_large(texts: dict[str, str]) -> None:
    sizes = {path: (ROOT / path).stat().st_size for path in texts}
    assert {path: size for path, size in sizes.items() if size > 1_000_000} == {}


def test_source_files_end_with_a_newline_and_have_no_carriage_returns(texts: dict[str, str]) -> None:
    sources = {
        path: text
        for path, text in texts.items()
        if Path(path).suffix in {".py", ".lua", ".js", ".css", ".html", ".md", ".toml", ".yaml"}
    }
    bad = [path for path, text in sources.items() if text and not text.endswith("\n")]
    assert bad + [path for path in sources if b"\r\n" in (ROOT / path).read_bytes()] == []
