"""A transformer learns from training data and is applied to other data: scaling, imputing, encoding. What it may learn from, and keeps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from assay.errors import DataError, UsageError, nearest, require
from assay.testing.contract import Crashed, Undeclared, broken, call, contract, held, seeded, undecided
from assay.testing.features.disturbing import disturbed
from assay.testing.features.feature import Feature
from assay.testing.features.ground import noise_of, quiet, relabelled
from assay.testing.features.sameness import asked_again, asked_alone, left_alone
from assay.testing.features.trials import said_cell
from assay.testing.outputs import Computed, aligned, differing
from assay.testing.rows import Rows, rows_of
from assay.verdict import Example, Outcome

__all__ = [
    "Transformer", "fits_on_train_only", "fits_the_same_twice", "leaves_input", "same_transformation", "standardizes",
    "survives_round_trip", "transformer", "was_fitted_on_train",
]  # fmt: skip


@dataclass(frozen=True)
class Transformer:
    """Something that is fitted on training rows and then applied to any rows. Make one with `transformer`.

    - `make`: makes a new one, not fitted, with `fit` and `transform`.
    - `fitted`: one that was fitted, of which is asked on what. `prepare`: a function of (train, test) that returns both, prepared.
    - `standard`: the outputs that have zero mean and unit variance on the rows of training; ("*",) stands for all.
    - `columns`: the columns that it is given (default: all); `target`: the column that `fit` is given as y, if any.
    - `rtol`, `atol`: how far two equal numbers may be apart.
    """

    make: Callable[[], Any]
    name: str
    fitted: Any = None
    prepare: Callable[..., Any] | None = None
    standard: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    target: str = ""
    rtol: float = 1e-9
    atol: float = 1e-12

    def seen(self, rows: Rows) -> Rows:
        """Return the columns of rows that it is given."""
        names = self.columns or tuple(name for name in rows.columns if name != self.target)
        return rows if names == rows.columns else rows.select(names)

    def fit(self, rows: Rows) -> Any:
        """Return a new one, fitted on these rows; raise `Crashed` where it raises."""
        made = call(self.make, what=f"making {self.name}")
        if not hasattr(made, "fit"):
            raise UsageError(f"{self.name} makes {type(made).__name__}, which has no fit",
                             hint="where a function of training rows learns, apply= says how it is used")  # fmt: skip
        given = [self.seen(rows).handed()]
        if self.target:
            given.append(rows.frame[self.target].to_numpy())
        call(made.fit, *given, what=f"fitting {self.name}")
        return made

    def apply(self, fitted: Any, rows: Rows) -> Computed:
        """Return what one that was fitted makes of rows."""
        return aligned(call(fitted.transform, self.seen(rows).handed(), what=self.name), rows)

    def as_feature(self, fitted: Any) -> Feature:
        """Return one that was fitted as a feature: a function of rows alone."""
        return Feature(
            lambda native: fitted.transform(self.seen(rows_of(native)).handed()),
            self.name,
            fixed=True,
            rtol=self.rtol,
            atol=self.atol,
        )


class _Pair:
    """Two functions, one that learns and one that applies what was learnt, as an object with `fit` and `transform`."""

    def __init__(self, learn: Callable[..., Any], use: Callable[..., Any]) -> None:
        self.learn = learn
        self.use = use

    def fit(self, *given: Any) -> _Pair:
        """Learn from rows."""
        self.learnt = self.learn(*given)
        return self

    def transform(self, rows: Any) -> Any:
        """Return what is made of rows by what was learnt."""
        return self.use(self.learnt, rows)

    def kept(self, save: Callable[[Any], bytes], load: Callable[[bytes], Any]) -> _Pair:
        """Return it with what was learnt saved and loaded: the two functions are code, which is not."""
        again = _Pair(self.learn, self.use)
        again.learnt = load(save(self.learnt))
        return again


def transformer(
    made: Any, *, apply: Callable[..., Any] | None = None, name: str = "", standard: bool | str | Sequence[str] = (),
    columns: str | Sequence[str] = (), **declared: Any,
) -> Transformer:  # fmt: skip
    """Declare a transformer: `made` is one that is not fitted, a class or function that makes one, or a function of training rows.

    With `apply`, `made` is a function that learns: `learnt = made(train)`, and `apply(learnt, rows)` returns the values. `standard`
    names the outputs with zero mean and unit variance on the training rows; True says all. The rest is as in `Transformer`.

    Raises UsageError where an argument is not one of a transformer's.

    >>> scaled = transformer(
    ...     lambda train: (train["x"].mean(), train["x"].std(ddof=0)),
    ...     apply=lambda learnt, rows: (rows["x"] - learnt[0]) / learnt[1], name="scaled", standard=True,
    ... )  # fmt: skip
    >>> scaled.name, scaled.standard
    ('scaled', ('*',))
    """
    known = set(Transformer.__dataclass_fields__) - {"make"}
    stray = [key for key in declared if key not in known]
    if stray:
        raise UsageError(f"a transformer has no {stray[0]!r}", hint=f"it has: {', '.join(sorted(known | {'apply'}))}")
    if not callable(made) and not hasattr(made, "fit") and not (made is None and declared.get("prepare")):
        raise UsageError(
            f"{made!r} has no fit, and makes nothing that has",
            hint="give one with fit and transform, its class, or a function",
        )
    if apply is not None:
        make: Callable[[], Any] = lambda: _Pair(made, apply)  # noqa: E731
    elif isinstance(made, type) or not hasattr(made, "fit"):
        make = made
    else:
        make = lambda: _copied(made)  # noqa: E731
    if name == "":
        name = getattr(made, "__name__", type(made).__name__)
    every = ("*",) if standard is True else (standard,) if isinstance(standard, str) else tuple(standard or ())
    return Transformer(
        make, name, standard=every, columns=(columns,) if isinstance(columns, str) else tuple(columns), **declared
    )


def _copied(made: Any) -> Any:
    """Return a new one of the same settings: scikit-learn's clone, which leaves out what was learnt, else a copy."""
    if hasattr(made, "get_params") and type(made).__module__.partition(".")[0] != "builtins":
        return require("sklearn.base", extra="sklearn").clone(made)
    return copy.deepcopy(made)


