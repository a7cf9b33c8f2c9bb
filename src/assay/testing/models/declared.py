"""A model under test: the object, the function or the file, and what is declared of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError, UsageError, nearest
from assay.evaluation.models.options import ModelOptions
from assay.testing.contract import Crashed
from assay.testing.models.answers import Answer, Kind
from assay.testing.models.asking import Ask, Refusal, asked_as, attempt, classes_of, is_file
from assay.testing.models.edits import Edit, edit_of
from assay.testing.rows import Rows, refuse_columns, rows_of

__all__ = ["DeclaredModel", "model"]

Policy = Literal["", "refuse", "accept"]


@dataclass(frozen=True, eq=False)
class DeclaredModel:
    """A model, and what its author says of it. Make one with `model`.

    - `source`: an object with `predict`, a function of rows, or a file, folder or URL that `assay.open_model` opens.
    - `output`: what it answers: "probability", "label" or "value" (default: `predict_proba` where it has one, labels where it
      names classes, else what the answer looks like). `classes`: the classes in the order of its probabilities; `positive`:
      the one whose probability is meant where one number is (default: the last).
    - `between`: the least and the greatest answer; None is no bound. `width`, `dtype`: how many numbers a row, and of which type.
    - `features`: the columns that it takes, in its order (default: those it names, else all of the data but the label).
    - `reference`: rows as it was trained on: its declared input. Contracts that are given no data judge these.
    - `labels`: the column of the labels in the data, or the labels themselves, one for each row.
    - `missing`, `infinite`: what it does with a missing or infinite value: "refuse" (it raises), or "accept" (it answers).
      Undeclared: either. `fills`: the columns that it fills by itself where they are not there at all.
    - `increasing`, `decreasing`: the columns with which the answer never falls, or never rises, all else equal.
    - `invariant_to`: edits that leave the answer as it is; `directional`: pairs of an edit and "up" or "down".
    - `examples`: known rows and what it must say of each: pairs of rows and of labels, numbers, or pairs (least, greatest).
    - `train`: a function of rows and labels that returns a fitted model (default: a clone is fitted by its own `fit`).
    - `path`: the file that it comes from; `trusted`: packages whose code may lie in it.
    - `tolerance`: how far two equal answers may be apart, as a share of the greatest (default: 1e-6, or 1e-4 in single precision).
    - `trust`, `options`: passed to `assay.open_model`.
    """

    source: Any
    name: str
    output: Kind | None = None
    classes: tuple[Hashable, ...] = ()
    positive: Hashable = None
    between: tuple[float | None, float | None] = (None, None)
    width: int | None = None
    dtype: str = ""
    features: tuple[str, ...] = ()
    reference: Any = None
    labels: Any = None
    missing: Policy = ""
    infinite: Policy = ""
    fills: tuple[str, ...] = ()
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    invariant_to: tuple[Edit, ...] = ()
    directional: tuple[tuple[Edit, str], ...] = ()
    examples: tuple[tuple[Any, Any], ...] = ()
    train: Callable[[Any, Any], Any] | None = None
    path: Path | None = None
    trusted: tuple[str, ...] = ()
    tolerance: float | None = None
    trust: bool = False
    options: ModelOptions | None = field(default=None, repr=False)

    @cached_property
    def ask(self) -> Ask:
        """Return the function that asks the model about rows; an answer that cannot be read is a crash of the model."""
        asked = asked_as(
            self.source, self.name, kind=self.output, classes=self.classes, features=self.features, trust=self.trust,
            options=self.options,
        )  # fmt: skip

        def ask(rows: Rows) -> Answer:
            try:
                return asked(rows)
            except DataError as error:
                raise Crashed(error, self.name) from error

        return ask

    def tried(self, rows: Rows) -> Answer | Refusal:
        """Return what it answers to rows that it may refuse."""
        return attempt(self.ask, rows)

    @property
    def monotone(self) -> tuple[str, ...]:
        """Return the columns that are declared increasing or decreasing."""
        return (*self.increasing, *self.decreasing)

    def inputs(self, data: object) -> Rows:
        """Return the rows that the model takes: its features, without the labels; the reference where there is no data.

        Raises UsageError where there are neither, or where a feature is not in the data.
        """
        given = self.reference if data is None else data
        if given is None:
            raise UsageError(f"there are no rows to try {self.name} on", hint="give data, or declare reference=")
        rows = rows_of(given)
        _refuse_columns(rows)
        named = self.features or self._named(rows)
        if named:
            lacking = [name for name in named if name not in rows.columns]
            if lacking:
                raise UsageError(f"{self.name} takes {lacking[0]!r}, which the data does not have",
                                 hint=nearest(lacking[0], rows.columns))  # fmt: skip
            return rows if tuple(named) == rows.columns else rows.select(named)
        if isinstance(self.labels, str) and self.labels in rows.columns:
            return rows.select([name for name in rows.columns if name != self.labels])
        return rows

    def labels_of(self, data: object) -> NDArray[Any]:
        """Return the label of each row of the data; raise UsageError where there are none, or not as many."""
        given = self.reference if data is None else data
        rows = rows_of(given)
        if isinstance(self.labels, str):
            if self.labels not in rows.columns:
                raise UsageError(
                    f"there is no column {self.labels!r} of labels", hint=nearest(self.labels, rows.columns)
                )
            return rows.frame[self.labels].to_numpy()
        found = np.asarray(self.labels)
        if found.ndim != 1 or len(found) != rows.height:
            raise UsageError(f"labels has the shape {found.shape}, and there are {rows.height} rows",
                             hint="one label for each row")  # fmt: skip
        return found

    def score(self, answer: Answer) -> NDArray[np.float64]:
        """Return one number for each row: the value, or the probability of the positive class (default: the last).

        Raises UsageError where the answer has several numbers and nothing says which is meant, or labels that are texts.
        """
        if answer.kind == "label":
            if answer.judged.dtype.kind not in "biuf" or answer.judged.shape[1] > 1:
                raise UsageError(
                    f"{self.name} answers labels, which have no order", hint='declare output="probability"'
                )
            return answer.judged[:, 0].astype(np.float64)
        told = answer.judged
        if self.positive is not None and answer.kind == "probability" and answer.classes:
            if self.positive not in answer.classes:
                raise UsageError(f"positive is {self.positive!r}; the classes are {list(answer.classes)}")
            return np.asarray(told[:, answer.classes.index(self.positive)])
        if told.shape[1] == 1 or (answer.kind == "probability" and told.shape[1] == 2):
            return np.asarray(told[:, -1])
        raise UsageError(
            f"{self.name} answers {told.shape[1]} numbers a row, and which one is meant is not said",
            hint="declare positive=, the class whose probability it is",
        )

    def _named(self, rows: Rows) -> tuple[str, ...]:
        """Return the columns that the model itself names, where the data has names too."""
        names = getattr(self.source, "feature_names_in_", None)
        if names is None or rows.kind == "array":
            return ()
        found = tuple(str(name) for name in np.asarray(names).tolist())
        return found if set(found) <= set(rows.columns) else ()


def model(
    source: Any, *, name: str = "", invariant_to: object = (), directional: Sequence[tuple[object, str]] = (),
    path: str | Path | None = None, **declared: Any,
) -> DeclaredModel:  # fmt: skip
    """Declare a model: the object, function or file, and what it must do. `DeclaredModel` says what each argument is.

    `increasing`, `decreasing`, `features`, `fills` and `trusted` take one name or several. An edit is one of
    `assay.testing.models.edits`, a mapping such as `{"gender": {"M": "F", "F": "M"}}`, or a function of a Polars frame.

    Raises UsageError where an argument is not one of a model's, or has a value that it cannot have.

    >>> churn = model(lambda rows: [0.5] * len(rows), name="churn", output="probability", increasing="complaints")
    >>> churn.name, churn.increasing
    ('churn', ('complaints',))
    """
    known = DeclaredModel.__dataclass_fields__
    for key in declared:
        if key not in known:
            raise UsageError(f"a model has no {key!r}", hint=nearest(key, known, most=len(known)))
    for several in ("features", "increasing", "decreasing", "fills", "trusted"):
        if several in declared:
            declared[several] = _names(declared[several])
    for key, allowed in _CHOICES.items():
        if declared.get(key, allowed[0]) not in allowed:
            shown = ", ".join(repr(one) for one in allowed[1:])
            raise UsageError(f"{key} is {declared[key]!r}", hint=f"it is one of: {shown}")
    if "between" in declared:
        declared["between"] = _ends(declared["between"])
    if "classes" in declared:
        if isinstance(declared["classes"], str) or not hasattr(declared["classes"], "__iter__"):
            raise UsageError(f"classes is {declared['classes']!r}", hint="give the classes themselves, as a list")
        declared["classes"] = tuple(declared["classes"])
    if "examples" in declared:
        declared["examples"] = _pairs(declared["examples"])
    many = [invariant_to] if isinstance(invariant_to, Edit | Mapping) or callable(invariant_to) else invariant_to
    if not declared.get("classes"):
        declared["classes"] = classes_of(source)
    file = path if path is not None else source if is_file(source) and "://" not in str(source) else None
    return DeclaredModel(
        source, name or _called(source), invariant_to=tuple(edit_of(one) for one in many),  # type: ignore[attr-defined]
        directional=tuple(_direction(one) for one in directional), path=None if file is None else Path(file), **declared,
    )  # fmt: skip


_CHOICES: Mapping[str, tuple[object, ...]] = {
    "output": (None, "probability", "label", "value"),
    "missing": ("", "refuse", "accept"),
    "infinite": ("", "refuse", "accept"),
}


def _refuse_columns(rows: Rows) -> None:
    """Raise UsageError where columns cannot be told apart by their names, or there are none."""
    refuse_columns(rows)
    if not rows.columns and rows.height:
        raise UsageError("the rows have no columns")


def _called(source: object) -> str:
    if is_file(source):
        return str(source) if "://" in str(source) else Path(str(source)).name
    return str(getattr(source, "__name__", None) or type(source).__name__)


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _ends(between: Any) -> tuple[float | None, float | None]:
    if not isinstance(between, tuple | list) or len(between) != 2:
        raise UsageError(f"between is {between!r}", hint="give (least, greatest); None is no bound")
    low, high = between
    if low is not None and high is not None and not low <= high:
        raise UsageError(f"between is ({low}, {high})", hint="the least stands first")
    return low, high


def _direction(given: Any) -> tuple[Edit, str]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise UsageError(f"a direction is {given!r}", hint='give pairs: (an edit, "up" or "down")')
    edit, way = given
    if way not in ("up", "down"):
        raise UsageError(f"a direction is {way!r}", hint='it is "up" or "down"')
    return edit_of(edit), way


def _pairs(examples: Sequence[Any]) -> tuple[tuple[Any, Any], ...]:
    pairs = (
        [examples]
        if isinstance(examples, tuple) and len(examples) == 2 and not isinstance(examples[0], tuple)
        else examples
    )
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UsageError("an example is no pair", hint="give (rows, what the model must say of each)")
    return tuple((rows, expected) for rows, expected in pairs)
