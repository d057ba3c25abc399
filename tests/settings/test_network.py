"""Settings for the way to an office: an authority of its own, a proxy; addresses in disguise; phones elsewhere."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock, SystemClock
from asapfill.core.addresses import address_of, is_near
from asapfill.core.candidates import phone_digits
from asapfill.core.errors import ConfigurationError
from asapfill.cycle.session import sessions_without_state
from asapfill.opendental.errors import OpenDentalError, Unreachable
from asapfill.settings.settings import Settings, load_settings
from tests.cycle.office import office_file, patient
from tests.daemon.bench import SETTINGS, bench_for
from tests.opendental.test_hostile import listening, over_tls
from tests.webhooks.test_tls import CERTIFICATE

KEYS = {"KEY": "made-up"}
FAR = "https://od.example.com/api/v1"


def load(folder: Path, *lines: str, url: str = FAR, name: str = "main-street") -> Settings:
    text = [f"[offices.{name}]", f'urls = ["{url}"]', 'developer_key = "env:KEY"', 'customer_key = "env:KEY"', *lines]
    path = folder / "asapfill.toml"
    path.write_text("\n".join(text))
    return load_settings(path, KEYS)


def refused(folder: Path, *lines: str, url: str = FAR, name: str = "main-street") -> str:
    with pytest.raises(ConfigurationError) as refusal:
        load(folder, *lines, url=url, name=name)
    return str(refusal.value)


def test_an_authority_of_the_office_and_a_proxy_are_read(tmp_path: Path) -> None:
    shutil.copy(CERTIFICATE, tmp_path / "office-ca.pem")
    office = load(tmp_path, 'ca = "office-ca.pem"', 'proxy = "http://10.0.0.2:3128/"').offices["main-street"]
    assert (office.ca, office.proxy) == (tmp_path / "office-ca.pem", "http://10.0.0.2:3128")
    assert load(tmp_path, 'ca = "system"').offices["main-street"].ca == "system"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('ca = "nowhere.pem"', "`ca` is not a file"),
        ('ca = "."', "`ca` is not a file"),
        ('ca = "empty.pem"', "`ca` holds no certificate"),
        ("ca = true", "`ca` must be the path of a PEM file"),
        ('proxy = "10.0.0.2:3128"', "`proxy` must be the address of a proxy."),
        ('proxy = "socks5://10.0.0.2"', "`proxy` must be the address of a proxy."),
        ('proxy = "http://me:secret@10.0.0.2:3128"', "`proxy` has a user name or password in it."),
        ('proxy = "http://10.0.0.2:3128/path"', "`proxy` has more in it than a host and a port."),
        ("proxy = 3128", "`proxy` must be the address of a proxy."),
        ('phones = "european"', '`phones` must be "north-american" or "any".'),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    text = refused(tmp_path, line)
    assert told in text
    assert "asapfill.toml:5:" in text
    assert "secret" not in text


@pytest.mark.parametrize("line", ['ca = "system"', 'proxy = "http://10.0.0.2:3128"'])
def test_a_setting_for_https_alone_needs_an_https_address(tmp_path: Path, line: str) -> None:
    told = refused(tmp_path, line, url="http://10.0.0.5:30223/api/v1")
    assert "is for https addresses, and this office has none." in told


def test_the_session_of_an_office_trusts_its_authority(tmp_path: Path) -> None:
    authority = tmp_path / "office-ca.pem"
    shutil.copy(CERTIFICATE, authority)
    with listening(over_tls) as port:
        url = f"https://localhost:{port}/api/v1"
        settings = load(tmp_path, 'ca = "office-ca.pem"', url=url)
        with sessions_without_state(settings, ["main-street"], SystemClock()) as (session,):
            assert session.client.patient(48).pat_num == 48
        with (
            sessions_without_state(load(tmp_path, url=url), ["main-street"], SystemClock()) as (session,),
            pytest.raises(Unreachable, match="not from an authority"),
        ):
            session.client.patient(48)


def test_the_session_of_an_office_asks_through_its_proxy(tmp_path: Path) -> None:
    asked: list[bytes] = []
    with listening(lambda connection: asked.append(connection.recv(4096))) as port:
        settings = load(tmp_path, f'proxy = "http://127.0.0.1:{port}"')
        clock = SteppedClock(datetime(2026, 4, 14, 17, tzinfo=UTC))
        with (
            sessions_without_state(settings, ["main-street"], clock) as (session,),
            pytest.raises(OpenDentalError),
        ):
            session.client.patient(48)
    assert asked[0].startswith(b"CONNECT od.example.com:443 ")
    assert b"made-up" not in b"".join(asked), "no key passes the proxy in the clear"


DISGUISED = ["134744072", "0x08080808", "010.8.8.8", "8.8.2056", "8.526344", "[::ffff:8.8.8.8]", "0x7f000001", "127.1"]


@pytest.mark.parametrize("host", DISGUISED)
def test_an_address_in_disguise_is_refused_with_what_it_means(tmp_path: Path, host: str) -> None:
    for scheme in ("http", "https"):
        told = refused(tmp_path, url=f"{scheme}://{host}/api/v1")
        assert f"It means {address_of(host)}: write it so." in told
    assert "It means" in refused(tmp_path, f'ping = "https://{host}/x"')


@pytest.mark.parametrize(
    ("host", "near"),
    [
        *((host, False) for host in DISGUISED[:6]),
        ("8.8.8.8", False),
        ("0x7f000001", True),
        ("0xa000001", True),
        ("fe80::1%eth0", True),
        ("\uff18.8.8.8", False),
        ("server", False),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104  no address to bind to
    ],
)
def test_near_is_judged_by_what_an_address_means(host: str, near: bool) -> None:  # noqa: FBT001  a table's column
    assert is_near(host) is near


def test_an_event_listener_at_a_public_address_in_disguise_needs_a_certificate(tmp_path: Path) -> None:
    events = ["[events]", 'listen = "[::ffff:8.8.8.8]:8433"', 'url = "https://events.example.org/x"']
    assert "would take Open Dental's key unencrypted from anywhere" in refused(tmp_path, *events)


@pytest.mark.parametrize(
    ("phone", "here", "elsewhere"),
    [
        ("(201) 555-0100", True, True),
        ("000-000-0000", False, False),
        ("999-999-9999", False, False),
        ("123-456-7890", False, True),
        ("+44 20 7946 0018", False, True),
        ("030 901820", False, True),
        ("12345", False, False),
        ("", False, False),
        ("1" * 16, False, False),
    ],
)
def test_phones_elsewhere_follow_other_rules(phone: str, here: bool, elsewhere: bool) -> None:  # noqa: FBT001  as above
    assert (phone_digits(phone) is not None) is here
    assert (phone_digits(phone, anywhere=True) is not None) is elsewhere


@pytest.mark.parametrize(("line", "asked"), [("", 0), ('phones = "any"', 1)])
def test_an_office_elsewhere_says_so_by_a_setting(tmp_path: Path, line: str, asked: int) -> None:
    foreign = [patient(number, WirelessPhone="+49 30 901820") for number in range(1, 10)]
    with bench_for(tmp_path, office_file(patients=foreign)) as bench:
        bench.settings(SETTINGS + line + "\n")
        plan = bench.clinic("plan")
        assert ("no_wireless_phone" in [item["reason"] for item in plan["skipped"]]) is not bool(asked)
        assert bool(plan["offers"]) is bool(asked)


PASTED = "NFF6i0KrXrxDkZHt"


@pytest.mark.parametrize(
    "text",
    [
        f'{PASTED} = "x"',
        f'{PASTED} == "x"',
        f"[offices.{PASTED}]",
        f'[offices."{PASTED}/VzkmZEaUWOjnQX2z"]',
        f'[offices.a]\nurls = ["{FAR}"]\ndeveloper_key = "env:KEY"\ncustomer_key = "env:{PASTED.upper()}"',
        f'[offices.a]\nurls = ["{FAR}"]\ndeveloper_key = "env:KEY"\ncustomer_key = "file:{PASTED}"',
        f'[offices.a]\nurls = ["{FAR}"]\ndeveloper_key = "env:KEY"\ncustomer_key = "credential:{PASTED}"',
        f'[offices.a]\nurls = ["{FAR}"]\ndeveloper_key = "env:KEY"\ncustomer_key = "env:KEY"\n{PASTED} = 1',
        f"[{PASTED}]\nurls = 1",
    ],
)
def test_a_key_that_was_pasted_where_a_name_belongs_is_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "asapfill.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(path, KEYS | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert PASTED.casefold() not in str(refusal.value).casefold()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('policies = "a\\u0000b"', "`policies` must be the path of a folder."),
        ('metrics = "a\\u0000.prom"', "`metrics` must be the path of a file"),
    ],
)
def test_a_nul_in_a_path_is_refused(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "asapfill.toml"
    path.write_text(line + "\n")
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(path, KEYS)
    assert told in str(refusal.value)


def test_a_nul_in_a_secret_s_path_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "asapfill.toml"
    path.write_text(f'[offices.a]\nurls = ["{FAR}"]\ndeveloper_key = "env:KEY"\ncustomer_key = "file:a\\u0000b"\n')
    with pytest.raises(ConfigurationError, match=r"`customer_key` cannot be read: not a path\."):
        load_settings(path, KEYS)
