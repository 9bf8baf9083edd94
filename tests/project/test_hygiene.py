"""What the project's files may not hold."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Put together here, so that this file passes its own test.
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
PLACES = ("/" + "root/", str(ROOT) + "/")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return the project's files: those that git has, and those that it would take."""
    git = shutil.which("git")
    assert git is not None, "git tells which files are the project's: install it"
    assert (ROOT / ".git").exists(), "this is no git checkout: no telling which files are the project's"
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


def holders(texts: dict[str, str], needles: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(path, needle) for path, text in texts.items() for needle in needles if needle in text.lower()]


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    assert holders(texts, REGISTRIES) == []


def test_no_file_names_a_folder_of_the_machine_it_was_written_on(texts: dict[str, str]) -> None:
    assert holders(texts, PLACES) == []


def test_no_file_is_large(texts: dict[str, str]) -> None:
    sizes = {path: (ROOT / path).stat().st_size for path in texts}
    assert {path: size for path, size in sizes.items() if size > 1_000_000} == {}


def test_no_text_has_carriage_returns_or_lacks_its_last_newline(texts: dict[str, str]) -> None:
    sources = {
        path: text
        for path, text in texts.items()
        if Path(path).suffix in {".py", ".lua", ".js", ".css", ".html", ".md", ".toml", ".yaml"}
    }
    bad = [path for path, text in sources.items() if text and not text.endswith("\n")]
    assert bad + [path for path in sources if b"\r\n" in (ROOT / path).read_bytes()] == []
