"""A fake feature store: historical features correct in both clocks, online features as fresh as the last materialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from assay.codec import parse_duration
from assay.errors import UsageError, nearest
from assay.testing.fakes.log import Log
from assay.testing.rows import Rows, rows_of

__all__ = ["FakeFeatureStore", "FeatureView", "Retrieved", "feature_view"]

_ROW, _ORDER = "__row", "__order"


@dataclass(frozen=True, eq=False)
class FeatureView:
    """A table of feature values: of which entities, at which instants, and when each became known. Make one with `feature_view`.

    `time` is the column of event times; `created` that of the instants at which a row was written, empty where none is known.
    `ttl` is how old a value may be; None lets any age be.
    """

    frame: pl.DataFrame
    entity: tuple[str, ...]
    time: str
    created: str = ""
    ttl: timedelta | None = None
    features: tuple[str, ...] = ()


def feature_view(
    rows: object, *, entity: str | Sequence[str], time: str = "event_timestamp", created: str = "",
    ttl: str | timedelta | None = None, features: Sequence[str] = (),
) -> FeatureView:  # fmt: skip
    """Return a table of feature values, from rows of any kind; `features` are all other columns where none are named.

    Raises UsageError where a column is not there, or the ttl cannot be read.

    >>> view = feature_view([{"id": 1, "event_timestamp": datetime(2026, 1, 1), "x": 0.5}], entity="id", ttl="1d")
    >>> view.features, view.ttl
    (('x',), datetime.timedelta(days=1))
    """
    frame = rows_of(rows).frame
    keys = (entity,) if isinstance(entity, str) else tuple(entity)
    for name in (*keys, time, *([created] if created else []), *features):
        if name not in frame.columns:
            raise UsageError(f"the view has no column {name!r}", hint=nearest(name, frame.columns))
    instants = [time, *([created] if created else [])]
    rest = tuple(features) or tuple(name for name in frame.columns if name not in (*keys, *instants))
    try:
        age = parse_duration(ttl.lower()) if isinstance(ttl, str) else ttl
    except ValueError as error:
        raise UsageError(f"ttl: {error}") from None
    return FeatureView(frame.with_columns(_instants(frame, instants)), keys, time, created, age, rest)


@dataclass(frozen=True, eq=False)
class Retrieved:
    """Features that were asked for. `to_df` gives the kind that they were asked with; pandas where that was a list of dicts."""

    frame: pl.DataFrame
    asked: Rows = field(repr=False)

    def to_df(self) -> Any:
        """Return a frame: Polars for Polars, else pandas."""
        if self.asked.kind == "polars":
            return self.frame
        return self.asked.rebuilt(self.frame) if self.asked.kind == "pandas" else self.frame.to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """Return a Polars frame."""
        return self.frame

    def to_arrow(self) -> Any:
        """Return an Arrow table."""
        return self.frame.to_arrow()

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the values of each column."""
        return self.frame.to_dict(as_series=False)


