"""Reference data that tests read by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["References"]

_READ: dict[tuple[Path, int, int], pl.DataFrame] = {}


@dataclass(frozen=True)
class References:
    """Find and read files of reference data: `folder` is the test's, `root` the repository's, `names` those of the folders."""

    folder: Path
    root: Path
    names: tuple[str, ...] = ("references",)

    def __call__(self, name: str) -> pl.DataFrame:
        """Return the rows of a file as a Polars frame; a file is read once while it stays as it is.

        Parquet, CSV, JSON Lines and what else `assay.dataset` reads; `.to_pandas()` makes it a pandas frame.
        """
        path = self.path(name)
        stat = path.stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in _READ:
            from assay.data.sources import dataset

            _READ[key] = dataset(path).scan().collect()
        return _READ[key].clone()  # what a test adds to its frame, no other test sees

    def path(self, name: str) -> Path:
        """Return where the file is; raise UsageError, with the places that were looked at, where it is nowhere."""
        above = [self.folder, *self.folder.parents]
        within = above[: above.index(self.root) + 1] if self.root in above else above[:1]
        places = [folder / each / name for folder in within for each in self.names]
        places.append(self.root / name)
        for place in places:
            if place.is_file():
                return place
        near = sorted({file.name for place in places[:-1] if place.parent.is_dir() for file in place.parent.iterdir()})
        raise UsageError(
            f"there is no reference data {name!r} in {', '.join(_shown(place.parent, self.root) for place in places[:-1])}",
            hint=f"there are: {', '.join(near[:8])}"
            if near
            else "put the file there, or name its folder in assay_references",
        )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
