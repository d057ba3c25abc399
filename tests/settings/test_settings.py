"""The settings file: read as meant, or refused with every reason; never a secret in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asapfill.core.errors import ConfigurationError
from asapfill.settings.kinds import url_trouble
from asapfill.settings.settings import Settings, check_secrets, find_settings, load_settings

PLAIN_KEY = "VzPLAINTEXTkmZEaUWOjn"
GOOD = """\
policies = "policies"     # folder of *.yaml policies
state = "state"

[offices.main-street]
urls = ["http://10.0.0.5:30223/api/v1", "https://api.opendental.com/api/v1/"]
developer_key = "env:DEVELOPER_KEY"
customer_key = "file:keys/main-street"

[offices.elm-street]
urls = ["https://api.opendental.com/api/v1"]
developer_key = "env:DEVELOPER_KEY"
customer_key = "credential:elm-street"
seconds_between_requests = 1.5
requests_per_minute = 30
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    credentials, keys = tmp_path / "credentials", tmp_path / "keys"
    credentials.mkdir()
    keys.mkdir()
    (credentials / "elm-street").write_text("elm-key\n")
    (keys / "main-street").write_text("main-key\r\n")
    return {"DEVELOPER_KEY": "developer-key", "CREDENTIALS_DIRECTORY": str(credentials)}


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "asapfill.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {}, with_secrets=environ is not None)


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, environ)
    return str(caught.value)


def office(**values: str) -> str:
    """One office's table; each value as TOML, empty to leave the key out."""
    keys = {
        "urls": '["https://api.opendental.com/api/v1"]',
        "developer_key": '"env:DEVELOPER_KEY"',
        "customer_key": '"env:CUSTOMER_KEY"',
        **values,
    }
    return "[offices.main-street]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items() if value)


# Where the file is looked for


def test_the_path_that_was_given_comes_first_then_the_environment_then_here(tmp_path: Path) -> None:
    (tmp_path / "asapfill.toml").touch()
    environ = {"ASAPFILL_CONFIG": "elsewhere.toml"}
    assert find_settings(Path("given.toml"), environ, tmp_path) == tmp_path / "given.toml"
    assert find_settings(None, environ, tmp_path) == tmp_path / "elsewhere.toml"
    assert find_settings(None, {}, tmp_path) == tmp_path / "asapfill.toml"


def test_without_any_file_the_message_says_where_it_was_looked_for_and_how_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asapfill.settings.settings.SYSTEM_SETTINGS", tmp_path / "etc" / "asapfill.toml")
    with pytest.raises(ConfigurationError) as caught:
        find_settings(None, {}, tmp_path)
    for part in ("--config", "$ASAPFILL_CONFIG", "./asapfill.toml", "[offices.main-street]", "asapfill demo"):
        assert part in str(caught.value)


def test_a_file_that_was_asked_for_and_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no settings file .*gone[.]toml"):
        load_settings(tmp_path / "gone.toml", {})


@pytest.mark.parametrize("name", ["", "x" * 300])
def test_what_cannot_be_opened_as_a_file_is_refused_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a file|cannot be read"):
        load_settings(tmp_path / name, {})


# Reading


def test_good_settings_are_read(tmp_path: Path, environ: dict[str, str]) -> None:
    settings = load(tmp_path, GOOD, environ)
    main, elm = settings.offices["main-street"], settings.offices["elm-street"]
    assert settings.policies == tmp_path / "policies"
    assert settings.state == tmp_path / "state"
    assert settings.clock is None
    assert main.urls == ("http://10.0.0.5:30223/api/v1", "https://api.opendental.com/api/v1")
    assert main.seconds_between_requests is None
    assert elm.seconds_between_requests == 1.5
    assert (main.requests_per_minute, elm.requests_per_minute) == (None, 30)


def test_secrets_come_from_the_environment_a_file_or_a_credential(tmp_path: Path, environ: dict[str, str]) -> None:
    settings = load(tmp_path, GOOD, environ)
    assert settings.offices["main-street"].developer_key.reveal() == "developer-key"
    assert settings.offices["main-street"].customer_key.reveal() == "main-key"
    assert settings.offices["elm-street"].customer_key.reveal() == "elm-key"


def test_windows_line_ends_and_a_byte_order_mark_are_forgiven(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + office().replace("\n", "\r\n")).offices["main-street"].name == "main-street"


def test_the_folders_have_defaults_and_may_be_absolute(tmp_path: Path) -> None:
    settings = load(tmp_path, 'state = "/var/lib/asapfill"\n' + office())
    assert settings.policies == tmp_path / "policies"
    assert settings.state == Path("/var/lib/asapfill")


