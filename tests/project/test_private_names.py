"""Each private or undocumented name of a library that we use is listed here, and the release of that library is pinned.

A library may change such a name in any release. A test fails if we use a name that isn't listed, and if an installed
library no longer has a listed one.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = ("ticker", "publisher_cli")

PRIVATE: Final = {
    "redis._parsers.base.BaseParser",
    "redis.asyncio.connection.AbstractConnection._writer",
    "redis.asyncio.connection.ConnectionPool._available_connections",
    "redis.asyncio.connection.ConnectionPool._in_use_connections",
    "uvicorn._types.ASGI3Application",
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol._should_upgrade",
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol._start_asgi_task",
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol._unset_keepalive_if_required",
    "textual.widgets.TextArea._on_paste",
}
"""Names that begin with an underscore: imported, used, or overridden."""

DOCUMENTED: Final = {"_exit", "_replace"}
"""Those of the standard library, in `os` and in named tuples. Its documentation has them."""

EXTENDED: Final = {
    "ticker.gateway.connection.Connection": """
        _should_upgrade _start_asgi_task _unset_keepalive_if_required client connection_lost connection_made connections
        cycle data_received eof_received flow handle_websocket_upgrade headers loop on_body on_headers_complete
        on_message_begin on_message_complete parser pause_writing pipeline resume_writing scheme send_400_response
        transport url
    """,
    "ticker.gateway.inbound.Inbound": "events_received receive_data state",
    "ticker.gateway.server._Server": "config force_exit lifespan server_state shutdown startup",
    "ticker.http_server.Server": "capture_signals force_exit should_exit startup",
    "ticker.store.connection._Cluster": "aclose nodes_manager",
    "ticker.store.connection._MasterConnection": "disconnect read_response",
    "ticker.store.connection._MasterPool": "aclose sentinel_manager",
    "ticker.store.quick_client.QuickConnection": "_writer can_read disconnect send_packed_command",
    "ticker.store.quick_client.QuickRedis": "connection_pool execute_command parse_response",
}
"""Our classes that extend a server or a client of a library, with the names of the base class that they use or replace.

These base classes are made for use, and not for subclasses.
"""

USED: Final = {
    "redis.asyncio.cluster.NodesManager": "aclose nodes_cache startup_nodes",
    "redis.asyncio.connection.ConnectionPool": "connection_class connection_kwargs",
    "redis.asyncio.sentinel.Sentinel": "aclose discover_slaves",
    "redis.asyncio.sentinel.SentinelConnectionPool": "sentinel_manager service_name",
    "uvicorn.protocols.http.flow_control.FlowControl": "write_paused",
    "uvicorn.protocols.http.httptools_impl.RequestResponseCycle": """
        disconnected keep_alive message_event response_complete
    """,
    "uvicorn.server.Server": "servers should_exit",
    "websockets.extensions.permessage_deflate.PerMessageDeflate": "local_max_window_bits",
    "websockets.extensions.permessage_deflate.ServerPerMessageDeflateFactory": "process_request_params",
    "websockets.protocol.Protocol": "close_sent data_to_send parser_exc send_close",
}
"""Attributes of a library's objects that its documentation doesn't describe."""

MODULES: Final = {
    "redis.asyncio.cluster": {"ClusterNode"},
    "redis.asyncio.connection": {
        *("AbstractConnection", "Connection", "ConnectionPool", "SSLConnection", "UnixDomainSocketConnection"),
    },
    "redis.asyncio.sentinel": {
        *("Sentinel", "SentinelConnectionPool", "SentinelManagedConnection", "SentinelManagedSSLConnection"),
    },
    "redis.maint_notifications": {"MaintNotificationsConfig"},
    "uvicorn._types": {"ASGI3Application"},
    "uvicorn.protocols.http.flow_control": {"FlowControl"},
    "uvicorn.protocols.http.httptools_impl": {"HttpToolsProtocol", "RequestResponseCycle"},
    "websockets.extensions.permessage_deflate": {"PerMessageDeflate", "ServerPerMessageDeflateFactory"},
    "websockets.headers": {"build_extension", "parse_extension"},
    "websockets.protocol": {"OPEN"},
    "websockets.server": {"ServerProtocol"},
}
"""Modules that a library doesn't document, and the names that we import from them."""

_BY_NAME: Final = ("getattr", "setattr", "hasattr", "delattr")
LIBRARIES: Final = sorted(
    {dotted.split(".")[0] for dotted in (*PRIVATE, *USED, *MODULES)},
)


@cache
def _trees() -> dict[str, ast.Module]:
    """Return the syntax trees of our sources, by their module."""
    paths = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in zip(names, paths, strict=True)}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _imports() -> Iterator[tuple[str, str]]:
    """Yield the module and the name of each import from another package."""
    for tree in _trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] not in OURS:
                yield from ((node.module, alias.name) for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] not in OURS)


