"""A real WordPress for tests: PHP's own web server, and a MariaDB on a Unix socket."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from scripts.wordpress import FOLDER, SITE, is_unpacked
from tests.support.waiting import until

RUN_S = 120
EXTENSIONS = ("mysqlnd", "mysqli", "ctype", "iconv", "tokenizer")

CONFIGURATION = """<?php
foreach ( array(
	'DB_NAME' => 'wordpress', 'DB_USER' => 'root', 'DB_PASSWORD' => '', 'DB_HOST' => 'localhost:{socket}',
	'WP_HOME' => '{address}', 'WP_SITEURL' => '{address}', 'WP_PLUGIN_DIR' => '{plugins}',
	'WP_DEBUG' => true, 'WP_DEBUG_DISPLAY' => true, 'WP_HTTP_BLOCK_EXTERNAL' => true, 'DISABLE_WP_CRON' => true,
) as $name => $value ) {{
	define( $name, $value );
}}
$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
"""

INSTALL = """<?php
function wp_new_blog_notification() {{}} // it sends an e-mail
( new mysqli( 'localhost', 'root', '', '', 0, '{socket}' ) )->query( 'CREATE DATABASE wordpress' );
define( 'WP_INSTALLING', true );
require '{site}/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'News', 'admin', 'admin@example.org', true, '', 'a password' );
activate_plugin( 'ticker.php' );
wp_set_current_user( wp_insert_user( array( 'user_login' => 'ada', 'user_pass' => 'b', 'role' => 'author' ) ) );
echo wp_insert_post( array( 'post_title' => 'An article', 'post_status' => 'publish', 'post_content' => '{content}' ) );
"""


class WordPress:
    """A new site with one plugin, and with one article by an author who may not write unfiltered HTML."""

    def __init__(self, folder: Path, plugin: str, content: str) -> None:
        assert is_unpacked(), "this test needs WordPress: run `make wordpress`"
        self._folder = folder
        self._stack = ExitStack()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._place = "{}:{}".format(*free.getsockname())
        self.address = f"http://{self._place}"
        self.article = ""
        for name in ("data", "plugins"):
            (folder / name).mkdir()
        self._write("plugins/ticker.php", plugin)
        values = {"socket": folder / "db", "address": self.address, "plugins": folder / "plugins", "site": SITE}
        self._write("config.php", CONFIGURATION.format(**values))
        self._write("install.php", INSTALL.format(**values, content=content))

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start(stack, self._database())
            until((self._folder / "db").is_socket, "MariaDB has started")
            installed = self._php("install.php")
            self.article = f"{self.address}/?p={installed}"
            self._start(stack, [*PHP, "-S", self._place, "-t", str(SITE)])
            until(self._answers, "PHP has started")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, encoding="utf-8")

    def _database(self) -> list[str]:
        return [
            str(FOLDER / "mariadbd"), "--no-defaults", "--user=root", "--skip-networking", "--skip-grant-tables",
            f"--datadir={self._folder}/data", f"--socket={self._folder}/db", f"--pid-file={self._folder}/pid",
            f"--lc-messages-dir={FOLDER}/usr/share/mysql", f"--character-sets-dir={FOLDER}/usr/share/mysql/charsets",
            "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--innodb-flush-method=nosync",
        ]  # fmt: skip

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | {"WORDPRESS_CONFIG": str(self._folder / "config.php")}

    def _start(self, stack: ExitStack, command: list[str]) -> None:
        log = stack.enter_context((self._folder / f"{Path(command[0]).name}.log").open("w"))
        process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=subprocess.STDOUT)
        stack.callback(process.wait, RUN_S)
        stack.callback(process.kill)

    def _php(self, script: str) -> str:
        ran = subprocess.run(
            [*PHP, str(self._folder / script)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stdout.isdecimal(), ran.stdout
        return ran.stdout

    def _answers(self) -> bool:
        host, port = self._place.split(":")
        with socket.socket() as connection:
            return connection.connect_ex((host, int(port))) == 0


def _php_command() -> list[str]:
    folder = next(FOLDER.glob("usr/lib/php/20*"), FOLDER)
    options = [f"extension_dir={folder}", *(f"extension={name}" for name in EXTENSIONS)]
    return [str(FOLDER / "php"), "-n", *(part for option in options for part in ("-d", option))]


PHP = _php_command()
