"""Coverage-guided fuzzing: `make fuzz`, or `python -m tests.hostile.fuzz [PROPERTY] [OPTION]...`.

The properties are those of the tests. This needs atheris, which isn't in the lock because it has wheels for few Python
versions.

    python -m tests.hostile.fuzz conversations -max_total_time=600     (libFuzzer's options)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

NEEDED: Final = (
    "this needs atheris: `.venv/bin/python -m pip install atheris`, with a Python version that it has wheels for"
)


def properties() -> dict[str, Callable[[bytes], object]]:
    """Return each property as a function of bytes, from which Hypothesis draws its choices."""
    from hypothesis import given  # noqa: PLC0415 -- after the instrumentation has started
    from hypothesis import strategies as st  # noqa: PLC0415

    from tests.hostile import inputs  # noqa: PLC0415
    from tests.hostile.properties import ConversationCheck, check_decisions  # noqa: PLC0415

    check = ConversationCheck()
    cuts = st.lists(st.integers(0, 6000), max_size=4)
    inbox = st.lists(st.tuples(st.sampled_from(("maha", "omar")), inputs.submissions()), min_size=1, max_size=8)

    @given(inputs.conversations())
    def conversations(pieces: list[bytes]) -> None:
        check.check_conversation(pieces)

    @given(inputs.frames(), cuts, st.booleans(), st.booleans())
    def frames(sent: bytes, places: list[int], offers_compression: bool, is_ahead: bool) -> None:
        check.check_frames(sent, places, offers_compression=offers_compression, is_ahead=is_ahead)

    @given(inbox)
    def submissions(found: list[tuple[str, bytes]]) -> None:
        check_decisions(found)

    found = {"conversations": conversations, "frames": frames, "submissions": submissions}
    return {name: test.hypothesis.fuzz_one_input for name, test in found.items()}  # type: ignore[attr-defined]


def main() -> int:
    """Fuzz one property until it fails, or until libFuzzer's limits are reached."""
    try:
        atheris = import_module("atheris")
    except ImportError:
        print(NEEDED, file=sys.stderr)  # noqa: T201 -- a script
        return 1
    with atheris.instrument_imports(include=["ticker", "uvicorn", "websockets"]):
        tests = properties()
    name = sys.argv[1] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "conversations"
    if name not in tests:
        print(f"unknown property {name}: choose one of {', '.join(tests)}", file=sys.stderr)  # noqa: T201
        return 2
    atheris.Setup([sys.argv[0], *(word for word in sys.argv[1:] if word != name)], tests[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
