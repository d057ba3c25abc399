"""docs/policy.md has every key of the policy, with its default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from asapfill.policy.model import PolicyFile

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
PARTS = dict(re.findall(r"^#{3,4} `([a-z0-9_.]+)`\n(.*?)(?=^#|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL))
"""What stands under each key's heading."""


def _keys(model: type[BaseModel], section: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key as it stands in a file, read from the model itself."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, f"{name}.")
        else:
            yield section + name, field


KEYS = dict(_keys(PolicyFile))


def _default(field: FieldInfo) -> str | None:
    """The default as a person writes it; None where the key must be there or is left out."""
    extra = field.json_schema_extra
    written = extra.get("default") if isinstance(extra, dict) else None
    if isinstance(written, list):
        return f"[{', '.join(str(item) for item in written)}]"
    return None if written is None else str(written)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_on_the_page_with_its_meaning_and_default(key: str) -> None:
    field = KEYS[key]
    part = PARTS.get(key, "")
    assert " ".join((field.description or "").split()) in " ".join(part.split())
    default = _default(field)
    assert default is None or f"Default: `{default}`" in part
    assert default is not None or "Default:" not in part


def test_the_page_has_no_key_that_is_gone() -> None:
    sections = {key.partition(".")[0] for key in KEYS if "." in key}
    assert set(PARTS) - sections == set(KEYS)