def _own_names() -> set[str]:
    """Return the names that our sources define."""
    own: set[str] = set()
    for tree in _trees().values():
        for node in ast.walk(tree):
            match node:
                case (
                    ast.FunctionDef(name=name)
                    | ast.AsyncFunctionDef(name=name)
                    | ast.ClassDef(name=name)
                    | ast.Attribute(attr=name, ctx=ast.Store())
                    | ast.Name(id=name, ctx=ast.Store())
                ):
                    own.add(name)
                case _:
                    pass
    return own


def _used_privates() -> set[str]:
    """Return the private names in our sources that aren't ours: imports, attributes, and names given to `getattr`."""
    own = _own_names()
    used = {name or module for module, name in _imports() if any(map(_is_private, [*module.split("."), name]))}
    for tree in _trees().values():
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(attr=name) if _is_private(name) and name not in own:
                    used.add(name)
                case ast.Call(
                    func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(value=name), *_]
                ):
                    used |= {str(name)} if _is_private(str(name)) else set()
                case _:
                    pass
    return used


def _classes() -> Iterator[tuple[type, ast.ClassDef]]:
    """Yield each of our classes that has bases, with its syntax tree."""
    for name, tree in _trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.bases:
                yield getattr(importlib.import_module(name), node.name), node


def _foreign_bases(ours: type) -> list[type]:
    return [base for base in ours.__mro__[1:-1] if base.__module__.split(".")[0] not in OURS]


def _names_of(found: type) -> set[str]:
    """Return the attributes of a library's class, including those that its methods set on `self`."""
    names = set(vars(found))
    names |= _names_on_self(found.__module__)
    return {name for name in names if not name.endswith("__")}


@cache
def _names_on_self(module: str) -> set[str]:
    """Return the attributes that the methods in a module set on `self`. The source of each class would take longer."""
    try:
        text = inspect.getsource(importlib.import_module(module))
    except (OSError, TypeError):  # written in C
        return set()
    return set(re.findall(r"^\s+self\.(\w+)(?:: [^=\n]*)? = ", text, re.MULTILINE))


def _names_used_by(node: ast.ClassDef) -> set[str]:
    """Return the names that one of our classes defines, or uses on `self` or `super()`."""
    used: set[str] = set()
    for statement in node.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                used.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                used.add(name)
            case _:
                pass
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(value=ast.Name(id="self") | ast.Call(func=ast.Name(id="super")), attr=name):
                used.add(name)
            case _:
                pass
    return {name for name in used if not name.endswith("__")}


def _load(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_private_names_of_libraries_are_listed() -> None:
    overridden = {
        name
        for ours, node in _classes()
        for base in _foreign_bases(ours)
        for name in _names_used_by(node) & _names_of(base)
        if _is_private(name)
    }
    assert _used_privates() | overridden == {name.rpartition(".")[2] for name in PRIVATE} | DOCUMENTED


@pytest.mark.parametrize("dotted", sorted(PRIVATE - {"uvicorn._types.ASGI3Application"}))
def test_a_listed_private_name_exists(dotted: str) -> None:
    path, _, name = dotted.rpartition(".")
    owner = _load(path) if "." in path else importlib.import_module(path)
    on_self = _names_on_self(owner.__module__) if isinstance(owner, type) else set()
    assert hasattr(owner, name) or name in on_self


def test_a_class_that_extends_a_server_or_a_client_lists_the_names_that_it_uses() -> None:
    found = {}
    for ours, node in _classes():
        libraries = {*LIBRARIES} - {"textual"}  # its documentation invites programs to extend its classes
        bases = [base for base in _foreign_bases(ours) if base.__module__.split(".")[0] in libraries]
        names = _names_used_by(node) & {name for base in bases for name in _names_of(base)}
        if names:
            found[f"{ours.__module__}.{ours.__name__}"] = names
    assert found == {name: set(names.split()) for name, names in EXTENDED.items()}


@pytest.mark.parametrize("dotted", sorted(USED))
def test_a_listed_attribute_exists(dotted: str) -> None:
    bases = [base for base in _load(dotted).__mro__ if base is not object]
    assert set(USED[dotted].split()) - {name for base in bases for name in _names_of(base)} == set()


def test_imports_from_undocumented_modules_are_listed() -> None:
    found: dict[str, set[str]] = {module: set() for module in MODULES}
    for module, name in _imports():
        if module in MODULES:
            found[module].add(name)
    assert found == MODULES


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_whose_internals_we_use_is_pinned_to_its_minor_release(library: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = [item for items in project.get("optional-dependencies", {}).values() for item in items]
    (pin,) = [item for item in map(Requirement, [*project["dependencies"], *optional]) if item.name == library]
    assert pin.specifier.contains(version(library))
    assert not _allows_next_release(pin, version(library)), pin


def _allows_next_release(pin: Requirement, installed: str) -> bool:
    major, minor, *_ = Version(installed).release
    return pin.specifier.contains(f"{major}.{minor + 1}") or pin.specifier.contains(f"{major + 1}.0")


def test_a_new_use_of_a_private_name_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from redis._parsers import Encoder\nclient._send()\ngetattr(loop, '_selector')\n"
    monkeypatch.setattr(f"{__name__}._trees", lambda: {"ticker.new": ast.parse(source)})
    assert _used_privates() == {"Encoder", "_send", "_selector"}