class FakeFeatureStore:
    """A feature store in memory, with the usual method names; a view is a `FeatureView` by its name.

    Historical features are right in both clocks: a value counts where its event time is at or before the asked instant, it is no
    older than the view's ttl (inclusive), and it was created at or before the asked instant. Of several the latest event time, then
    the latest creation, then the last row is taken. Online features are what `materialize` put there, as in a real store: empty
    before it, stale after it. Every call is in `log`, where errors can be planned: `store.log.fail(TimeoutError())`.

    >>> rows = [
    ...     {"id": 1, "event_timestamp": datetime(2026, 1, 1), "created": datetime(2026, 1, 1), "x": 10},
    ...     {"id": 1, "event_timestamp": datetime(2026, 1, 2), "created": datetime(2026, 1, 9), "x": 20},
    ... ]
    >>> store = FakeFeatureStore({"sales": feature_view(rows, entity="id", created="created")})
    >>> asked = pl.DataFrame({"id": [1], "event_timestamp": [datetime(2026, 1, 3)]})
    >>> store.get_historical_features(asked, ["sales:x"]).to_dict()["x"]  # 20 was not known before January 9
    [10]
    >>> store.get_online_features(["sales:x"], [{"id": 1}]).to_dict()
    {'id': [1], 'x': [None]}
    >>> store.materialize(datetime(2026, 1, 1), datetime(2026, 1, 10))
    1
    >>> store.get_online_features(["sales:x"], [{"id": 1}]).to_dict()
    {'id': [1], 'x': [20]}
    """

    def __init__(self, views: Mapping[str, FeatureView], *, name: str = "feature store") -> None:
        told: object = views
        if not isinstance(told, Mapping) or not all(isinstance(view, FeatureView) for view in told.values()):
            raise UsageError(
                "the feature store is given no views",
                hint='give them by name: {"sales": feature_view(rows, entity="id")}',
            )
        self.name = name
        self.log = Log()
        self._views = dict(views)
        self._online: dict[str, pl.DataFrame] = {}
        self._until: dict[str, datetime] = {}

    def list_feature_views(self) -> list[str]:
        """Return the views' names."""
        return list(self._views)

    def get_historical_features(
        self, entity_df: object, features: Sequence[str], *, full_feature_names: bool = False, time: str = "event_timestamp"
    ) -> Retrieved:  # fmt: skip
        """Return the asked rows with, for each, the features ("view:feature") as they were known at its instant; null where none was."""
        asked = rows_of(entity_df)
        self.log.note("get_historical_features", {"features": list(features), "rows": asked.height})
        frame = asked.frame
        if time not in frame.columns:
            raise UsageError(f"the asked rows have no instant: no column {time!r}", hint=nearest(time, frame.columns))
        for view_name, names in self._named(features).items():
            view = self._views[view_name]
            found = _as_of(view, frame, time).select(_ROW, *names)
            found = found.rename({each: f"{view_name}__{each}" for each in names} if full_feature_names else {})
            self._refuse_twice(frame, [name for name in found.columns if name != _ROW])
            frame = frame.with_row_index(_ROW).join(found, on=_ROW, how="left", maintain_order="left").drop(_ROW)
        return Retrieved(frame, asked)

    def get_online_features(
        self, features: Sequence[str], entity_rows: object, *, full_feature_names: bool = False
    ) -> Retrieved:  # fmt: skip
        """Return the features of entities as the online store has them; null where it has none."""
        asked = rows_of(entity_rows)
        self.log.note("get_online_features", {"features": list(features), "rows": asked.height})
        frame = asked.frame
        for view_name, names in self._named(features).items():
            view = self._views[view_name]
            _refuse_missing(view, frame, view_name)
            there = self._online.get(view_name, view.frame.clear())
            renamed = {each: f"{view_name}__{each}" for each in names} if full_feature_names else {}
            found = there.select(*view.entity, *names).rename(renamed)
            self._refuse_twice(frame, [name for name in found.columns if name not in view.entity])
            keys = frame.cast({name: found.schema[name] for name in view.entity})
            frame = keys.join(found, on=list(view.entity), how="left", maintain_order="left")
        return Retrieved(frame, asked)

    def materialize(self, start: datetime, end: datetime, *, feature_views: Sequence[str] = ()) -> int:
        """Put the latest row of each entity with an event time in [start, end] online; return how many rows that moved.

        A row that is online already stays where its event time is later. A row that was created after `end` is not known yet.
        """
        self.log.note("materialize", {"start": start, "end": end, "feature_views": list(feature_views)})
        if _utc(start) > _utc(end):
            raise UsageError(f"materialize from {start} to {end}", hint="the first instant is the earlier one")
        moved = 0
        for name in feature_views or self._views:
            view = self._view(name)
            fresh = view.frame.filter(pl.col(view.time).is_between(_utc(start), _utc(end)))
            if view.created:
                fresh = fresh.filter(pl.col(view.created) <= _utc(end))
            fresh = _latest(fresh, view, view.entity)
            moved += fresh.height
            before = self._online.get(name, view.frame.clear())
            self._online[name] = _latest(pl.concat([before, fresh]), view, view.entity)
            self._until[name] = max(_utc(end), self._until.get(name, _utc(end)))
        return moved

    def materialize_incremental(self, end: datetime, *, feature_views: Sequence[str] = ()) -> int:
        """Materialize from where each view was left until `end`; return how many rows that moved."""
        self.log.note("materialize_incremental", {"end": end, "feature_views": list(feature_views)})
        first = datetime(1, 1, 1, tzinfo=UTC)
        chosen = feature_views or list(self._views)
        return sum(self.materialize(self._until.get(name, first), end, feature_views=[name]) for name in chosen)

    def push(self, view: str, rows: object) -> None:
        """Add rows to a view, and put the latest of each entity online at once."""
        held = self._view(view)
        frame = rows_of(rows).frame
        self.log.note("push", {"view": view, "rows": frame.height})
        instants = [held.time, *([held.created] if held.created else [])]
        missing = [name for name in held.frame.columns if name not in frame.columns]
        if missing:
            raise UsageError(
                f"the pushed rows have no column {missing[0]!r}", hint=f"{view} has: {', '.join(held.frame.columns)}"
            )
        fresh = frame.with_columns(_instants(frame, instants)).select(held.frame.columns).cast(held.frame.schema)
        both = pl.concat([held.frame, fresh])
        self._views[view] = FeatureView(both, held.entity, held.time, held.created, held.ttl, held.features)
        online = pl.concat([self._online.get(view, held.frame.clear()), fresh])
        self._online[view] = _latest(online, held, held.entity)

    def _view(self, name: str) -> FeatureView:
        if name not in self._views:
            raise UsageError(f"there is no feature view {name!r}", hint=nearest(name, self._views))
        return self._views[name]

    def _named(self, features: Sequence[str]) -> dict[str, list[str]]:
        if isinstance(features, str) or not features:
            raise UsageError(f"the features are {features!r}", hint="give a list: ['view:feature']")
        found: dict[str, list[str]] = {}
        for asked in features:
            view_name, colon, name = asked.partition(":")
            if not colon:
                raise UsageError(f"the feature {asked!r} names no view", hint="write view:feature")
            view = self._view(view_name)
            if name not in view.features:
                raise UsageError(f"{view_name} has no feature {name!r}", hint=nearest(name, view.features))
            found.setdefault(view_name, []).append(name)
        return found

    def _refuse_twice(self, frame: pl.DataFrame, names: Sequence[str]) -> None:
        twice = [name for name in names if name in frame.columns]
        if twice:
            raise UsageError(f"two columns would be called {twice[0]!r}", hint="ask with full_feature_names=True")


