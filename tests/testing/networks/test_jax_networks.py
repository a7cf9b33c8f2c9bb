"""Contracts of pure functions in JAX: right ones keep all of them, and each mistake breaks the contract that is about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

# The tables below are made of it. Where it is missing and CI is set, the examples of docstrings fail: test_docstrings.py.
pytest.importorskip("jax")

import jax
import jax.numpy as jnp

from assay.errors import UsageError
from assay.testing.contract import Judgement, run_contracts
from assay.testing.explaining import explained
from assay.testing.networks.answers import (
    any_batch_size,
    compiles,
    finite_at_edges,
    forward_runs,
    looks_back_only,
    output_as_declared,
    rows_apart,
)
from assay.testing.networks.learning import gradients_reach, initial_loss, loss_falls, overfits
from assay.testing.networks.modes import modes_agree, repeatable, restores
from assay.testing.networks.network import Network, network
from assay.testing.networks.table import NETWORK_CONTRACTS
from assay.verdict import Verdict

pytestmark = pytest.mark.real_part("jax")

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(8, 4)).astype(np.float32)
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1])
SERIES = CHANCE.normal(size=(4, 6, 3)).astype(np.float32)


def weights() -> dict[str, Any]:
    chance = np.random.default_rng(1)
    return {
        "first": {"w": 0.5 * chance.normal(size=(4, 16)).astype(np.float32), "b": np.zeros(16, np.float32)},
        "last": [0.2 * chance.normal(size=(16, 3)).astype(np.float32), np.zeros(3, np.float32)],
        "step": np.int32(0),
    }


def cross_entropy(logits: Any, labels: Any) -> Any:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def dense(params: Any, x: Any) -> Any:
    hidden = jnp.tanh(x @ params["first"]["w"] + params["first"]["b"])
    return hidden @ params["last"][0] + params["last"][1]


def dropped(params: Any, x: Any, *, key: Any, train: bool) -> Any:
    hidden = jnp.tanh(x @ params["first"]["w"] + params["first"]["b"])
    hidden = hidden * jax.random.bernoulli(key, 0.9, hidden.shape) if train else hidden * 0.9
    return hidden @ params["last"][0] + params["last"][1]


def net(apply: Callable[..., Any], **declared: Any) -> Network:
    return network(apply, **{"name": "net", "params": weights(), "loss": cross_entropy, "classes": 3, **declared})


def with_hidden(change: Callable[[Any], Any], **declared: Any) -> Network:
    def apply(params: Any, x: Any) -> Any:
        hidden = change(jnp.tanh(x @ params["first"]["w"] + params["first"]["b"]))
        return hidden @ params["last"][0] + params["last"][1]

    return net(apply, **declared)


def causal(params: Any, x: Any) -> Any:
    return jnp.tanh(jnp.cumsum(x, axis=1) @ params["w"])


AS_IT_SHOULD_BE: dict[str, tuple[Callable[[], Network], object]] = {
    "dense": (lambda: net(dense, output=(None, 3), dtype="float32"), (X, Y)),
    "dropout": (lambda: net(dropped), (X, Y)),
    "fresh": (lambda: net(dense, build=weights), (X, Y)),
    "causal": (lambda: network(causal, params={"w": np.ones((3, 2), np.float32) * 0.1}, time_axis=1), SERIES),
    "half": (
        lambda: network(
            lambda p, x: x @ p, name="half", params=jnp.ones((4, 3), jnp.bfloat16), dtype="bfloat16", output=(None, 3)
        ),
        jnp.asarray(X, jnp.bfloat16),
    ),
    "a step of its own": (lambda: net(dense, step=descent), (X, Y)),
    "two inputs": (
        lambda: net(lambda params, x, scale: dense(params, x * scale)),
        ({"x": X, "scale": np.float32(2)}, Y),
    ),
}


def descent(params: Any, x: Any, y: Any, sign: float = 1.0) -> Any:
    floats = {name: params[name] for name in ("first", "last")}
    gradients = jax.grad(lambda p: cross_entropy(dense({**params, **p}, x), y))(floats)
    return {**params, **jax.tree_util.tree_map(lambda p, g: p - sign * 0.5 * g, floats, gradients)}


@pytest.mark.parametrize("name", AS_IT_SHOULD_BE)
def test_a_function_as_it_should_be_breaks_no_contract(name: str):
    declare, data = AS_IT_SHOULD_BE[name]

    outcomes = run_contracts(NETWORK_CONTRACTS, declare(), data)

    told = [explained(o) for o in outcomes if o.verdict not in (Verdict.PASS, Verdict.SKIP)]
    assert not told, "\n\n".join(told)
    assert sum(o.verdict is Verdict.PASS for o in outcomes) >= 8


MISTAKES: dict[str, tuple[Judgement, Callable[[], Network], object, str]] = {
    "a not-a-number": (
        forward_runs,
        lambda: with_hidden(lambda h: jnp.log(h - 9)),
        (X, Y),
        "24 of 24 numbers of output are NaN or infinite",
    ),
    "a wrong width": (
        output_as_declared,
        lambda: net(dense, output=(None, 2)),
        (X, Y),
        r"the shape \(8, 3\); \(any, 2\) is declared",
    ),
    "a squeeze": (
        any_batch_size,
        lambda: net(lambda p, x: dense(p, x).squeeze()),
        (X, Y),
        r"of row 0 alone, output has the shape \(3,\)",
    ),
    "centred over the batch": (
        rows_apart,
        lambda: with_hidden(lambda h: h - h.mean(axis=0)),
        (X, Y),
        "the answer to row 0 changes by",
    ),
    "a faint leak": (
        rows_apart,
        lambda: with_hidden(lambda h: h + 1e-9 * h.mean(axis=0)),
        (X, Y),
        "the derivative by it is",
    ),
    "a sum from the end": (
        looks_back_only,
        lambda: network(lambda w, x: jnp.cumsum(x[:, ::-1], axis=1) * w, params=jnp.ones(()), time_axis=1),
        SERIES,
        "the answer at time 0 changes by",
    ),
    "a root at zero": (
        finite_at_edges,
        lambda: net(lambda p, x: jnp.sqrt(jnp.abs(dense(p, x)))),
        (0 * X, Y),
        "the gradient of first.b is NaN",
    ),
    "a branch on a value": (
        compiles,
        lambda: net(lambda p, x: dense(p, x) if x.sum() > 0 else -dense(p, x)),
        (X, Y),
        "it cannot be compiled: jax.jit of net raised",
    ),
    "an idle weight": (
        gradients_reach,
        lambda: net(lambda p, x: x @ p["first"]["w"][:, :3]),
        (X, Y),
        "2|3 of 4 .*: first.b, last.0, last.1",
    ),
    "a gradient that is stopped": (
        gradients_reach,
        lambda: with_hidden(jax.lax.stop_gradient),
        (X, Y),
        "reaches 2 of 4 .*: first.b, first.w",
    ),
    "great logits": (initial_loss, lambda: with_hidden(lambda h: 100 * h), (X, Y), "a guess among 3 classes has 1.099"),
    "a step uphill": (
        loss_falls,
        lambda: net(dense, step=lambda p, x, y: descent(p, x, y, -1.0)),
        (X, Y),
        "one step of its own: the loss goes",
    ),
    "a constant": (overfits, lambda: with_hidden(lambda h: 0 * h), (X, Y), "300 steps on 2 rows brought the loss from"),
    "dropout in evaluation": (
        modes_agree,
        lambda: net(lambda p, x, *, key, train: dropped(p, x, key=key, train=True)),
        (X, Y),
        "two passes in evaluation",
    ),
    "chance of its own": (
        repeatable,
        lambda: with_hidden(lambda h: h * CHANCE.normal()),
        (X, Y),
        "give other numbers for output in evaluation",
    ),
    "weights of another shape": (
        restores,
        lambda: net(dense, build=lambda: {**weights(), "last": [np.ones((16, 4), np.float32), np.ones(4, np.float32)]}),
        (X, Y),
        "it cannot be restored: build of net raised ValueError: its parameters have other shapes",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_breaks_the_contract_that_is_about_it(name: str):
    judge, declare, data, said = MISTAKES[name]

    outcome = judge(declare(), data)

    assert outcome.verdict is Verdict.FAIL, explained(outcome)
    assert re.search(said, outcome.why), outcome.why


def test_every_contract_that_jax_has_is_shown_to_bite():
    of_torch = {
        name for name, judge in NETWORK_CONTRACTS.items() if {"module", "optimizer"} & set(judge.contract.needs)
    }

    assert {judge.contract.name for judge, *_ in MISTAKES.values()} == set(NETWORK_CONTRACTS) - of_torch


def test_whole_numbers_are_no_weights():
    outcome = gradients_reach(net(dense), (X, Y))

    assert outcome.why == "a finite gradient reaches all 4 trainable parameters"


def test_a_persons_parameters_are_left_as_they_were():
    mine = weights()

    run_contracts(NETWORK_CONTRACTS, net(dense, params=mine), (X, Y))

    jax.tree_util.tree_map(np.testing.assert_array_equal, mine, weights())


def test_a_step_that_returns_something_else_is_refused():
    with pytest.raises(UsageError, match=r"the step of net returns .*, not parameters like the ones it was given"):
        loss_falls(net(dense, step=lambda params, x, y: (params, 0.5)), (X, Y))


def test_what_cannot_be_compiled_may_still_learn():
    subject = net(lambda p, x: dense(p, x) if bool(np.asarray(x).any()) else x)

    assert loss_falls(subject, (X, Y)).verdict is Verdict.PASS