@contract(
    "transformer",
    title="the outputs have zero mean and unit variance on the rows of training",
    catches="a column that is not scaled, a scale by the range, columns in another order, a mean of other rows (fitted on all data)",
    needs=("standard",),
    rubric=("D7",),
)
def standardizes(subject: Transformer, data: object = None, /, *, new: object = None, within: float = 1e-6) -> Outcome:
    """Judge that a scaler's outputs have zero mean and unit variance on the rows that it was to be fitted on.

    mean = Σx/n, |mean| <= within; variance Σ(x - mean)²/n or Σ(x - mean)²/(n - 1), one of them within `within` of 1. What is judged is
    `prepare(data, new)` where that is declared, else the `fitted` one on `data`, else a new one that is fitted on `data`. A
    column that is constant has to come out as zeros. Nulls are not counted.

    INCONCLUSIVE where a column has no two values.

    >>> import numpy as np
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> rows = np.array([[0.0], [5.0], [10.0]])
    >>> print(standardizes(transformer(MinMaxScaler(), standard=True), rows).why)
    result_0 has mean 0.5 and variance 0.166667 on the 3 rows of training
    """
    train = _rows(subject, data)
    values = _prepared(subject, train, new)
    names = values.columns if subject.standard == ("*",) else list(subject.standard)
    missing = [name for name in names if name not in values.columns]
    if missing:
        raise UsageError(
            f"{subject.name} returns no column {missing[0]!r}",
            hint=f"it returns: {', '.join(values.columns)}; declare standard= of these",
        )
    found, few = [], []
    for name in names:
        told = _moments(values[name], within)
        if told is None:
            few.append(name)
        elif told[2]:
            found.append((name, *told[:2]))
    if found:
        name, mean, variance = max(found, key=lambda each: max(abs(each[1]), abs(each[2] - 1)))
        return broken(
            f"{name} has mean {said_cell(mean)} and variance {said_cell(variance)} on the {values.height:,} rows of training",
            examples=[Example(None, {"column": n, "mean": said_cell(m), "variance": said_cell(v)}) for n, m, v in found[:12]],
            n_rows=len(names), n_failing=len(found),
            note="subtract the mean and divide by the deviation of the training rows, column by column",
        )  # fmt: skip
    if few:
        return undecided(
            f"{few[0]} has no two values to take a variance of; give more rows of training", n_rows=train.height
        )
    return held(
        f"{len(names)} columns have zero mean and unit variance (within {within:g}) on {train.height:,} rows",
        n_rows=train.height,
    )


