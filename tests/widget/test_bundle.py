"""The committed bundle: current, small, and without anything that a host page has to worry about."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest

from scripts.build_widget import MODULES, TAIL, WIDGET, build
from ticker import widget


@pytest.mark.timeout(300)
def test_the_committed_bundle_is_what_its_sources_build_to(tmp_path: Path) -> None:
    """If this fails, run `make widget` and commit the result."""
    shutil.copytree(WIDGET / "src", tmp_path / "src")
    build(tmp_path)
    for name in MODULES:
        assert (tmp_path / "dist" / f"{name}.js").read_bytes() == widget.module(name)
        assert (tmp_path / "dist" / f"{name}.js.map").read_bytes() == widget.source_map(name)
    # Another version of Node may compress with Brotli in another way: of that copy only the name is compared.
    assert {each.name for each in (WIDGET / "dist").iterdir()} == {each.name for each in (tmp_path / "dist").iterdir()}
    built = {copy.read_bytes() for copy in (tmp_path / "dist").glob("*.gz")}
    assert built == {widget.compressed(widget.module(name))["gzip"] for name in MODULES}


def test_readers_download_at_most_10_kb_gzipped() -> None:
    """This is the copy that the server sends: see tests/web/test_assets.py."""
    copy = widget.compressed(widget.module())["gzip"]
    assert gzip.decompress(copy) == widget.module()
    assert len(copy) <= 10 * 1024


@pytest.mark.parametrize("name", MODULES)
def test_the_module_names_its_source_map_and_the_map_contains_every_source(name: str) -> None:
    assert widget.module(name).endswith(f"\n//# sourceMappingURL={name}.js.map\n".encode())
    source_map = json.loads(widget.source_map(name))
    sources = dict(zip(source_map["sources"], source_map["sourcesContent"], strict=True))
    others = {"index.js", "ticker.js", f"{TAIL}.js"}  # they only import and export, and a module of its own
    others |= {"access.js"} if name == "ticker" else set()  # only of the other build
    files = [f"{TAIL}.js"] if name == TAIL else {path.name for path in (WIDGET / "src").glob("*.js")} - others
    assert sources == {f"../src/{file}": (WIDGET / "src" / file).read_text(encoding="utf-8") for file in files}


def test_only_the_private_module_has_tokens() -> None:
    """A page with public editions loads nothing for private ones."""
    assert b"ticker.token" in widget.module("ticker-private")
    assert b"oken" not in widget.module().replace(b"Tokenizer", b"")
    assert len(widget.compressed(widget.module("ticker-private"))["gzip"]) <= 11 * 1024


def test_module_of_the_tail_is_small_and_is_loaded_only_when_it_is_needed() -> None:
    assert len(widget.compressed(widget.module(TAIL))["gzip"]) <= 1536
    assert widget.module().count(b'import("./tail.js")') == 1
    assert b"stale_s" not in widget.module()


def test_the_module_contains_no_address_of_another_host() -> None:
    text = widget.module("ticker-private").decode()
    assert "http" not in text.replace("^https?:", "").replace("^http", "")


def test_the_module_uses_no_markup_sink_no_eval_and_no_storage() -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|cookie|localStorage|indexedDB"
    )
    assert [re.findall(forbidden, widget.module(name).decode()) for name in MODULES] == [[] for _ in MODULES]
