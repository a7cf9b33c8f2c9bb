"""A feature: a function of rows, and what is declared of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from assay.codec import parse_duration
from assay.errors import UsageError
from assay.testing.contract import call
from assay.testing.outputs import Computed, aligned
from assay.testing.rows import Rows

__all__ = ["Feature", "feature", "named_columns"]

Order = Literal["any", "time", "as given"]


@dataclass(frozen=True)
class Feature:
    """A function of rows that computes values for them, and what its author says of it. Make one with `feature`.

    - `function`: takes rows (pandas, Polars, pyarrow, an array or a list of dicts) and returns values: a frame, a series, …
    - `time`: the column of instants, by which past and future are told; `known_at`: the column of the instants at which a row
      became known, where rows arrive late.
    - `entity`: the columns whose values no row of another entity may touch.
    - `lookback`: how far back a value may look: a duration, or a number of rows of the same entity (the row itself counts).
      A duration reaches from the row's instant back to, but not including, `lookback` before it (`closed="both"` includes it).
    - `lag`: how old a row must be before a value may look at it (default: its own row may be looked at).
    - `order`: what the function makes of the rows' order: "any" (the same values in any order), "time" (rows come sorted by
      time, within an entity), or "as given" (the order means something: nothing is asked).
    - `outputs`: the columns of the result that are judged (default: all but the key); `schema`: their dtypes by name.
    - `key`: the columns that say which row a value belongs to, where neither a pandas index nor the position does.
    - `columns`: the columns of the data that it reads (default: all).
    - `examples`: known pairs of input and output. `reference`: a second function that computes the same values.
    - `idempotent`: it cleans or adds to rows, and changes nothing when it is given its own result.
    - `fixed`: a row's value depends on no other row of the call (`fixed=True`: one row alone gives what it gives among many).
    - `rtol`, `atol`: how far two equal numbers may be apart.
    """

    function: Callable[..., Any]
    name: str
    time: str = ""
    known_at: str = ""
    entity: tuple[str, ...] = ()
    lookback: timedelta | int | None = None
    closed: Literal["right", "both"] = "right"
    lag: timedelta | None = None
    order: Order = "any"
    outputs: tuple[str, ...] = ()
    schema: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    examples: tuple[tuple[Any, Any], ...] = ()
    reference: Callable[..., Any] | None = None
    fixed: bool | None = None
    idempotent: bool | None = None
    rtol: float = 1e-9
    atol: float = 1e-12

    def compute(self, rows: Rows) -> Computed:
        """Return the values of these rows; raise `Crashed` where the function raises, DataError where they fit no row."""
        made = aligned(call(self.function, rows.handed(), what=self.name), rows, key=self.key)
        if not self.outputs:
            return made
        missing = [name for name in self.outputs if name not in made.values.columns]
        if missing:
            there = ", ".join(made.values.columns)
            raise UsageError(
                f"{self.name} returns no column {missing[0]!r}",
                hint=f"it returns: {there}; declare outputs= from these",
            )
        return Computed(made.values.select(self.outputs), made.rows, made.how, made.whole)


def feature(
    function: Callable[..., Any], *, name: str = "", entity: str | Sequence[str] = (), lookback: str | timedelta | int | None = None,
    lag: str | timedelta | None = None, **declared: Any,
) -> Feature:  # fmt: skip
    """Declare a feature: the function, and what it may look at. `Feature` says what each argument is.

    Durations may be texts: "7d", "24h". `entity`, `key`, `outputs` and `columns` take one name or several.

    Raises UsageError where a duration cannot be read, or an argument is not one of a feature's, or has a value that it cannot have.

    >>> rolling = feature(lambda rows: rows, name="rolling", time="date", entity="store", lookback="7d")
    >>> rolling.entity, rolling.lookback
    (('store',), datetime.timedelta(days=7))
    """
    if not callable(function):
        raise UsageError(f"a feature is a function of rows, and {function!r} is none", hint="give the function itself")
    known = set(Feature.__dataclass_fields__)
    stray = [key for key in declared if key not in known]
    if stray:
        raise UsageError(f"a feature has no {stray[0]!r}", hint=f"it has: {', '.join(sorted(known))}")
    for key, allowed in _CHOICES.items():
        if declared.get(key, allowed[0]) not in allowed:
            raise UsageError(f"{key} is {declared[key]!r}", hint=f"it is one of: {', '.join(map(repr, allowed))}")
    for flag in ("fixed", "idempotent"):  # False asks for nothing, as None does
        declared[flag] = declared.get(flag) or None
    for pair in declared.get("examples", ()):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UsageError("an example is no pair", hint="give examples=[(rows, what comes out)]")
    for several in ("key", "outputs", "columns"):
        if several in declared:
            declared[several] = named_columns(declared[several])
    return Feature(
        function, name or getattr(function, "__name__", type(function).__name__), entity=named_columns(entity),
        lookback=_rows(lookback) if type(lookback) is int else _duration(lookback, "lookback"),
        lag=_duration(lag, "lag"), **declared,
    )  # fmt: skip


def named_columns(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name, or several, as names.

    >>> named_columns("store"), named_columns(["store", "day"])
    (('store',), ('store', 'day'))
    """
    return (names,) if isinstance(names, str) else tuple(names)


_CHOICES: Mapping[str, tuple[str, ...]] = {"order": ("any", "time", "as given"), "closed": ("right", "both")}


def _rows(count: int) -> int:
    if count < 1:
        raise UsageError(f"lookback is {count} rows", hint="the row itself counts: 1 or more")
    return count


def _duration(value: object, what: str) -> timedelta | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = parse_duration(value.lower())
        except ValueError as error:
            raise UsageError(f"{what}: {error}") from None
    elif type(value).__module__ == "numpy" and hasattr(value, "astype"):
        value = value.astype("timedelta64[us]").item()
    if not isinstance(value, timedelta):
        rows = ", or a number of rows" if what == "lookback" else ""
        raise UsageError(f"{what} is {value!r}", hint=f'give a duration ("7d", a timedelta){rows}')
    if value <= timedelta(0):
        raise UsageError(f"{what} is {value}", hint="how far back it is, above 0")
    return value
