"""The file for Prometheus: right numbers, whole at every moment, nothing of people."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from asapfill.alerts.watchers import MetricsFile
from asapfill.files import replace_file
from asapfill.settings.settings import clock_for, load_settings
from asapfill.store.database import open_store
from tests.cycle.office import CUSTOMER, DEVELOPER, FIRST_NAME, LAST_NAME, PHONES
from tests.daemon.bench import ENVIRONMENT, SETTINGS, Bench
from tests.daemon.running import fast_bench, running

SAMPLE = re.compile(r'asapfill_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.]+')


def with_metrics(path: str = "asapfill.prom") -> str:
    return f'metrics = "{path}"\n' + SETTINGS


def written(bench: Bench) -> dict[str, float]:
    """The metrics of the bench's state, each sample by its name and labels; every line is looked at."""
    bench.settings(with_metrics())
    settings = load_settings(bench.config, ENVIRONMENT)
    assert settings.metrics is not None
    clock = clock_for(settings)
    with open_store(settings.state, clock) as store:
        MetricsFile(settings.metrics, settings, store, clock).write()
    samples = {}
    for line in settings.metrics.read_text().splitlines():
        if not line.startswith("#"):
            assert SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    return samples


def test_offers_cycles_and_pauses_are_counted(bench: Bench) -> None:
    assert bench.cli("once").code == 0
    samples = written(bench)
    assert samples['asapfill_offers{office="main-street",state="sent"}'] == 1
    assert samples['asapfill_offers{office="main-street",state="unknown"}'] == 0
    assert samples['asapfill_cycle_ok{office="main-street",clinic="0"}'] == 1
    assert samples['asapfill_paused{office="main-street"}'] == 0
    requests = samples['asapfill_cycle_requests{office="main-street",clinic="0"}']
    assert requests == bench.json("status")["offices"][0]["ticks"][0]["requests"]

    bench.cli("pause")
    bench.sandbox.faults([{"kind": "500"}])
    bench.cli("once")
    samples = written(bench)
    assert samples['asapfill_cycle_ok{office="main-street",clinic="0"}'] == 0
    assert samples['asapfill_cycle_problems{office="main-street",clinic="0"}'] >= 1
    assert samples['asapfill_paused{office="main-street"}'] == 1


def test_a_daemon_writes_them_after_its_cycles_for_everybody_to_read(tmp_path: Path) -> None:
    with fast_bench(tmp_path) as bench:
        bench.settings(with_metrics())
        path = bench.folder / "asapfill.prom"
        with running(bench) as daemon:
            sent = 'asapfill_offers{office="main-street",state="sent"} 1'
            daemon.until(lambda: path.exists() and sent in path.read_text(), "the offer's metric")
            assert path.stat().st_mode & 0o777 == 0o644
        text = path.read_text()
        for mark in (DEVELOPER, CUSTOMER, LAST_NAME, FIRST_NAME, PHONES):
            assert mark not in text


def test_a_folder_that_cannot_be_written_is_told_once_and_stops_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="asapfill.alerts.watchers")
    bench.settings(with_metrics("gone/asapfill.prom"))
    settings = load_settings(bench.config, ENVIRONMENT)
    assert settings.metrics is not None
    clock = clock_for(settings)
    with open_store(settings.state, clock) as store:
        metrics = MetricsFile(settings.metrics, settings, store, clock)
        metrics.write()
        metrics.write()
        settings.metrics.parent.mkdir()
        metrics.write()
    assert [message.split(" ")[0] for message in caplog.messages] == ["metrics.unwritable", "metrics.writable"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "asapfill.prom"
    replace_file(path, "old\n")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "new\n\ud800")
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_cycles_of_many_offices_do_not_each_write_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing it takes longer the more offices there are, and with them there are more cycles."""
    bench.settings(with_metrics())
    settings = load_settings(bench.config, ENVIRONMENT)
    assert settings.metrics is not None
    clock = clock_for(settings)
    writings: list[str] = []
    monkeypatch.setattr("asapfill.alerts.watchers.replace_file", lambda _, text, __: writings.append(text))
    with open_store(settings.state, clock) as store:
        metrics = MetricsFile(settings.metrics, settings, store, clock)
        metrics.write_when_due()
        assert len(writings) == 0, "no cycle has ended yet"
        for _ in range(100):
            metrics.news.set()
            metrics.write_when_due()
    assert 1 <= len(writings) <= 3
    assert metrics.news.is_set(), "what is new since is written a moment later"
