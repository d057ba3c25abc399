"""What an office calls its operatories, providers and clinics: people read these, scripts read the numbers.

Nothing of patients. How a name in a policy is understood is in ``policy.names``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from asapfill.opendental.models import Clinic, Operatory, Provider


@dataclass(frozen=True, slots=True)
class Labels:
    """Names by OperatoryNum, ProvNum and ClinicNum. What has none is called by its number."""

    operatories: Mapping[int, str] = field(default_factory=dict)
    providers: Mapping[int, str] = field(default_factory=dict)
    clinics: Mapping[int, str] = field(default_factory=dict)

    def operatory(self, number: int) -> str:
        """An operatory, for a table or a sentence."""
        return self.operatories.get(number) or f"operatory {number}"

    def provider(self, number: int) -> str:
        """A provider, by the abbreviation."""
        return self.providers.get(number) or f"provider {number}"

    def clinic(self, number: int) -> str:
        """A clinic."""
        return self.clinics.get(number) or f"clinic {number}"


def labels_of(operatories: Iterable[Operatory], providers: Iterable[Provider], clinics: Iterable[Clinic]) -> Labels:
    """The names in an office's own lists, hidden rows included."""
    return Labels(
        operatories={row.operatory_num: operatory_name(row) for row in operatories},
        providers={row.prov_num: row.abbr.strip() for row in providers},
        clinics={row.clinic_num: row.description.strip() or row.abbr.strip() for row in clinics},
    )


def operatory_name(row: Operatory) -> str:
    """The short name, which fits into tables: the abbreviation, else the name."""
    return row.abbrev.strip() or row.op_name.strip()


def operatory_both(row: Operatory) -> str:
    """Both names, ``Doctor 1 (OP-1)``, where lists of the office are shown: people know the one or the other."""
    short, long = operatory_name(row), row.op_name.strip()
    same = "".join(short.casefold().split()) == "".join(long.casefold().split())
    return short if same or not long else f"{long} ({short})"
