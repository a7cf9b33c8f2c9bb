"""Batches, trees of arrays, and chance that is put back."""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

from assay.errors import UsageError
from assay.testing.contract import run_contracts
from assay.testing.networks.batch import Batch, Leaf, batch, batch_of, leaves, mapped
from assay.testing.networks.chance import kept
from assay.testing.networks.network import network
from assay.testing.networks.table import NETWORK_CONTRACTS
from assay.testing.networks.trial import apart, closeness


class Pair(NamedTuple):
    left: object
    right: object


def test_a_pair_is_inputs_and_targets():
    rows = batch_of((np.zeros((5, 2)), np.arange(5)))

    assert (rows.rows, rows.shapes, rows.targets.array.tolist()) == (5, "(5, 2)", [0, 1, 2, 3, 4])


def test_two_inputs_are_said_to_be():
    rows = batch_of(batch((np.zeros((5, 2)), np.ones(5))))

    assert (rows.shapes, rows.targets) == ("(5, 2), (5,)", None)


def test_frames_and_lists_of_numbers_are_arrays():
    rows = batch_of((pl.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), [0, 1]))

    assert rows.inputs.array.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert rows.targets.array.tolist() == [0, 1]
    assert batch_of(pl.DataFrame({"a": [1.0, 2.0]})).shapes == "(2, 1)"
    assert batch_of((pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([0, 1]))).targets.array.tolist() == [0, 1]


def test_an_array_alone_has_no_targets():
    assert batch_of(np.zeros((5, 2))).targets is None


@pytest.mark.parametrize("data", [(1, 2, 3), [], None, {"a": "text"}, np.zeros((0, 3)), iter(())])
def test_what_holds_no_rows_is_refused(data: object):
    with pytest.raises(UsageError):
        batch_of(data)


def test_rows_are_taken_of_every_array_that_has_a_place_for_each():
    rows = batch({"x": np.arange(6).reshape(3, 2), "edges": np.arange(4), "name": "graph"}, np.array([7, 8, 9]))

    some = rows.take([2, 0])

    assert some.inputs["x"].array.tolist() == [[4, 5], [0, 1]]
    assert some.inputs["edges"].array.tolist() == [0, 1, 2, 3]
    assert (some.inputs["name"], some.targets.array.tolist(), some.rows) == ("graph", [9, 7], 2)


def test_a_batch_keeps_its_numbers_when_the_persons_change():
    mine = np.zeros((2, 2))
    rows = batch(mine)
    mine += 1

    assert not rows.inputs.array.any()


def test_named_tuples_keep_their_kind():
    tree = mapped(Pair(Leaf(np.ones(2)), [Leaf(np.zeros(2)), "x"]), lambda leaf: leaf.array.sum())

    assert tree == Pair(2.0, [0.0, "x"])
    assert [name for name, _ in leaves(Pair(np.ones(2), [np.zeros(2), "x"]))] == ["left", "right.0"]


def test_chance_goes_on_as_if_nothing_had_been_drawn():
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002  # the global one is what is asked about
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002

    with kept(1):
        drawn = random.random(), np.random.random()  # noqa: NPY002
    with kept(1):
        again = random.random(), np.random.random()  # noqa: NPY002

    assert drawn == again
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


def test_chance_is_put_back_after_an_error():
    random.seed(3)
    expected = random.random()
    random.seed(3)

    with pytest.raises(ValueError, match="empty range"), kept(1):
        random.randint(1, int(random.random()))

    assert random.random() == expected


def test_apart_goes_by_the_largest_number():
    one, other = np.array([1000.0, 0.001, np.nan, np.inf]), np.array([1000.0, 0.002, np.nan, np.inf])

    # 0.001 is a millionth of the largest: within 1e-4 of it, not within 1e-7.
    assert apart(one, other, share=1e-4).tolist() == [False, False, False, False]
    assert apart(one, other, share=1e-7).tolist() == [False, True, False, False]
    assert apart(np.array([1.0]), np.array([np.nan]), share=1e-4).tolist() == [True]


def test_an_unknown_type_is_judged_as_single_precision():
    assert closeness("float32") == closeness("int64") == 1e-4


def test_what_is_no_network_is_refused():
    with pytest.raises(UsageError, match=r"builtins\.int is no network; give a torch\.nn\.Module"):
        network(3)
    with pytest.raises(UsageError, match=r"int cannot be called"):
        network(3, params={})
    with pytest.raises(UsageError, match=r"a network has no 'classe'"):
        network(abs, params=1.0, classe=3)
    with pytest.raises(UsageError, match=r"classes is 1"):
        network(abs, params=1.0, classes=1)


def test_every_contract_of_networks_says_what_it_is():
    for name, judge in NETWORK_CONTRACTS.items():
        told = judge.contract
        assert (told.name, told.about) == (name, "network")
        assert told.title
        assert told.catches
        assert set(told.rubric) <= {"I1", "I2", "O5"}
        assert ">>>" in (judge.__doc__ or "")


def test_an_unknown_contract_is_named():
    with pytest.raises(UsageError, match=r"there is no contract 'overfit'; did you mean 'overfits'"):
        run_contracts(NETWORK_CONTRACTS, network(abs, params=1.0), Batch(None, None, 1), only=["overfit"])
