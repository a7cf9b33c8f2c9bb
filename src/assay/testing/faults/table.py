"""The one table of operators: every kind of mistake that can be made on purpose."""

from __future__ import annotations

from collections.abc import Mapping

from assay.testing.faults.categories import CATEGORIES
from assay.testing.faults.computing import COMPUTING
from assay.testing.faults.fault import Operator
from assay.testing.faults.files import FILES
from assay.testing.faults.labels import LABELS
from assay.testing.faults.missing import MISSING
from assay.testing.faults.models import MODELS
from assay.testing.faults.numeric import NUMERIC
from assay.testing.faults.serving import SERVING
from assay.testing.faults.structure import STRUCTURE
from assay.testing.faults.times import TIMES

__all__ = ["OPERATORS"]

OPERATORS: Mapping[str, Operator] = {
    **MISSING, **NUMERIC, **CATEGORIES, **STRUCTURE, **TIMES, **FILES, **LABELS, **COMPUTING, **MODELS, **SERVING,
}  # fmt: skip
