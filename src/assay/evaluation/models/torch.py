"""torch's models: modules, exported programs (.pt2), TorchScript and pickled modules (.pt, .pth)."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assay.data.dataset import first_line
from assay.errors import DataError, UsageError, require
from assay.evaluation.models.adapted import Adapted, Opening
from assay.evaluation.models.answer import answer
from assay.evaluation.models.frames import family_of
from assay.evaluation.models.model import Model, Output
from assay.evaluation.models.signature import matrix, positional

__all__ = ["open_torch", "recognises"]


def recognises(source: object) -> bool:
    """Return whether a source is a torch module, or a file of one."""
    if isinstance(source, str | Path):
        return str(source).lower().endswith((".pt2", ".pt", ".pth"))
    return "torch" in family_of(source) and callable(source)


def open_torch(source: object, opening: Opening) -> Model:
    """Return a model of a torch module, fed one tensor of the features in their order, n by d.

    The tensor has the type and the device of the module's parameters (single precision where it has none). What the
    module's numbers are is for `meaning` and `classes` to say: a module does not tell values, probabilities and logits
    apart. The module is set to evaluation, and no gradients are kept; of several outputs the first is read. A file of
    torch, an exported program too, is read by pickle, so that it has to be trusted.
    """
    torch: Any = require("torch", extra="torch")
    module, state = _opened(torch, source, opening)
    name = opening.named(module if opening.path else source)
    first = next((p for p in state if p.is_floating_point()), None)
    kind, device = (torch.float32, "cpu") if first is None else (first.dtype, first.device)

    def ask(frame: pl.DataFrame) -> Output:
        numbers = torch.from_numpy(matrix(frame, np.float64)).to(device=device, dtype=kind)
        with torch.inference_mode():
            raw = module(numbers)
        raw = next(iter(raw.values())) if isinstance(raw, dict) else raw[0] if isinstance(raw, tuple | list) else raw
        raw = raw.detach().to("cpu")
        raw = raw.to(torch.float32) if raw.dtype in (torch.float16, torch.bfloat16) else raw
        return answer(raw.numpy(), classes=opening.options.classes, meaning=opening.options.meaning)

    signature = positional(None, opening.features, takes="number", model=name)
    return Adapted(name, "torch", signature, ask, opening.sized(source))


def _opened(torch: Any, source: object, opening: Opening) -> tuple[Any, Sequence[Any]]:
    """Return what is called, and its parameters."""
    found: Any = source
    if isinstance(source, str | Path):
        if not opening.trust:
            raise UsageError(
                f"the model {Path(source).name!r} is one of torch's: to load it is to run whatever code is in it",
                hint="where you know who made it, say trust=True (--trust); an .onnx file needs no trust",
            )
        try:
            found = _loaded(torch, Path(source))
        except Exception as error:  # a broken file, or code that is not there, fails in many ways
            said = f"it cannot be loaded: {type(error).__name__}: {first_line(error)[:200]}"
            raise DataError(said, place=str(source)) from None
    if isinstance(found, torch.export.ExportedProgram):
        return found.module(), [*found.parameters(), *found.buffers()]
    if isinstance(found, dict):
        raise UsageError(
            f"{source} holds a module's weights and no module",
            hint="export it with torch.export, or give the module itself",
        )
    return found.eval(), [*found.parameters(), *found.buffers()]


def _loaded(torch: Any, path: Path) -> Any:
    if path.suffix.lower() == ".pt2":
        return torch.export.load(str(path))
    with zipfile.ZipFile(path) as archive:
        script = any("/code/" in name for name in archive.namelist())
    if not script:
        return torch.load(str(path), map_location="cpu", weights_only=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript is old, and files of it are there
        return torch.jit.load(str(path), map_location="cpu")