def test_a_sandboxs_clock_on_this_machine_may_be_followed(tmp_path: Path) -> None:
    clock = "http://127.0.0.1:8123/sandbox/clock"
    assert load(tmp_path, f'clock = "{clock}"\n' + office()).clock == clock


BROKEN = {
    "an_unknown_key": ("polices = 'x'\n" + office(), "asapfill.toml:1:1: `polices`", "Did you mean `policies`?"),
    "an_unknown_office_key": (office(custumer_key="'env:X'"), ":5:1: `custumer_key`", "Did you mean `customer_key`?"),
    "an_office_key_at_the_top": ("urls = []\n" + office(), "`urls` is not a setting", "below [offices.NAME]"),
    "a_top_key_in_an_office": (office(state="'x'"), ":5:1: `state` is not a setting", "at the top of the file"),
    "no_offices": ("state = 'state'\n", "No office is named.", "[offices.main-street]"),
    "empty_file": ("", "No office is named.", "[offices.main-street]"),
    "offices_is_a_list": ("offices = []\n", "No office is named.", "[offices.main-street]"),
    "an_office_is_no_table": ("[offices]\nmain-street = 1\n", ":2:1: An office is a table", "[offices.main-street]"),
    "an_office_with_blanks": (office().replace("main-street", '"Main Street"'), "name of an office", "without blanks"),
    "a_missing_secret": (office(customer_key=""), "`customer_key` is missing", "env:NAME"),
    "a_secret_that_is_a_number": (office(customer_key="12345"), "`customer_key` must not be written here", "env:NAME"),
    "no_urls": (office(urls=""), "`urls` must list", "For example: urls ="),
    "an_empty_url_list": (office(urls="[]"), "`urls` must list", "For example: urls ="),
    "urls_that_are_numbers": (office(urls="[1]"), "`urls` must list", "For example: urls ="),
    "the_same_url_twice": (office(urls='["http://a/api/v1", "http://a/api/v1/"]'), "Address 2", "Remove one."),
    "an_interval_that_is_text": (office(seconds_between_requests="'1'"), "number from 0 to 60", "= 1.0"),
    "an_interval_that_is_not_a_number": (office(seconds_between_requests="nan"), "number from 0 to 60", "= 1.0"),
    "an_interval_below_nought": (office(seconds_between_requests="-1"), "number from 0 to 60", "= 1.0"),
    "an_interval_that_is_a_yes": (office(seconds_between_requests="true"), "number from 0 to 60", "= 1.0"),
    "an_interval_that_gets_keys_suspended": (office(seconds_between_requests="0.1"), "too short", "Leave it out"),
    "a_budget_that_is_text": (office(requests_per_minute="'30'"), "a whole number, 12 or more", "= 30"),
    "a_budget_that_is_a_yes": (office(requests_per_minute="true"), "a whole number, 12 or more", "= 30"),
    "a_budget_too_small_to_look_again": (office(requests_per_minute="11"), "a whole number, 12 or more", "= 30"),
    "a_folder_that_is_a_number": ("state = 3\n" + office(), ":1:1: `state` must be the path", 'state = "state"'),
    "a_clock_elsewhere": ("clock = 'http://10.0.0.5/sandbox/clock'\n" + office(), ":1:1: `clock`", "Take the line out"),
    "a_clock_that_is_a_number": ("clock = 1\n" + office(), ":1:1: `clock`", "Take the line out"),
    "a_name_twice": (office() + office(), ":5:", "Keep one of the two."),
    "a_key_twice": ("state = 'a'\nstate = 'b'\n", "`state` stands twice", "Keep one of the two."),
    "text_without_quotes": ("state = here\n" + office(), ":1:9: This line `state` is not TOML", "straight quotes"),
    "yaml": ("offices:\n  main-street:\n", ":1:8: This line is not TOML", "straight quotes"),
    "a_file_cut_short": ("[offices.main-street]\nurls = [\n", "is not TOML", "straight quotes"),
    "endless_brackets": ("a = " + "[" * 20_000, "is not TOML", "straight quotes"),
    "a_huge_number": ("a = " + "9" * 10_000, "is not TOML", "straight quotes"),
    "a_huge_file": ("#" * 1_100_000, "larger than 1024 KiB", "settings file?"),
}


