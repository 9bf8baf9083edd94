"""Settings from the file and from the environment, and errors that name the value and the limit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

import ticker
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect, Quotes
from ticker.core.errors import SettingsError
from ticker.core.line import Direction
from ticker.gateway.broadcast import RECENT_S
from ticker.settings import HEARTBEAT_MAX_S, SHOWN, Settings, load_settings

EDITION = '[editions.fr]\ntitle = "Dernière minute"\nlang = "fr"\ndir = "ltr"\n'


def from_file(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> Settings:
    path = tmp_path / "ticker.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(path, environ or {})


def refusal(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as refused:
        from_file(tmp_path, text, environ)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_without_a_file_and_variables_the_defaults_apply() -> None:
    assert load_settings(None, {}) == Settings()


def test_the_defaults_are_the_documented_ones() -> None:
    settings = msgspec.structs.asdict(Settings())
    assert settings.pop("editions") == DEFAULT_EDITIONS
    assert settings == {
        "retained": 10_000,
        "receipts_retained": 1_000,
        "inbox_retained": 10_000,
        "submission_bytes": 8192,
        "submission_deadline_s": 30.0,
        "submissions_per_minute": 120,
        "submissions_burst": 1_000,
        "held_per_editor": 200,
        "held": 1_000,
        "overdue_after_s": 600.0,
        "follower_buffer_bytes": 16_384,
        "follower_paused_s": 30.0,
        "frame_caches": 1_000,
        "selections_per_address": 50,
        "followers": 18_000,
        "followers_per_address": 1_000,
        "handshakes_per_s": 2_000,
        "handshake_s": 10.0,
        "unread_bytes": 67_108_864,
        "reader_message_bytes": 4096,
        "history_page": 100,
        "heartbeat_s": 25,
        "drain_s": 20.0,
        "tail_stale_s": 60,
        "compression": True,
        "trusted_proxies": (),
        "public_url": None,
        "websub_hub": None,
        "otlp_endpoint": None,
        "api_requests": 200,
        "api_requests_per_editor": 20,
        "access_keys_file": None,
        "status_viewers": 20,
        "relay_lines": 10_000,
        "relay_pending": 1_000,
        "relay_parallel": 4,
        "relay_timeout_s": 20.0,
        "relay_retry_s": 300.0,
        "relay_give_up_s": 259_200.0,
    }


def test_every_default_is_within_its_limits() -> None:
    assert msgspec.convert(msgspec.to_builtins(Settings()), Settings) == Settings()


@pytest.mark.parametrize("kind", [Settings, Edition])
def test_every_number_text_and_collection_has_a_maximum(kind: type[msgspec.Struct]) -> None:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    # The rules are a closed set, and the settings check the zone and the networks as such.
    exempt = {"editions", "rules", "zone", "trusted_proxies", "public_url", "second_person", "lang"}
    unlimited = [field.name for field in described.fields if field.name not in exempt and is_unlimited(field.type)]
    assert unlimited == []


def is_unlimited(kind: inspect.Type) -> bool:
    """Return whether a type accepts numbers without a maximum, or texts or collections of any length."""
    match kind:
        case inspect.IntType(le=None) | inspect.FloatType(le=None) | inspect.StrType(max_length=None):
            return True
        case inspect.DictType():
            return kind.max_length is None or is_unlimited(kind.value_type)
        case inspect.VarTupleType():
            return kind.max_length is None or is_unlimited(kind.item_type)
        case inspect.UnionType():
            return any(map(is_unlimited, kind.types))
        case _:
            return False


def test_heartbeats_are_more_frequent_than_readers_give_up() -> None:
    link = (Path(ticker.__file__).parent / "widget/src/connection.js").read_text(encoding="utf-8")
    silence = re.search(r"SILENCE_TIMEOUT_MS = ([0-9_]+);", link)
    assert silence is not None
    assert int(silence[1]) > (HEARTBEAT_MAX_S + RECENT_S) * 1000


def test_two_settings_do_not_share_their_editions() -> None:
    assert Settings().editions is not Settings().editions


def test_a_file_changes_only_the_settings_that_it_names(tmp_path: Path) -> None:
    settings = from_file(tmp_path, 'retained = 50\ndrain_s = 1.5\ntrusted_proxies = ["10.0.0.0/8", "::1"]')
    assert (settings.retained, settings.drain_s, settings.trusted_proxies) == (50, 1.5, ("10.0.0.0/8", "::1"))
    assert settings.frame_caches == Settings().frame_caches


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert from_file(tmp_path, "") == Settings()


def test_a_variable_changes_the_setting_of_its_name() -> None:
    settings = load_settings(
        None, {"TICKER_RETAINED": "7", "TICKER_DRAIN_S": "2", "TICKER_TRUSTED_PROXIES": "10.0.0.0/8, ::1,"}
    )
    assert (settings.retained, settings.drain_s, settings.trusted_proxies) == (7, 2.0, ("10.0.0.0/8", "::1"))


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    settings = from_file(tmp_path, "retained = 50\nframe_caches = 5", {"TICKER_RETAINED": "7"})
    assert (settings.retained, settings.frame_caches) == (7, 5)


@pytest.mark.parametrize(
    "variable", ["RETAINED", "TICKER_REDIS_URL", "TICKER_DATA", "TICKER_retained", "ticker_retained", "TICKER_EDITIONS"]
)
def test_other_variables_are_not_settings(variable: str) -> None:
    assert load_settings(None, {variable: "7"}) == Settings()


def test_an_empty_list_of_proxies_trusts_none(tmp_path: Path) -> None:
    settings = from_file(tmp_path, 'trusted_proxies = ["10.0.0.0/8"]', {"TICKER_TRUSTED_PROXIES": ""})
    assert settings.trusted_proxies == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retained = 0", "retained is 0: expected `int` >= 1"),
        ("retained = -5", "retained is -5: expected `int` >= 1"),
        ("retained = 1.5", "retained is 1.5: expected `int`"),
        ("retained = true", "retained is True: expected `int`"),
        ('retained = "many"', "retained is 'many': expected `int`"),
        ("retained = 1000001", "retained is 1000001: expected `int` <= 1000000"),
        ("heartbeat_s = 51", "heartbeat_s is 51: expected `int` <= 50"),
        ("submission_bytes = 1048577", "submission_bytes is 1048577: expected `int` <= 1048576"),
        ("followers = 1000001", "followers is 1000001: expected `int` <= 1000000"),
        ("history_page = 501", "history_page is 501: expected `int` <= 500"),
        ("followers = -1", "followers is -1: expected `int` >= 0"),
        ("drain_s = 0", "drain_s is 0: expected `float` > 0.0"),
        ("drain_s = nan", "drain_s is nan: expected `float` > 0.0"),
        ("drain_s = inf", "drain_s is inf: expected `float` <= 86400.0"),
        ('trusted_proxies = "10.0.0.0/8"', "trusted_proxies is '10.0.0.0/8': expected `array`"),
        (
            'trusted_proxies = ["proxy.example"]',
            "trusted_proxies has 'proxy.example': use an address",
        ),
        ('public_url = "news.example"', "public_url is 'news.example': use the scheme and host"),
        ('public_url = "https://news.example/en"', "public_url is 'https://news.example/en'"),
        ('public_url = "ftp://news.example"', "public_url is 'ftp://news.example'"),
        ('public_url = "https://me@news.example"', "public_url is 'https://me@news.example'"),
        ('public_url = "https://news.example:port"', "public_url is 'https://news.example:port'"),
        ('websub_hub = "hub.example"', "websub_hub is 'hub.example': use the hub's address"),
        ('websub_hub = "https://hub.example/"', "websub_hub needs public_url"),
        ('public_url = "https://[::1"', "public_url is 'https://[::1'"),
        ('trusted_proxies = ["10.0.0.1/8"]', "trusted_proxies has '10.0.0.1/8'"),
        ("retaind = 5", "retaind isn't a setting: the settings are editions, retained"),
        ("editions = 5", "editions is 5: expected `object`"),
    ],
)
def test_an_invalid_value_is_named_with_its_limit(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


@pytest.mark.parametrize(
    "setting", ["followers", "followers_per_address", "handshakes_per_s", "selections_per_address"]
)
def test_zero_removes_a_liftable_limit(tmp_path: Path, setting: str) -> None:
    assert getattr(from_file(tmp_path, f"{setting} = 0"), setting) == 0


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TICKER_RETAINED", "0", "TICKER_RETAINED is '0': expected `int` >= 1"),
        ("TICKER_RETAINED", "", "TICKER_RETAINED is '': expected `int`"),
        ("TICKER_DRAIN_S", "soon", "TICKER_DRAIN_S is 'soon': expected `float`"),
        ("TICKER_DRAIN_S", "inf", "TICKER_DRAIN_S is 'inf': expected `float` <= 86400.0"),
        ("TICKER_TRUSTED_PROXIES", "10.0.0.0/33", "trusted_proxies has '10.0.0.0/33'"),
    ],
)
def test_an_invalid_variable_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {variable: value})
    assert str(refused.value).startswith(said)


def test_only_the_beginning_of_a_long_value_is_shown(tmp_path: Path) -> None:
    said = refusal(tmp_path, f'retained = "{"x" * 10_000}"')
    assert len(said) < SHOWN + 100


# Editions


def test_the_editions_of_a_file_replace_the_defaults(tmp_path: Path) -> None:
    settings = from_file(tmp_path, EDITION + "board_lines = 5")
    assert list(settings.editions) == ["fr"]
    french = settings.editions["fr"]
    assert (french.title, french.dir, french.board_lines) == ("Dernière minute", Direction.LTR, 5)
    assert french.sections == DEFAULT_EDITIONS["en"].sections


def test_an_edition_may_have_its_own_vocabulary(tmp_path: Path) -> None:
    settings = from_file(tmp_path, EDITION + '[editions.fr.sections]\nmeteo = "Météo"')
    assert settings.editions["fr"].sections == {"meteo": "Météo"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (EDITION + "board_lines = 0", "editions.fr.board_lines is 0: expected `int` >= 1"),
        (EDITION + "board_lines = 101", "editions.fr.board_lines is 101: expected `int` <= 100"),
        (EDITION + "text_graphemes = 0", "editions.fr.text_graphemes is 0: expected `int` >= 1"),
        (EDITION + "text_warn_graphemes = -1", "editions.fr.text_warn_graphemes is -1: expected `int` >= 1"),
        (EDITION + 'colour = "red"', "editions.fr.colour isn't a setting: the settings are title, lang, dir"),
        (EDITION + 'origins = "*"', "editions.fr.origins is '*': expected `array`"),
        (EDITION.replace('"ltr"', '"up"'), "editions.fr.dir is 'up': Invalid enum value"),
        (EDITION.replace('"fr"', '"not a tag"'), "editions.fr.lang is 'not a tag': expected `str` matching"),
        (EDITION.replace('lang = "fr"\n', ""), "editions.fr.lang is missing: an edition must have title, lang, dir"),
        (EDITION.replace('"Dernière minute"', '""'), "editions.fr.title is '': expected `str` of length >= 1"),
        (EDITION.replace("[editions.fr]", "[editions.FR]"), "'FR' is not a name"),
        (EDITION.replace("[editions.fr]", '[editions."a:b"]'), "'a:b' is not a name"),
        (EDITION + '[editions.fr.sections]\nMeteo = "Météo"', "editions.fr.sections has 'Meteo' = 'M\\xe9t\\xe9o'"),
        (EDITION + '[editions.fr.regions]\n"a b" = "A"', "editions.fr.regions has 'a b' = 'A'"),
        (EDITION + '[editions.fr.regions]\nasie = " "', "editions.fr.regions has 'asie' = ' '"),
        (
            EDITION + '[editions.fr.rules]\nduplicates = "off"',
            "editions.fr.rules.duplicates isn't a setting: the settings are attribution, label, short",
        ),
        (
            EDITION + '[editions.fr.rules]\nduplicate = "no"',
            "editions.fr.rules is {'duplicate': 'no'}: Invalid enum value",
        ),
        (EDITION + 'quotes = "double"', "editions.fr.quotes is 'double': Invalid enum value"),
        (EDITION + 'placeholders = [""]', "editions.fr.placeholders is ['']: expected `str` of length >= 1"),
        (EDITION + 'zone = "Europe/Paname"', "editions.fr.zone is 'Europe/Paname': there is no such time zone"),
        (EDITION + 'zone = ""', "editions.fr.zone is '': there is no such time zone"),
        (EDITION + 'zone = "../zone"', "editions.fr.zone is '../zone': there is no such time zone"),
        (EDITION + 'zone = "Europe"', "editions.fr.zone is 'Europe': there is no such time zone"),
        (EDITION + f'zone = "{"x" * 500}"', "editions.fr.zone is 'xxx"),
        (EDITION + 'zone = "a\\u0000b"', "editions.fr.zone is 'a\\x00b': there is no such time zone"),
    ],
)
def test_an_invalid_setting_of_an_edition_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_an_edition_configures_the_effect_of_each_rule(tmp_path: Path) -> None:
    rules = '[editions.fr.rules]\nduplicate = "warn"\nscript = "review"\nattribution = "off"\ncapitals = "refuse"'
    edition = from_file(tmp_path, EDITION + 'quotes = "guillemets"\nplaceholders = ["AC"]\n' + rules).editions["fr"]
    assert edition.rules == {
        "duplicate": Effect.WARN,
        "script": Effect.REVIEW,
        "attribution": Effect.OFF,
        "capitals": Effect.REFUSE,
    }
    assert (edition.quotes, edition.placeholders) == (Quotes.GUILLEMETS, ("AC",))


@pytest.mark.parametrize("zone", ["Europe/Madrid", "UTC", "America/Argentina/Buenos_Aires"])
def test_an_edition_has_a_time_zone(tmp_path: Path, zone: str) -> None:
    assert from_file(tmp_path, EDITION + f'zone = "{zone}"').editions["fr"].zone == zone


def test_time_zones_work_on_machines_without_any(tmp_path: Path) -> None:
    path = tmp_path / "ticker.toml"
    path.write_text(EDITION + 'zone = "Europe/Madrid"', encoding="utf-8")
    script = "import sys; from pathlib import Path; from ticker.settings import load_settings as load"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; load(Path(sys.argv[1]), {{}})", path],
        env={**os.environ, "PYTHONTZPATH": ""},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lines", [1, 100])
def test_a_board_may_have_1_to_100_lines(tmp_path: Path, lines: int) -> None:
    assert from_file(tmp_path, EDITION + f"board_lines = {lines}").editions["fr"].board_lines == lines


# The file


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml can't be read: No such file"):
        load_settings(tmp_path / "none.toml", {})


def test_a_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read: Is a directory"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("text", ["retained = ", "retained 5", b'title = "\xff"', "[[[", "a" * 100])
def test_a_file_with_invalid_toml_is_named(tmp_path: Path, text: str | bytes) -> None:
    assert "ticker.toml isn't valid TOML: " in refusal(tmp_path, text)
