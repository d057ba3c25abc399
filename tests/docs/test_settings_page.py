"""docs/settings.md has every key of the settings, with its meaning and default."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from asapfill.policy_tools.reference import settings_page
from asapfill.settings.settings import EventSettings, OfficeSettings, Settings, load_settings
from asapfill.settings.table import SETTINGS, TABLES, Setting, names_in, settings_in

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
TABLE_TEXTS = dict(zip(TABLES, re.split(r"^## .*\n", PAGE, flags=re.MULTILINE)[1:], strict=True))
"""What stands under the heading of each table of the settings."""


def _entry(setting: Setting) -> str:
    """What stands under a key's heading."""
    found = re.search(rf"^### `{setting.name}`\n(.*?)(?=^#|\Z)", TABLE_TEXTS[setting.where], re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting.where}.{setting.name}")
def test_every_key_is_on_the_page_with_its_meaning_and_default(setting: Setting) -> None:
    entry = _entry(setting)
    for part in (setting.meaning, setting.kind.takes, f"`{setting.name} = {setting.example}`"):
        assert part in entry
    ways = {"Must be there.": setting.required, "Default:": setting.default is not None, "Left out:": setting.left_out}
    assert any(way in entry for way, true in ways.items() if true)


def test_the_page_has_no_key_that_is_gone() -> None:
    for where, text in TABLE_TEXTS.items():
        headings = re.findall(r"^### `(\w+)`$", text, re.MULTILINE)
        assert headings == [setting.name for setting in settings_in(where)]


def test_the_page_is_the_one_that_the_table_gives() -> None:
    assert settings_page(PAGE) == PAGE, "run: python -m asapfill.policy_tools.reference docs"


def test_the_table_has_every_key_that_the_settings_hold() -> None:
    assert set(names_in("offices")) == {field.name for field in fields(OfficeSettings)} - {"name"}
    assert set(names_in("")) == {field.name for field in fields(Settings)} - {"path", "text"}
    assert set(names_in("events")) == {field.name for field in fields(EventSettings)} - {"host", "port"} | {"listen"}


def test_every_example_and_the_page_s_own_are_settings(tmp_path: Path) -> None:
    tables = {
        where: [f"{setting.name} = {setting.example}" for setting in settings_in(where)] for where in ("", *TABLES)
    }
    lines = [
        *(line.replace("PORT", "8123") for line in tables[""]),
        "[offices.main-street]", *tables["offices"], "[events]", *tables["events"], "[notify]", *tables["notify"],
    ]  # fmt: skip
    for text in ("\n".join(lines), *re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)):
        (tmp_path / "asapfill.toml").write_text(text)
        assert load_settings(tmp_path / "asapfill.toml", {}, with_secrets=False).offices
