"""Hours and numbers of texts beyond the rules are told, with the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.policy.reading import parse_policy
from asapfill.policy.texting_rules import beyond_rules
from tests.daemon.bench import bench_for

HEAD = "office: main-street\ntimezone: America/Los_Angeles\ntexts:\n"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("between: 7:30am-9pm", "64.1200(c)(1)"),
        ("between: 8am-9:30pm", "64.1200(c)(1)"),
        ("between: 9:00-24:00", "64.1200(c)(1)"),
        ("between: 8am-9pm", ""),
        ("per_patient_per_day: 2", "64.1200(a)(9)(iv)"),
        ("per_patient_per_week: 4", "64.1200(a)(9)(iv)"),
        ("per_patient_per_week: 3", ""),
    ],
)
def test_what_goes_beyond_a_rule_is_told_with_the_rule(line: str, rule: str) -> None:
    texts = parse_policy(f"{HEAD}  {line}\n".encode(), Path("main.yaml")).texts
    told = list(beyond_rules(texts))
    assert len(told) == bool(rule)
    assert all(rule in sentence and line.split(":", maxsplit=1)[0] in sentence for sentence in told)


def test_check_tells_what_goes_beyond_a_rule_and_what_names_were_resolved_to(tmp_path: Path) -> None:
    with bench_for(tmp_path) as bench:
        bench.policy(texts={"between": "7am-10pm", "per_patient_per_day": 2}, openings={"operatories": "[1]"})
        done = bench.cli("check")
        told = " ".join(done.out.split())
        assert "look texts: main.yaml: `texts.between` is 07:00-22:00" in told
        assert "look texts: main.yaml: `texts.per_patient_per_day` is 2" in told
        assert "ok names: main.yaml, openings.operatories: 1 is " in told
        names = bench.cli("check", "--names").out
        assert "openings.operatories: 1 is " in " ".join(names.split())
        assert "look" not in names.partition("Verdict")[0]
        assert "2 things to look at" in " ".join(bench.cli("check", "--offline").out.split())
        assert bench.cli("check", "--offline", "--names").code == 2
