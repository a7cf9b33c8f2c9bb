"""What a test's report carries of what was judged in it, and what a failing test says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from assay.codec import dump_json
from assay.errors import UsageError
from assay.testing.explaining import explained
from assay.testing.plugin.fixtures import ERRORS, SEED
from assay.testing.plugin.settings import MARKS, name_of
from assay.verdict import Example, Findings, Outcome, Verdict

__all__ = ["CARRIED", "complete", "let_through", "outcomes_of", "rubric_of"]

# The attribute of a report that travels: xdist sends what is made of texts, numbers and lists.
CARRIED = "assay"
# What lets a test go on; the rest is explained where the test fails.
_QUIET = (Verdict.SKIP, Verdict.PASS, Verdict.WARN)
_MOST = 8  # outcomes that are explained in one test
_KINDS = tuple(name for name in MARKS if name not in ("rubric", "assay_budget"))
_RUBRIC = re.compile("[DMIO][1-7]")


def let_through(outcome: Outcome) -> Outcome:
    """Return an outcome that could not be judged as a warning, which lets the test go on; others as they are."""
    if outcome.verdict is not Verdict.INCONCLUSIVE:
        return outcome
    return msgspec.structs.replace(outcome, verdict=Verdict.WARN, why=f"not judged, and let through: {outcome.why}")


def rubric_of(item: pytest.Item) -> list[str]:
    """Return the tests of the ML Test Score that a test is marked as evidence of.

    Raises UsageError where there is no such test: D1 to D7 (data), M1 to M7 (model), I1 to I7 (infrastructure) and O1 to
    O7 (monitoring).
    """
    wrong = [name for name in _claimed(item) if not _is_rubric(name)]
    if wrong:
        raise UsageError(
            f"rubric({wrong[0]!r}): there is no such test in the ML Test Score",
            hint="there are D1 to D7, M1 to M7, I1 to I7 and O1 to O7",
        )
    return list(dict.fromkeys(map(str, _claimed(item))))


def _claimed(item: pytest.Item) -> list[object]:
    return [name for mark in item.iter_markers("rubric") for name in mark.args]


def _is_rubric(name: object) -> bool:
    return isinstance(name, str) and _RUBRIC.fullmatch(name) is not None


def complete(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None], new: Sequence[Outcome]) -> None:
    """Put into a report what was judged since the last one, the test's marks, and, where it failed, what that says."""
    kinds = {mark.name for mark in item.iter_markers()}
    carried = {
        "outcomes": _packed(new) if new else "",
        "marks": [name for name in _KINDS if name in kinds],
        "rubric": [name for name in dict.fromkeys(_claimed(item)) if _is_rubric(name)] if "rubric" in kinds else [],
        "inconclusive": report.failed and _only_inconclusive(call),
    }
    setattr(report, CARRIED, carried)
    for outcome in new:
        # pytest's own --junitxml shows these, one property for each judgement.
        item.user_properties.append((_clean(f"assay {outcome.check} of {outcome.subject}"), outcome.verdict.value))
    if new:
        report.user_properties = list(item.user_properties)
    if report.failed:
        item.stash[ERRORS] = frozenset(_names(call.excinfo.value if call.excinfo is not None else None))
        report.sections += _sections(item, call, new)


def outcomes_of(report: object) -> list[Outcome]:
    """Return the outcomes that a report carries."""
    text = getattr(report, CARRIED, {}).get("outcomes", "")
    return msgspec.json.decode(text, type=list[Outcome]) if text else []


def _packed(outcomes: Sequence[Outcome]) -> str:
    """Return outcomes as JSON. A row may hold anything; what JSON cannot hold is written as the text that Python shows."""
    try:
        text = dump_json(list(outcomes), indent=0)
        msgspec.json.decode(text, type=list[Outcome])
    except Exception:  # the values of a row are a person's own, and so is what they do when asked for their text
        return dump_json([_plain(outcome) for outcome in outcomes], indent=0)
    return text


def _plain(outcome: Outcome) -> Outcome:
    examples = tuple(
        Example(
            each.row if isinstance(each.row, int) else None,
            {_clean(name): _clean(value) for name, value in each.values.items()},
            _clean(each.why),
        )
        for each in outcome.examples
    )
    return Outcome(
        _clean(outcome.check), _clean(outcome.subject), outcome.verdict, expected=_clean(outcome.expected), why=_clean(outcome.why),
        examples=examples, family=_clean(outcome.family), id=_clean(outcome.id), note=_clean(outcome.note),
    )  # fmt: skip


def _told(outcome: Outcome) -> str:
    try:
        return _clean(explained(outcome))
    except Exception:  # the values of a row are a person's own, and so is what they do when asked for their text
        return explained(_plain(outcome))


def _clean(value: object) -> str:
    """Return a value's text as something that every terminal, file and worker of xdist takes."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception:  # a person's own class; see above
        text = f"<{type(value).__qualname__}>"
    return text.encode("utf-8", "backslashreplace").decode()


def _sections(item: pytest.Item, call: pytest.CallInfo[None], new: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    error = call.excinfo.value if call.excinfo is not None else None
    # The message of an error that `expect` or a baseline raised is the explanation already.
    said = getattr(error, "outcomes", ())
    if not isinstance(said, tuple):
        said = ()
    broken = [outcome for outcome in new if outcome.verdict not in _QUIET and outcome not in said]
    broken += [outcome for outcome in _at_hand(call) if outcome not in broken and outcome not in said]
    if broken:
        more = [f"and {len(broken) - _MOST} more"] if len(broken) > _MOST else []
        yield "assay: what did not pass", "\n\n".join([*map(_told, broken[:_MOST]), *more])
    seed = item.stash.get(SEED, None)
    if seed is not None:
        yield "assay: seed", f"assay_seed was {seed}; to repeat: pytest {_typed(item)} --assay-seed={seed}"


def _names(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield type(error).__name__
        error = error.__cause__ or error.__context__


def _only_inconclusive(call: pytest.CallInfo[None]) -> bool:
    """Return whether a test failed for nothing but a judgement that could not be made."""
    error = call.excinfo.value if call.excinfo is not None else None
    outcomes = getattr(error, "outcomes", ())
    if isinstance(outcomes, tuple) and outcomes:
        return all(isinstance(each, Outcome) and each.verdict is Verdict.INCONCLUSIVE for each in outcomes)
    return isinstance(error, AssertionError) and str(error).startswith("assert Outcome(inconclusive ")


def _at_hand(call: pytest.CallInfo[None]) -> Iterator[Outcome]:
    """Yield what did not pass among the outcomes and findings that the failing line had at hand.

    A rewritten assert keeps what it looked at among the frame's local names, so `assert assay.check(...)` is seen too.
    """
    if call.excinfo is None or not call.excinfo.traceback:
        return
    for value in list(call.excinfo.traceback[-1].frame.f_locals.values()):
        held = value.outcomes if isinstance(value, Findings) else (value,) if isinstance(value, Outcome) else ()
        yield from (outcome for outcome in held if outcome.verdict not in _QUIET)


def _typed(item: pytest.Item) -> str:
    """Return what a person types to name a test: its path from where they are, quoted where a shell needs that."""
    path, colons, name = name_of(item).partition("::")
    here = os.path.relpath(item.config.rootpath / path, item.config.invocation_params.dir)
    typed = f"{here}{colons}{name}".replace(os.sep, "/")
    return typed if re.fullmatch(r"[\w./:\-]+", typed) else "'" + typed.replace("'", "'\"'\"'") + "'"
