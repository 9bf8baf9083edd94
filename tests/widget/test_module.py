"""What is served of the module is what is kept of it, only smaller."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.node import FOLDER, node, tsc
from ticker import widget

SOURCE = Path(widget.__file__).with_name("ticker.js")


def test_it_is_at_most_8_kb_gzipped() -> None:
    assert len(gzip.compress(widget.module().content, 9)) <= 8 * 1024


@pytest.mark.timeout(300)
def test_token_by_token_it_is_the_same_program(tmp_path: Path) -> None:
    tsc()  # brings the parser
    served = tmp_path / "served.js"
    served.write_bytes(widget.module().content)
    done = subprocess.run(
        [node(), FOLDER / "tokens.mjs", SOURCE, served], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"\d{4,} tokens, \d+ renamed", done.stdout)


@pytest.mark.parametrize(
    ("source", "compact"),
    [
        ("a = 1; // why\n/** what */\nb = 2;\n", "a=1;b=2;\n"),
        ('x = "// no comment /* nor this */";', 'x="// no comment /* nor this */";\n'),
        ("x = `  two  ${ a }  `;", "x=`  two  ${ a }  `;\n"),
        ("return  value  ;", "return value;\n"),
        ("a + +b; a - -b; a++ + b", "a+ +b;a- -b;a++ +b\n"),
        ("return\nvalue", "return\nvalue\n"),
        ('x.replace(/ \\/\\/ [/"] /g, y)', 'x.replace(/ \\/\\/ [/"] /g,y)\n'),
        ("class A { #one = 1; two() { return this.#one; } }", "class A{#a=1;two(){return this.#a}}\n"),
        ("class A { #one = 1; two() { return `${this.#one}`; } }", "class A{#one=1;two(){return`${this.#one}`}}\n"),
        ("const limit = 3;\nx = limit;", "let a=3;x=a;\n"),
        ("const limit = 3, a = 1;\nx = limit;", "let b=3,a=1;x=b;\n"),
        ("const limit = 3;\nx = `${limit}`;", "let limit=3;x=`${limit}`;\n"),
        ("f(1, 2,); [1, ,]; [,]; x = { a: [1,], };", "f(1,2);[1,,];[,];x={a:[1]};\n"),
        ("export const limit = 3;", "export let limit=3;\n"),
        ("function add(left, right) { return left + right; }", "function c(a,b){return a+b}\n"),
        ("if (left) { right(left); }", "if(left){right(left)}\n"),
        ("const limit = 3; if (x) { limit = 4; }", "let limit=3;if(x){limit=4}\n"),
        ("x.limit = document.limit;", "x.limit=document.limit;\n"),
        ("const limit = 3; x = { limit };", "let limit=3;x={limit};\n"),
        ("const limit = 3; x = { limit: 1 };", "let limit=3;x={limit:1};\n"),
        ("const { limit } = x;", "let{limit}=x;\n"),
        ("const limit = 3; class A { limit() {} }", "let limit=3;class A{limit(){}}\n"),
        ("const limit = 3; class A { limit = 3; }", "let limit=3;class A{limit=3}\n"),
        ("const limit = x?.limit;", "let limit=x?.limit;\n"),
        ("const limits = [3];\nx = [...limits];", "let a=[3];x=[...a];\n"),
        ("x.map((each) => each + each)", "x.map((a)=>a+a)\n"),
        ("if ((document) == x) y;", "if((document)==x)y;\n"),
        ("`\n:host { a: b; c: calc(1px + 2px) } /* why */\n`", "`:host{a:b;c:calc(1px + 2px)}`\n"),
    ],
)
def test_compacting(source: str, compact: str) -> None:
    assert widget.compact(source).replace("` :host", "`:host") == compact


def test_it_names_nobody_and_no_other_host() -> None:
    text = widget.module().content.decode()
    assert "http" not in text.replace("^https?:", "").replace("^http", "")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|cookie|localStorage|indexedDB", text
    )
