"""``asapfill support``: useful, and without names, keys, addresses or patients, wherever these stand."""

from __future__ import annotations

import json
import re

from tests.cycle.office import CUSTOMER, DEVELOPER
from tests.daemon.bench import SETTINGS, Bench

MARK = "Marked"
MARKED_POLICY = {
    "clinic": f"{MARK}Clinic",
    "candidates": {"except_patients": "[987654321]  # MarkedPatient"},
    "openings": {
        "except_operatories": f"[{MARK}Operatory]",
        "except_providers": f"[{MARK}Provider]",
        "notice": "3 hours",
    },
    "commlog": {"type": f"{MARK}Type"},
}


def test_it_tells_versions_verdicts_and_counts(bench: Bench) -> None:
    bench.cli("once")
    bundle = json.loads(bench.cli("support", "--out", "-").out)
    assert bundle["state"]["offers"] == {"office 1 sent": 1}
    assert bundle["policies"][0]["mode"] == "automatic"
    assert bundle["policies"][0]["texts.wave"] == 1
    assert bundle["settings"]["office 1"] == {
        "addresses": ["http"], "keys": ["file", "env"], "seconds_between_requests": None, "ping": False,
        "plain_http": False,
    }  # fmt: skip
    assert bundle["packages"]["httpx"]
    assert {"part": "keys", "verdict": "ok", "subject": "keys"} in bundle["doctor"]


def test_no_name_key_address_or_number_of_a_patient_gets_into_it(bench: Bench) -> None:
    bench.cli("once")
    settings = SETTINGS.replace("main-street", "marked-street").replace(
        "\nurls", '\nping = "http://127.0.0.1/Marked"\nurls'
    )
    bench.settings(settings)
    bench.policy(office="marked-street", **MARKED_POLICY)
    (bench.folder / "policies" / "second.yaml").write_text(
        "office: marked-street\nmode: MarkedWrong  # MarkedComment\n"
    )
    text = bench.cli("support", "--out", "-").out
    bundle = json.loads(text)
    assert bundle["policies"][0]["openings.notice"] == "180 minutes"
    assert bundle["policies"][0]["openings.except_operatories"] == "1 given"
    assert bundle["state"]["offers"] == {"other sent": 1}
    assert re.findall(r"marked", text, flags=re.IGNORECASE) == []
    for secret in (DEVELOPER, CUSTOMER, "987654321", "127.0.0.1", "main-street", str(bench.folder)):
        assert secret not in text


def test_settings_that_are_wrong_are_told_by_their_place_only(bench: Bench) -> None:
    bench.settings(SETTINGS.replace("file:developer.key", "MarkedKeyInPlainText"))
    text = bench.cli("support", "--out", "-").out
    assert json.loads(text)["settings"] == {"wrong": [{"line": 7, "column": 1}]}
    assert MARK not in text


def test_it_is_written_to_a_new_file_and_never_over_one(bench: Bench) -> None:
    out = bench.folder / "help.json"
    assert bench.cli("support", "--out", str(out)).code == 0
    before = out.read_text()
    assert json.loads(before)["asapfill"]
    done = bench.cli("support", "--out", str(out))
    assert (done.code, "is there already" in done.err) == (1, True)
    assert out.read_text() == before