def _moments(values: pl.Series, within: float) -> tuple[float, float, bool] | None:
    """Return mean, variance, and whether they are off; None where there are no two values."""
    numbers = values.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
    if len(numbers) < 2:
        return None
    near = max(within, 1e-3) if values.dtype == pl.Float32 else within
    mean, variance, n = float(numbers.mean()), float(numbers.var()), len(numbers)
    if variance == 0 or (np.ptp(numbers) <= near and abs(mean) <= near):
        return mean, variance, abs(mean) > near
    unit = min(abs(variance - 1), abs(variance * n / (n - 1) - 1)) <= near
    return mean, variance, abs(mean) > near or not unit


@contract(
    "transformer",
    title="new rows get the transformation that was learnt in training: alone, in any company, and twice the same",
    catches="fit_transform on new data, a mean of the batch, a state that transform changes",
    rubric=("D7",),
)
def same_transformation(subject: Transformer, data: object = None, /, *, new: object = None, seed: int = 0) -> Outcome:
    """Judge that what was learnt from the training rows is what new rows get.

    It is fitted on `data` (or is the `fitted` one) and applied to `new` (default: three in ten rows of `data`, kept apart): to all of
    them, to each half, and to single rows. A row has to get the same values each time.

    >>> import numpy as np
    >>> class Again:
    ...     def fit(self, rows): ...
    ...     def transform(self, rows):
    ...         return rows - rows.mean(axis=0)
    >>> same_transformation(transformer(Again), np.arange(20.0).reshape(-1, 1)).verdict.value
    'fail'
    """
    train, other = _parted(subject, data, new, seed)
    fitted = subject.fitted if subject.fitted is not None else subject.fit(train)
    as_feature = subject.as_feature(fitted)
    for judge in (asked_again, asked_alone):
        seen = judge(as_feature, other, seed=seed)
        if not seen:
            return seen
    return held(f"{other.height:,} new rows got the same values alone, in halves and together", n_rows=other.height)