@pytest.mark.parametrize(("text", "message", "hint"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_settings_say_where_what_and_what_to_do(tmp_path: Path, text: str, message: str, hint: str) -> None:
    told = refusal(tmp_path, text)
    assert message in told
    assert hint in told


def test_all_mistakes_are_told_at_once_from_top_to_bottom(tmp_path: Path) -> None:
    text = "colour = 'red'\n" + office(urls="['ftp://x']", customer_key="'abc'") + "\n[offices.elm]\n"
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    lines = [problem.line for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert len(lines) == 6


@pytest.mark.parametrize(
    "text",
    [
        office(customer_key=f'"{PLAIN_KEY}"'),
        office(customer_key=PLAIN_KEY),
        office(customer_key=f'"{PLAIN_KEY}'),
        office(customer_key=f'["{PLAIN_KEY}"]'),
        office(customer_key=f'"env:{PLAIN_KEY}"'),
        office(urls=f'["https://me:{PLAIN_KEY}@api.opendental.com/api/v1"]'),
        office(urls=f'["https://api.opendental.com/api/v1?key={PLAIN_KEY}"]'),
        office(custumer_key=f'"{PLAIN_KEY}"'),
        office() + f"{PLAIN_KEY}\n",
    ],
)
def test_a_secret_in_plain_text_is_refused_and_never_shown(tmp_path: Path, text: str) -> None:
    told = refusal(tmp_path, text, {"DEVELOPER_KEY": "x", "CUSTOMER_KEY": "y"})
    assert told
    assert PLAIN_KEY not in told


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://api.opendental.com/api/v1",
        "http://localhost:30222/api/v1",
        "http://127.0.0.1:30222/api/v1",
        "http://[::1]:30222/api/v1",
        "http://192.168.1.20:30223/api/v1",
        "http://server:30223/api/v1",
        "http://server.local:30223/api/v1",
    ],
)
def test_addresses_of_the_api_are_accepted(url: str) -> None:
    assert url_trouble(url) == ""


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("ftp://server/api/v1", "begins with http"),
        ("server:30223/api/v1", "begins with http"),
        ("", "begins with http"),
        ("https:///api/v1", "begins with http"),
        ("http://server:port/api/v1", "begins with http"),
        ("http://ser ver/api/v1", "begins with http"),
        ("http://[::1/api/v1", "begins with http"),
        ("https://api.opendental.com", "does not end with /api/v1"),
        ("https://api.opendental.com/api/v2", "does not end with /api/v1"),
        ("https://api.opendental.com/api/v1#x", "does not end with /api/v1"),
        ("http://api.opendental.com/api/v1", "unencrypted"),
        ("http://8.8.8.8/api/v1", "unencrypted"),
        ("https://me:word@server/api/v1", "user name or password"),
    ],
)
def test_other_addresses_are_refused_in_words(url: str, trouble: str) -> None:
    assert trouble in url_trouble(url)


# Secrets


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("env:UNSET_NAME", "environment variable UNSET_NAME that is not set"),
        ("env:EMPTY", "is empty where it comes from"),
        ("env:BLANKS", "is empty where it comes from"),
        ("env:TWO_LINES", "is not a key"),
        ("env:SMART", "is not a key"),
        ("file:nowhere", "cannot be read: No such file"),
        ("file:.", "cannot be read: Is a directory"),
        ("file:large", "too large to be a key"),
        ("credential:main", "systemd did not start this program"),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_with_its_place(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "large").write_text("x" * 5_000)
    environ = {"DEVELOPER_KEY": "x", "EMPTY": "", "BLANKS": " \n", "TWO_LINES": "a\nb", "SMART": "“a”"}
    told = refusal(tmp_path, office(customer_key=f'"{source}"'), environ)
    assert told.startswith("asapfill.toml:4:1: `customer_key` ")
    assert message in told


@pytest.mark.parametrize("name", ["../main", "gone", "", "a/b"])
def test_a_credential_is_a_name_in_systemds_folder_and_nothing_else(tmp_path: Path, name: str) -> None:
    (tmp_path / "main").write_text("key")
    (tmp_path / "inner").mkdir()
    environ = {"DEVELOPER_KEY": "x", "CREDENTIALS_DIRECTORY": str(tmp_path / "inner")}
    assert "`customer_key`" in refusal(tmp_path, office(customer_key=f'"credential:{name}"'), environ)


def test_whether_secrets_can_be_had_may_be_left_for_later(tmp_path: Path) -> None:
    settings = load(tmp_path, office())
    with pytest.raises(ConfigurationError) as caught:
        check_secrets(settings)
    assert len(caught.value.problems) == 2


def test_no_representation_shows_a_secret_or_the_environment(tmp_path: Path, environ: dict[str, str]) -> None:
    settings = load(tmp_path, GOOD, environ)
    shown = repr(settings) + str(settings.offices["main-street"].developer_key)
    for secret in ("developer-key", "main-key", "elm-key", "CREDENTIALS_DIRECTORY"):
        assert secret not in shown


@given(st.text(max_size=200) | st.sampled_from(GOOD.split()).map(lambda piece: GOOD.replace(piece, "")))
def test_any_text_is_settings_or_refused_with_a_reason(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    assert verdict(path)


def verdict(path: Path) -> bool:
    try:
        return bool(load_settings(path, {}, with_secrets=False).offices)
    except ConfigurationError as error:
        return bool(error.problems)