def _as_of(view: FeatureView, frame: pl.DataFrame, time: str) -> pl.DataFrame:
    """Return, by the number of each asked row, the view's row that was known at its instant."""
    _refuse_missing(view, frame, "the view")
    asked = pl.DataFrame({"__at": frame[time]}).select(_instants(pl.DataFrame({"__at": frame[time]}), ["__at"]))
    keys = frame.select(view.entity).cast({name: view.frame.schema[name] for name in view.entity})
    asked = pl.concat([keys, asked], how="horizontal").with_row_index(_ROW)
    both = asked.join(view.frame.with_row_index(_ORDER), on=list(view.entity), how="inner")
    known = both.filter(pl.col(view.time) <= pl.col("__at"))
    if view.ttl is not None:
        known = known.filter(pl.col(view.time) >= pl.col("__at") - view.ttl)
    if view.created:
        known = known.filter(pl.col(view.created) <= pl.col("__at"))
    return _latest(known, view, (_ROW,))


def _latest(rows: pl.DataFrame, view: FeatureView, by: Sequence[str]) -> pl.DataFrame:
    """Return the latest row of each group: by event time, then by creation, then by its place."""
    clocks = [view.time, *([view.created] if view.created else [])]
    # The sort keeps the order of equal rows, so that the last of them is the one that stands last.
    return rows.sort(clocks, maintain_order=True, nulls_last=False).group_by(by, maintain_order=True).last()


def _refuse_missing(view: FeatureView, frame: pl.DataFrame, name: str) -> None:
    missing = [key for key in view.entity if key not in frame.columns]
    if missing:
        raise UsageError(
            f"the asked rows have no {missing[0]!r}, by which {name} knows an entity",
            hint=nearest(missing[0], frame.columns),
        )


def _instants(frame: pl.DataFrame, names: Sequence[str]) -> list[pl.Series]:
    """Return columns of instants as UTC; those without a zone, and dates, are taken to be UTC already."""
    made = []
    for name in names:
        column = frame[name]
        if column.dtype == pl.String:
            column = column.str.to_datetime(time_unit="us", time_zone="UTC")
        elif column.dtype == pl.Date or (isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None):
            column = column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        elif isinstance(column.dtype, pl.Datetime):
            column = column.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
        else:
            raise UsageError(f"the column {name!r} holds {column.dtype}, not instants", hint="give datetimes")
        made.append(column)
    return made


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