@contract(
    "transformer",
    title="what is made of the training rows, and of a test row, stays the same when other test rows change",
    catches="a scaler or imputer that is fitted on training and test rows together, or again on the test rows",
    needs=("prepare",),
    rubric=("D7",),
)
def fits_on_train_only(subject: Transformer, data: object = None, /, *, new: object = None, seed: int = 0) -> Outcome:
    """Judge that `prepare(train, test)` learns from the training rows only: from nothing else, and not again from the test rows.

    Half of the test rows are changed far beyond their range, then left out: what is made of the training rows, and of the other half of the
    test rows, has to stay.

    >>> import numpy as np
    >>> def scaled(train, test):
    ...     both = np.concatenate([train, test])
    ...     return (train - both.mean()) / both.std(), (test - both.mean()) / both.std()
    >>> seen = fits_on_train_only(transformer(None, prepare=scaled, name="scaled"), np.arange(20.0).reshape(-1, 1))
    >>> print(seen.why.split(" moved ")[0])
    changing 3 of 6 test rows
    """
    train, test = _parted(subject, data, new, seed)
    if test.height < 2:
        return undecided(
            f"there is {test.height} test row, and half of them are to be changed; give two or more as new="
        )
    rng = seeded("fits_on_train_only", seed)
    half = np.sort(rng.permutation(test.height)[: test.height // 2])
    rest = np.setdiff1d(np.arange(test.height), half)
    before = _both(subject, train, test)
    changed = test
    for column, new_values in disturbed(test, half, subject.columns or test.columns, rng).items():
        changed = changed.changed(column, half, new_values)
    for said, other, kept in (("changing", changed, rest), ("leaving out", test.take(rest), np.arange(len(rest)))):
        after = _both(subject, train, other)
        sides = (
            ("training", train, before[0], after[0]),
            ("test", test.take(rest), before[1][rest.tolist()], after[1][kept.tolist()]),
        )
        for side, rows, one, two in sides:
            wrong = _difference(one, two, subject)
            if wrong is not None:
                place, name = wrong
                values = {key: said_cell(rows.frame[key][place]) for key in rows.columns[:6]}
                return broken(
                    f"{said} {len(half)} of {test.height} test rows moved {name} of row {place} of the {side} rows"
                    f"{'' if side == 'training' else ' that were not touched'} from {said_cell(one[name][place])} to "
                    f"{said_cell(two[name][place])}",
                    examples=[Example(place, values | {"before": said_cell(one[name][place]), "after": said_cell(two[name][place])})],
                    n_rows=train.height + test.height,
                    note="fit on the training rows, then only transform the test rows; in cross-validation, fit inside each fold",
                )  # fmt: skip
    return held(
        f"changing or leaving out {len(half)} of {test.height} test rows moved none of {train.height:,} training rows",
        n_rows=train.height + test.height,
    )


@contract(
    "transformer",
    title="the fitted one is what training rows alone teach",
    catches="a scaler that was fitted before the split, on the test rows too, or on other data",
    needs=("fitted",),
    rubric=("D7",),
)
def was_fitted_on_train(subject: Transformer, data: object = None, /, *, new: object = None, seed: int = 0) -> Outcome:
    """Judge that `fitted` was fitted on `data` alone, by fitting new ones: on `data`, and on `data` with `new`.

    All are applied to the rows. The contract holds where the fitted one agrees with the first; where it agrees with the second, the
    message says so. The fitting has to be repeatable. INCONCLUSIVE where both teach the same.

    Raises UsageError where `new`, the rows that it may not know, is not given.

    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> train, test = np.array([[0.0], [2.0], [4.0]]), np.array([[10.0]])
    >>> told = transformer(StandardScaler(), fitted=StandardScaler().fit(train))
    >>> was_fitted_on_train(told, train, new=test).verdict.value
    'pass'
    >>> leaked = transformer(StandardScaler(), fitted=StandardScaler().fit(np.concatenate([train, test])))
    >>> print(was_fitted_on_train(leaked, train, new=test).why)
    result_0 of row 0 is -1.06904, where one fitted on the training rows gives -1.22474:
    it is the one that training and test rows together teach
    """
    if new is None:
        raise Undeclared(
            "was_fitted_on_train needs new=, the rows that were kept out of training", hint="give the test rows"
        )
    train, other = _parted(subject, data, new, seed)
    both = rows_of(_stacked(train, other))
    probe = both
    alone, together = (subject.apply(subject.fit(rows), probe).values for rows in (train, both))
    found = subject.apply(subject.fitted, probe).values
    if _difference(alone, together, subject) is None:
        return undecided(
            "fitting on the training rows teaches what fitting on all rows does, so that the two can't be told apart; give other rows "
            "as new=",
            n_rows=both.height,
        )
    wrong = _difference(alone, found, subject)
    if wrong is None:
        return held(f"a new one, fitted on the {train.height:,} training rows, does the same", n_rows=train.height)
    place, name = wrong
    leaked = _difference(together, found, subject) is None
    said = (
        "it is the one that training and test rows together teach"
        if leaked
        else "nor do training and test rows together teach it"
    )
    cells = {
        "training alone": alone[name][place],
        "with the test rows": together[name][place],
        "the fitted one": found[name][place],
    }
    return broken(
        f"{name} of row {place} is {said_cell(found[name][place])}, where one fitted on the training rows gives "
        f"{said_cell(alone[name][place])}: {said}",
        examples=[Example(place, {key: said_cell(value) for key, value in cells.items()})], n_rows=train.height,
        note="split first, then fit on the training rows" if leaked else "fit it on the rows that are given here, with the same settings",
    )  # fmt: skip


@contract(
    "transformer",
    title="fitted twice on the same rows, it learns the same",
    catches="a sample or an initialization without a seed",
    rubric=("D7",),
)
def fits_the_same_twice(subject: Transformer, data: object = None, /) -> Outcome:
    """Judge that two new ones, fitted on the same rows, give the same values for them.

    >>> import numpy as np
    >>> rows, rng = np.array([[0.0], [2.0], [4.0]]), np.random.default_rng(0)
    >>> fits_the_same_twice(transformer(np.mean, apply=lambda mean, rows: rows - mean), rows).verdict.value
    'pass'
    >>> noisy = transformer(lambda train: train.mean() + rng.normal(), apply=lambda mean, rows: rows - mean)
    >>> print(fits_the_same_twice(noisy, rows).why)
    fitted twice on the same rows, result_0 of row 0 is ..., then ...
    """
    train = _rows(subject, data)
    one, two = (subject.apply(subject.fit(train), train).values for _ in range(2))
    wrong = _difference(one, two, subject)
    if wrong is None:
        return held(f"two that were fitted on the same {train.height:,} rows give the same values", n_rows=train.height)
    place, name = wrong
    return broken(
        f"fitted twice on the same rows, {name} of row {place} is {said_cell(one[name][place])}, then {said_cell(two[name][place])}",
        examples=[Example(place, {"first": said_cell(one[name][place]), "second": said_cell(two[name][place])})],
        n_rows=train.height, note="give it a seed (random_state)",
    )  # fmt: skip


@contract(
    "transformer",
    title="saved and loaded, it gives the same values",
    catches="state that is not saved, a lambda that can't be, another dtype after loading",
    rubric=("D7",),
)
def survives_round_trip(
    subject: Transformer, data: object = None, /, *, save: Callable[[Any], bytes] = pickle.dumps,
    load: Callable[[bytes], Any] = pickle.loads,
) -> Outcome:  # fmt: skip
    """Judge that one that was fitted gives the same values after it was saved and loaded.

    `save` makes bytes of it and `load` makes it again (default: pickle, of what was fitted here); where functions learn and apply,
    of what was learnt. A fresh process is the matter of the pipeline contract `packages`.

    >>> import numpy as np
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> rows = np.array([[0.0], [2.0], [4.0]])
    >>> survives_round_trip(transformer(FunctionTransformer(np.sqrt)), rows).verdict.value
    'pass'
    >>> print(survives_round_trip(transformer(FunctionTransformer(lambda rows: rows / 2)), rows).why)
    it can't be saved and loaded: ...
    """
    train = _rows(subject, data)
    fitted = subject.fitted if subject.fitted is not None else subject.fit(train)
    before = subject.apply(fitted, train).values
    try:
        again = fitted.kept(save, load) if isinstance(fitted, _Pair) else load(save(fitted))
    except Exception as error:  # whatever saving raises is what the contract is about
        return broken(
            f"it can't be saved and loaded: {type(error).__name__}: {error}",
            note="no lambdas, open files or local classes among what it keeps",
        )
    try:
        after = subject.apply(again, train).values
    except Crashed as crash:
        return broken(
            f"after saving and loading, {crash}",
            n_rows=train.height,
            note="save what was learnt too: all that fit sets",
        )
    wrong = _difference(before, after, subject)
    if wrong is None:
        return held(f"saved and loaded, it gives {train.height:,} rows the same values", n_rows=train.height)
    place, name = wrong
    return broken(
        f"after saving and loading, {name} of row {place} is {said_cell(after[name][place])}, not {said_cell(before[name][place])}",
        examples=[Example(place, {"before": said_cell(before[name][place]), "after": said_cell(after[name][place])})],
        n_rows=train.height, note="save what was learnt too: all that fit sets",
    )  # fmt: skip


@contract(
    "transformer",
    title="the rows that it is applied to are left as they were",
    catches="copy=False, an assignment to the caller's frame",
    rubric=("D7",),
)
def leaves_input(subject: Transformer, data: object = None, /) -> Outcome:
    """Judge that applying it does not change the rows that it is given.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"x": [0.0, 2.0, 4.0]})
    >>> leaves_input(transformer(lambda train: 2.0, apply=lambda mean, rows: rows["x"] - mean), rows).verdict.value
    'pass'
    >>> def in_place(mean, rows):
    ...     rows["x"] -= mean
    ...     return rows
    >>> print(leaves_input(transformer(lambda train: 2.0, apply=in_place), rows).why)
    it changed x of row 0 of the rows that it was given from 0.0 to -2.0
    """
    train = _rows(subject, data)
    fitted = subject.fitted if subject.fitted is not None else subject.fit(train)
    return left_alone(Feature(fitted.transform, subject.name), subject.seen(train).native)


def _rows(subject: Transformer, data: object) -> Rows:
    if data is None:
        raise UsageError(
            f"there are no rows to judge {subject.name} on", hint="give the training rows as the second argument"
        )
    rows = relabelled(rows_of(data))
    for name in (*subject.columns, subject.target):
        if name and name not in rows.columns:
            raise UsageError(f"{subject.name}: there is no column {name!r}", hint=nearest(name, rows.columns))
    if not rows.height:
        raise DataError(f"there is no row to fit {subject.name} on", hint="give the training rows")
    return rows


def _parted(subject: Transformer, data: object, new: object, seed: int) -> tuple[Rows, Rows]:
    """Return training rows and new ones: three in ten of the rows, at chance, where none are given."""
    train = _rows(subject, data)
    if new is not None:
        return train, relabelled(rows_of(new))
    order = seeded("parted", seed).permutation(train.height)
    cut = max(1, train.height * 3 // 10)
    first, second = train.take(np.sort(order[cut:])), train.take(np.sort(order[:cut]))
    return rows_of(first.native), rows_of(second.native)


def _prepared(subject: Transformer, train: Rows, new: object) -> pl.DataFrame:
    if subject.prepare is not None:
        train, test = _parted(subject, train.native, new, 0) if new is None else (train, relabelled(rows_of(new)))
        return _both(subject, train, test)[0]
    return subject.apply(subject.fitted if subject.fitted is not None else subject.fit(train), train).values


def _both(subject: Transformer, train: Rows, test: Rows) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what `prepare` makes of training and test rows, each row at its place."""
    assert subject.prepare is not None
    with quiet():
        made = call(subject.prepare, subject.seen(train).handed(), subject.seen(test).handed(), what=subject.name)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise DataError(
            f"{subject.name} returned {type(made).__name__}",
            hint="prepare(train, test) returns both, prepared, in this order",
        )
    one, other = (aligned(part, rows).of(rows.numbers) for part, rows in zip(made, (train, test), strict=True))
    return one, other


def _difference(before: pl.DataFrame, after: pl.DataFrame, subject: Transformer) -> tuple[int, str] | None:
    """Return the first place and column at which two results differ; None where they do not."""
    if before.height != after.height:
        return 0, before.columns[0]
    noise = noise_of(before)
    for name in before.columns:
        near = max(subject.atol, noise.get(name, 0.0) * 1e-3)
        moved = differing(before.select(name), after, rtol=subject.rtol, atol=near)
        if moved.any():
            return int(np.argmax(moved[:, 0])), name
    return None


def _stacked(one: Rows, other: Rows) -> Any:
    """Return the rows of both, in one frame of the first's kind."""
    if one.kind == "array":
        return np.concatenate([one.native, other.native])
    if one.kind == "records":
        return [*one.native, *other.native]
    if one.kind == "pandas":
        return require("pandas", extra="pandas").concat([one.native, other.native], ignore_index=True)
    return one.rebuilt(pl.concat([one.frame, other.frame], how="vertical_relaxed"))
