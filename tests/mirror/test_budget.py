"""The request budget of the settings holds whatever happens: a first reading, retries, refusals, texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.cycle.cycle import run_cycle
from asapfill.policy.in_force import PolicyBook
from tests.cycle.office import office_file
from tests.daemon.bench import policy_text
from tests.mirror.figures import most_in_a_minute
from tests.mirror.in_process import SETTINGS, in_process

FAULTS = [{"kind": kind, "method": "GET", "probability": 0.2} for kind in ("500", "429", "504_before")]


@pytest.mark.parametrize("faults", [[], FAULTS])
def test_never_more_requests_in_a_minute_than_the_settings_say(tmp_path: Path, faults: list[dict[str, object]]) -> None:
    with in_process(tmp_path, policy_text(), office_file()) as served:
        text = SETTINGS.replace("seconds_between_requests = 0.5", "requests_per_minute = 12")
        (tmp_path / "asapfill.toml").write_text(text)
        served.world.faults.replace(faults)
        served.start()
        policies = PolicyBook(tmp_path / "policies", ("main-street",)).read(served.now.store)
        for _ in range(8):
            run_cycle(served.now, policies.files)
            served.clock.sleep(20)
        assert len(served.transport.asked) > 36
        assert most_in_a_minute(served) == 12
