"""The contracts of networks: one function and one entry each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from assay.testing.contract import Judgement
from assay.testing.networks import answers, learning, modes

__all__ = ["NETWORK_CONTRACTS"]

_ALL = (
    answers.forward_runs, answers.output_as_declared, answers.any_batch_size, answers.rows_apart, answers.looks_back_only,
    answers.finite_at_edges, answers.batch_kept, answers.compiles,
    learning.parameters_registered, learning.initial_loss, learning.gradients_reach, learning.loss_falls,
    learning.optimizer_moves_all, learning.overfits,
    modes.modes_agree, modes.repeatable, modes.restores,
)  # fmt: skip

NETWORK_CONTRACTS: Mapping[str, Judgement] = {each.__name__: cast("Judgement", each) for each in _ALL}
