"""All contracts: the table of the families' tables, each loaded by need, and the page that is written from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping

from assay.errors import UsageError, closest
from assay.testing.contract import Judgement, Subject

__all__ = ["FAMILIES", "contracts_markdown", "explain", "family_of", "listing"]

Table = Mapping[str, Judgement]


def _features() -> Table:
    from assay.testing.features.table import FEATURE_CONTRACTS

    return FEATURE_CONTRACTS


def _transformers() -> Table:
    from assay.testing.features.table import TRANSFORMER_CONTRACTS

    return TRANSFORMER_CONTRACTS


def _paths() -> Table:
    from assay.testing.features.table import PATHS_CONTRACTS

    return PATHS_CONTRACTS


def _joins() -> Table:
    from assay.testing.features.table import JOIN_CONTRACTS

    return JOIN_CONTRACTS


def _models() -> Table:
    from assay.testing.models.table import MODEL_CONTRACTS

    return MODEL_CONTRACTS


def _networks() -> Table:
    from assay.testing.networks.table import NETWORK_CONTRACTS

    return NETWORK_CONTRACTS


def _pipelines() -> Table:
    from assay.testing.pipelines.table import PIPELINE_CONTRACTS

    return PIPELINE_CONTRACTS


FAMILIES: dict[str, Callable[[], Table]] = {
    "feature": _features,
    "transformer": _transformers,
    "paths": _paths,
    "join": _joins,
    "model": _models,
    "network": _networks,
    "pipeline": _pipelines,
}


def family_of(subject: Subject) -> Table:
    """Return the table of contracts that judge this kind of subject.

    Raises UsageError where it is none that contracts judge.
    """
    kind = next(
        (n for cls in type(subject).__mro__ if (n := cls.__name__.lower().removeprefix("declared")) in FAMILIES), None
    )
    if kind is None:
        raise UsageError(
            f"{type(subject).__qualname__} is nothing that contracts judge",
            hint=f"make it with assay.{', .'.join(FAMILIES)}",
        )
    return FAMILIES[kind]()


def explain(name: str) -> str:
    """Return what contracts of a name demand, catch and need; of several families, each. "model.repeatable" names one.

    Raises UsageError, with the nearest name, where there is none.
    """
    found = [
        judge for judge in _all() if name in (judge.contract.name, f"{judge.contract.about}.{judge.contract.name}")
    ]
    if not found:
        hint = closest(name, [judge.contract.name for judge in _all()], lists="assay contracts")
        raise UsageError(f"there is no contract {name!r}", hint=hint)
    return "\n".join(_explained(judge) for judge in found)


def listing() -> str:
    """Return every contract in a line, by family."""
    lines: list[str] = []
    for family, table in FAMILIES.items():
        judges = table().values()
        width = max(len(judge.contract.name) for judge in judges)
        lines += ["", family, *(f"  {judge.contract.name:{width}}  {judge.contract.title}" for judge in judges)]
    return "\n".join(lines[1:]) + "\n"


def contracts_markdown() -> str:
    """Return the page of contracts, written from the tables."""
    count = sum(1 for _ in _all())
    lines = [
        "# The contracts there are",
        "",
        f"{count} contracts, by what they judge. This page is written from their tables (`assay contracts --format markdown`);",
        "[contracts](contracts.md) says how to declare what is judged and how a failure reads.",
    ]
    for family, table in FAMILIES.items():
        lines += [
            "",
            f"## {family}",
            "",
            "| contract | what it demands | what breaks it | needs | ML Test Score |",
            "| --- | --- | --- | --- | --- |",
        ]
        for judge in table().values():
            told = judge.contract
            needs = ", ".join(f"`{name}=`" for name in told.needs)
            cells = (f"`{told.name}`", told.title, told.catches, needs, ", ".join(told.rubric))
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _all() -> Iterator[Judgement]:
    for table in FAMILIES.values():
        yield from table().values()


def _explained(judge: Judgement) -> str:
    told = judge.contract
    parts = [f"{told.about}.{told.name}: {told.title}", f"  catches: {told.catches}"]
    parts += [f"  needs: {', '.join(f'{name}=' for name in told.needs)}"] if told.needs else []
    parts += [f"  ML Test Score: {', '.join(told.rubric)}"] if told.rubric else []
    text = inspect.getdoc(judge) or ""
    return "\n".join([*parts, "", *(f"  {line}".rstrip() for line in text.splitlines())]) + "\n"
