"""Contracts of torch networks: right ones keep all of them, and each mistake breaks the contract that is about it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

# The tables below are made of it. Where it is missing and CI is set, the page of networks fails: test_page.py.
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from assay.errors import UsageError  # noqa: E402
from assay.testing.contract import Judgement, run_contracts  # noqa: E402
from assay.testing.explaining import explained  # noqa: E402
from assay.testing.networks.answers import (  # noqa: E402
    any_batch_size,
    batch_kept,
    finite_at_edges,
    forward_runs,
    looks_back_only,
    output_as_declared,
    rows_apart,
)
from assay.testing.networks.learning import (  # noqa: E402
    gradients_reach,
    initial_loss,
    loss_falls,
    optimizer_moves_all,
    overfits,
    parameters_registered,
)
from assay.testing.networks.modes import modes_agree, repeatable, restores  # noqa: E402
from assay.testing.networks.network import Network, network  # noqa: E402
from assay.testing.networks.table import NETWORK_CONTRACTS  # noqa: E402
from assay.verdict import Verdict  # noqa: E402
from testing.networks import zoo  # noqa: E402
from testing.networks.zoo import CLASSES, LABELS, SERIES, TOKENS, VALUES, made, mlp, table, wrong  # noqa: E402

pytestmark = pytest.mark.real_part("torch")

BATCH = (table(), LABELS)
OWN = np.random.default_rng(0)  # a generator that no seed reaches


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", zoo.AS_IT_SHOULD_BE)
def test_a_network_as_it_should_be_breaks_no_contract(name: str):
    declare, data = zoo.AS_IT_SHOULD_BE[name]

    outcomes = run_contracts(NETWORK_CONTRACTS, declare(), data)

    told = [explained(o) for o in outcomes if o.verdict not in (Verdict.PASS, Verdict.SKIP, Verdict.INCONCLUSIVE)]
    assert not told, "\n\n".join(told)
    unsure = {o.check for o in outcomes if o.verdict is Verdict.INCONCLUSIVE}
    assert unsure <= ({"finite_at_edges"} if name in ("transformer", "tied") else set())
    assert sum(o.verdict is Verdict.PASS for o in outcomes) >= 6


class Mixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.embed(tokens).sum(dim=1) + self.embed(tokens).sum(dim=(0, 1))


class Unit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x / x.pow(2).sum(dim=1, keepdim=True).sqrt())


class Rooted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x).abs().sqrt()


class Exponential(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        e = self.last(x * 10).exp()
        return e / e.sum(dim=1, keepdim=True)


class Steps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x).argmax(dim=1).float()


class Bare(nn.Module):
    """Layers in a list, without dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.last = [nn.Linear(4, 16)], nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layers[0](x))


class Skipping(nn.Module):
    """A loader that is not strict, and names that changed since."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x)

    def load_state_dict(self, weights: Any, strict: bool = True, assign: bool = False) -> Any:
        return super().load_state_dict({f"model.{k}": v for k, v in weights.items()}, strict=False)


def trained() -> Network:
    module = made(lambda: zoo.Wrong(lambda s, h: h))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        functional.cross_entropy(module(table()), LABELS).backward()
        optimizer.step()
    return network(module, **CLASSES)


LATER = {"loss": zoo.by_place, "time_axis": 1}
MISTAKES: dict[str, tuple[Judgement, Callable[[], Network], object, str]] = {
    "a wrong width": (
        forward_runs,
        lambda: network(made(lambda: nn.Sequential(nn.Linear(5, 3)))),
        table(),
        "Sequential raised RuntimeError: mat1 and mat2 shapes cannot be multiplied",
    ),
    "a not-a-number": (
        forward_runs,
        lambda: wrong(lambda s, h: h / (h - h)),
        BATCH,
        "24 of 24 numbers of output are NaN or infinite",
    ),
    "a transposed output": (
        forward_runs,
        lambda: wrong(lambda s, h: h, read=lambda out: out.T),
        BATCH,
        r"8 rows went in and output has the shape \(3, 8\)",
    ),
    "a wrong number of classes": (
        output_as_declared,
        lambda: wrong(lambda s, h: h, output=(None, 4)),
        BATCH,
        r"shape \(8, 3\); \(any, 4\) is",
    ),
    "another dtype": (
        output_as_declared,
        lambda: wrong(lambda s, h: h, output=(None, 3), dtype="float16"),
        BATCH,
        "output is float32; float16 is declared",
    ),
    "a missing softmax": (
        output_as_declared,
        lambda: network(made(mlp), output=(None, 3), between=(0, 1)),
        BATCH,
        r"numbers of output are outside \[0, 1\]",
    ),
    "a squeeze": (
        any_batch_size,
        lambda: network(made(zoo.Squeezed)),
        table(),
        r"of row 0 alone, output has the shape \(\) instead of \(1,\)",
    ),
    "a fixed batch size": (
        any_batch_size,
        lambda: wrong(lambda s, h: h.view(8, 16)),
        BATCH,
        "all 8 rows are answered, but row 0 alone: net raised RuntimeError",
    ),
    "a division by the number of rows": (
        any_batch_size,
        lambda: wrong(lambda s, h: h / len(h)),
        BATCH,
        "row 0 alone and all 8 rows get other",
    ),
    "centred over the batch": (
        rows_apart,
        lambda: wrong(lambda s, h: h - h.mean(dim=0)),
        BATCH,
        "the answer to row 0 changes by",
    ),
    "a softmax over the batch": (
        rows_apart,
        lambda: wrong(lambda s, h: h.softmax(dim=0)),
        BATCH,
        "the answer to row 0 changes by",
    ),
    "a faint leak": (
        rows_apart,
        lambda: wrong(lambda s, h: h + 1e-9 * h.mean(dim=0)),
        BATCH,
        "depends on row .: the derivative by it is",
    ),
    "a leak of whole numbers": (
        rows_apart,
        lambda: network(made(Mixing), name="mixing"),
        TOKENS,
        "the answer to row 0 changes by .* is replaced",
    ),
    "the previous row": (
        rows_apart,
        lambda: wrong(lambda s, h: h + 0.1 * h.roll(1, dims=0)),
        BATCH,
        "when only row 7 of the batch is replaced",
    ),
    "no mask": (
        looks_back_only,
        lambda: network(made(lambda: zoo.Causal(mask=False)), **LATER),
        TOKENS,
        "the answer at time 0 changes by",
    ),
    "a mask that is off by one": (
        looks_back_only,
        lambda: network(made(lambda: zoo.Causal(off=2)), **LATER),
        TOKENS,
        "what comes after time 0",
    ),
    "both ways": (
        looks_back_only,
        lambda: network(
            made(lambda: nn.LSTM(3, 4, batch_first=True, bidirectional=True)), time_axis=1, read=lambda o: o[0]
        ),
        SERIES,
        "the answer at time 0 changes by",
    ),
    "a division by a norm": (
        finite_at_edges,
        lambda: network(made(Unit), loss=zoo.squared),
        (table(8, 1), VALUES),
        "inputs that are all zero",
    ),
    "a root at zero": (
        finite_at_edges,
        lambda: network(made(Rooted), loss=zoo.squared),
        (table(8, 4), VALUES),
        "all zero, the gradient of first.weight is NaN or infinite",
    ),
    "an exponential": (
        finite_at_edges,
        lambda: network(made(Exponential)),
        table(),
        "100 times as large, 24 of 24|numbers of output",
    ),
    "a change in place": (
        batch_kept,
        lambda: network(made(zoo.InPlace)),
        table(),
        "32 of 32 numbers of the input are changed by a pass",
    ),
    "layers in a list": (
        parameters_registered,
        lambda: network(made(zoo.Listed)),
        table(),
        r"2 parameters are in plain .* layers\[0\].weight",
    ),
    "great logits": (initial_loss, lambda: wrong(lambda s, h: 100 * h), BATCH, "a guess among 3 classes has 1.099"),
    "a network that is trained": (initial_loss, trained, BATCH, "begins at 0.0.*a guess among 3 classes"),
    "a spare layer": (
        gradients_reach,
        lambda: network(made(zoo.Spare), **CLASSES),
        BATCH,
        "2 of 4 trainable parameters: spare.weight, spare.bias",
    ),
    "detached": (
        gradients_reach,
        lambda: wrong(lambda s, h: h.detach()),
        BATCH,
        "no gradient reaches 2 of 4 .*: first.weight, first.bias",
    ),
    "dead units": (
        gradients_reach,
        lambda: wrong(lambda s, h: torch.relu(h - 9)),
        BATCH,
        "first.weight, first.bias, last.weight",
    ),
    "a backward pass of NaN": (
        gradients_reach,
        lambda: wrong(lambda s, h: torch.where(h > 9, (h - 99).sqrt(), h)),
        BATCH,
        "of 2 of 4 trainable parameters is NaN",
    ),
    "an argmax": (loss_falls, lambda: network(made(Steps), loss=zoo.squared), (table(), VALUES), "the loss stays"),
    "a step uphill": (
        loss_falls,
        lambda: wrong(lambda s, h: h, step=zoo.downhill),
        BATCH,
        "one step of its own: the loss goes from",
    ),
    "too great a rate": (
        loss_falls,
        lambda: wrong(lambda s, h: h, optimizer=lambda p: torch.optim.SGD(p, lr=1e4)),
        BATCH,
        "one step of its own: the loss goes",
    ),
    "an optimizer of one layer": (
        optimizer_moves_all,
        lambda: wrong(lambda s, h: h, optimizer=lambda p: torch.optim.SGD(list(p)[2:], lr=0.1)),
        BATCH,
        "in 3 steps 2 of 4 parameters with a gradient do not move: first.weight, first.bias",
    ),
    "targets of other rows": (
        overfits,
        lambda: wrong(lambda s, h: h * 0),
        BATCH,
        "300 steps on 2 rows brought the loss from",
    ),
    "functional dropout": (
        modes_agree,
        lambda: wrong(lambda s, h: functional.dropout(h, 0.5)),
        BATCH,
        "two passes in evaluation, on the same 8 rows",
    ),
    "dropout in a list": (
        modes_agree,
        lambda: network(made(zoo.Listed)),
        table(),
        "two passes in evaluation, on the same 8 rows",
    ),
    "statistics that move in evaluation": (
        modes_agree,
        lambda: network(made(lambda: zoo.Counting(always=True))),
        table(),
        "a pass in evaluation changes 1 of its arrays: mean",
    ),
    "an undeclared mode": (
        modes_agree,
        lambda: wrong(lambda s, h: 2 * h if s.training else h),
        BATCH,
        "with 0 layers .* held in evaluation, the mode of the whole module still changes output",
    ),
    "chance that no seed reaches": (
        repeatable,
        lambda: wrong(lambda s, h: h * float(OWN.normal())),
        BATCH,
        "under the seed 0 give other numbers",
    ),
    "an attribute that no checkpoint holds": (
        restores,
        lambda: network(made(lambda: zoo.Counting(always=False)), **CLASSES),
        BATCH,
        "answers with other numbers for output",
    ),
    "a list that no checkpoint holds": (
        restores,
        lambda: network(made(Bare), **CLASSES),
        BATCH,
        "answers with other numbers",
    ),
    "a loader that skips": (
        restores,
        lambda: network(made(Skipping), **CLASSES),
        BATCH,
        "answers with other numbers for output",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_breaks_the_contract_that_is_about_it(name: str):
    judge, declare, data, said = MISTAKES[name]

    outcome = judge(declare(), data)

    assert outcome.verdict is (Verdict.ERROR if name == "a wrong width" else Verdict.FAIL), explained(outcome)
    assert re.search(said, outcome.why), outcome.why


def test_every_contract_of_torch_is_shown_to_bite():
    assert {judge.contract.name for judge, *_ in MISTAKES.values()} == set(NETWORK_CONTRACTS) - {"compiles"}


def test_a_persons_module_and_chance_are_left_as_they_were():
    module = made(mlp)
    module[4].weight.grad = torch.ones_like(module[4].weight)
    module.train()
    module[1].eval()
    before, modes = copy.deepcopy(module.state_dict()), [part.training for part in module.modules()]
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002  # the global one is what is asked about
    chance = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    x = table()

    run_contracts(
        NETWORK_CONTRACTS,
        network(module, optimizer=torch.optim.SGD, **CLASSES),
        (x, LABELS),
        but=["optimizer_moves_all"],
    )

    assert all(torch.equal(before[name], now) for name, now in module.state_dict().items())
    assert modes == [part.training for part in module.modules()]
    assert torch.equal(module[4].weight.grad, torch.ones_like(module[4].weight))
    assert module[0].weight.grad is None
    assert torch.equal(chance[0], torch.get_rng_state())
    assert chance[1] == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert torch.equal(x, table())


def test_a_low_rank_adapter_is_reached_at_the_second_step():
    subject = network(made(zoo.Adapter), loss=functional.mse_loss)
    data = (table(), table(8, 3))

    assert gradients_reach(subject, data).why == "a finite gradient reaches all 2 trainable parameters (2 frozen)"
    assert gradients_reach(subject, data, steps=1).why == "no gradient reaches 1 of 2 trainable parameters: down.weight"


def test_a_spare_layer_may_be_set_apart_by_its_name():
    subject = network(made(zoo.Spare), but="spare.*", **CLASSES)

    assert (
        gradients_reach(subject, BATCH).why
        == "a finite gradient reaches all 2 trainable parameters (2 set apart by but=)"
    )


def test_a_pattern_that_fits_no_parameter_is_refused():
    with pytest.raises(UsageError, match=r"but= names 'spar', which fits no trainable parameter"):
        gradients_reach(network(made(zoo.Spare), **CLASSES), BATCH, but=["spar"])


def test_a_mode_that_is_declared_may_change_the_answer():
    subject = wrong(lambda s, h: 2 * h if s.training else h, modes=("",))

    assert modes_agree(subject, BATCH).verdict is Verdict.PASS


def test_a_frozen_network_has_no_gradient_to_judge():
    outcome = gradients_reach(network(made(lambda: nn.Linear(4, 3).requires_grad_(False)), **CLASSES), BATCH)

    assert (outcome.verdict, outcome.why) == (Verdict.INCONCLUSIVE, "no parameter is trainable: 2 are frozen")


def test_one_row_says_nothing_of_a_batch():
    assert rows_apart(wrong(lambda s, h: h), (table(1), LABELS[:1])).verdict is Verdict.INCONCLUSIVE
    assert any_batch_size(wrong(lambda s, h: h), (table(1), LABELS[:1])).verdict is Verdict.INCONCLUSIVE


def test_a_loss_that_is_zero_already_is_undecided():
    subject = network(made(lambda: nn.Linear(4, 1)), loss=lambda y, _: (y - y.detach()).pow(2).mean())

    assert loss_falls(subject, (table(), VALUES)).verdict is Verdict.INCONCLUSIVE
    assert overfits(subject, (table(), VALUES)).verdict is Verdict.INCONCLUSIVE


def test_rows_that_contradict_each_other_are_not_asked_to_be_learned():
    x = torch.cat([table(4), table(4)])

    outcome = overfits(
        network(made(lambda: nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))), loss=zoo.squared),
        (x, VALUES),
        rows=8,
    )

    assert outcome.verdict is Verdict.PASS
    assert outcome.why.startswith("4 rows were learned in")


def test_rows_of_one_class_are_not_learned_by_a_constant():
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1])

    outcome = overfits(wrong(lambda s, h: h * 0), (table(), labels))

    assert outcome.verdict is Verdict.FAIL
    assert outcome.why.startswith("300 steps on 2 rows brought the loss from")


def test_a_loss_of_many_numbers_is_refused():
    subject = network(made(lambda: nn.Linear(4, 3)), loss=lambda y, t: functional.cross_entropy(y, t, reduction="none"))

    with pytest.raises(UsageError, match=r"the loss of Linear is \(8,\), not one number; reduce it to its mean"):
        loss_falls(subject, BATCH)


def test_a_module_that_cannot_be_copied_is_built():
    class Held(nn.Linear):
        def __deepcopy__(self, memo: object) -> None:
            raise TypeError("it holds a lock")

    def build() -> nn.Module:
        return Held(4, 3)

    module = made(build)

    with pytest.raises(UsageError, match=r"cannot be copied: TypeError: it holds a lock; declare build="):
        forward_runs(network(module), table())
    assert forward_runs(network(module, build=build), table()).verdict is Verdict.PASS


def test_a_lazy_module_says_what_to_do():
    with pytest.raises(UsageError, match=r"is lazy: its shapes are not known yet; pass one batch through it first"):
        forward_runs(network(nn.LazyLinear(3)), table())


def test_dropout_of_another_package_is_known_by_its_name():
    class DropPath(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * (torch.rand(len(x), 1) > 0.5) if self.training else x

    subject = network(made(lambda: nn.Sequential(nn.Linear(4, 3), DropPath())), **CLASSES)

    assert modes_agree(subject, BATCH).verdict is Verdict.PASS
    assert overfits(subject, BATCH).verdict is Verdict.PASS


def test_a_checkpoint_that_torch_does_not_trust_cannot_be_restored():
    class Extra(nn.Linear):
        def get_extra_state(self) -> object:
            return network  # code, which a checkpoint of weights alone may not hold

        def set_extra_state(self, state: object) -> None:
            """Take it."""

    outcome = restores(network(made(lambda: Extra(4, 3)), name="extra"), table())

    assert outcome.verdict is Verdict.FAIL
    assert outcome.why.startswith("it cannot be restored: torch.load(weights_only=True) raised UnpicklingError")


def test_an_unlabelled_batch_says_that_the_loss_has_no_targets():
    outcome = loss_falls(network(made(mlp), **CLASSES), table())

    assert outcome.verdict is Verdict.ERROR
    assert "the loss of Sequential raised TypeError" in outcome.why


def test_a_loader_gives_its_first_batch_and_leaves_chance_alone():
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(table(), LABELS), batch_size=4, shuffle=True)
    chance = torch.get_rng_state()

    outcome = loss_falls(network(made(mlp), **CLASSES), loader)

    assert outcome.verdict is Verdict.PASS
    assert "the loss of 4 rows" in outcome.why
    assert torch.equal(chance, torch.get_rng_state())


def test_half_precision_is_judged_to_its_own_precision():
    subject = network(made(lambda: nn.Linear(64, 3)).bfloat16(), output=(None, 3), dtype="bfloat16")

    outcomes = run_contracts(NETWORK_CONTRACTS, subject, table(8, 64).bfloat16())

    assert not [explained(o) for o in outcomes if o.verdict in (Verdict.FAIL, Verdict.ERROR)]


def test_a_message_names_the_layer_and_shows_a_table():
    outcome = gradients_reach(network(made(zoo.Spare), name="net", **CLASSES), BATCH)

    assert explained(outcome) == (
        "FAIL gradients_reach of net: no gradient reaches 2 of 4 trainable parameters: spare.weight, spare.bias\n"
        "  expected: a finite gradient reaches every trainable parameter\n\n"
        "     parameter   shape  gradient\n"
        "  spare.weight  (3, 4)      none\n"
        "    spare.bias    (3,)      none\n\n"
        "  is the layer used by forward, and nothing detached behind it? where it should not learn, freeze it or name it in but="
    )


# Steps and targets ---------------------------------------------------------------------------------------------------------


def _step(*, first: bool, last: bool) -> Callable[[Any, Any, Any], None]:
    def step(module: Any, inputs: Any, targets: Any) -> None:
        optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
        if first:
            optimizer.zero_grad()
        functional.cross_entropy(module(inputs), targets).backward()
        optimizer.step()
        if last:
            optimizer.zero_grad()

    return step


@pytest.mark.parametrize(("first", "last"), [(True, False), (False, True)])
def test_a_step_may_clear_its_gradients_before_or_after(first: bool, last: bool):
    net = network(made(lambda: nn.Linear(4, 3)), loss=functional.cross_entropy, step=_step(first=first, last=last))

    assert repeatable(net, BATCH)


def test_a_step_without_zero_grad_is_seen():
    net = network(made(lambda: nn.Linear(4, 3)), loss=functional.cross_entropy, step=_step(first=False, last=False))

    seen = repeatable(net, BATCH)

    assert seen.verdict is Verdict.FAIL
    assert seen.why == "after 3 steps, 2 of 2 arrays differ where gradients are cleared between the steps: weight, bias"
    assert "zero_grad()" in seen.note


def test_targets_that_are_spread_over_all_outputs_are_seen():
    def spread(output: Any, target: Any) -> Any:
        return ((output - target) ** 2).mean()  # (n, 1) less (n,): all pairs

    seen = overfits(network(made(lambda: nn.Linear(4, 1)), loss=spread), (table(), VALUES))

    assert seen.verdict is Verdict.FAIL
    assert "no target belongs to a row (the output is (2, 1), the targets are (2,))" in seen.why
    assert overfits(network(made(lambda: nn.Linear(4, 1)), loss=zoo.squared), (table(), VALUES))


def test_codes_in_a_column_of_numbers_are_left_as_they_are_at_the_edges():
    class Codes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.known, self.last = nn.Embedding(3, 4), nn.Linear(7, 3)

        def forward(self, x: Any) -> Any:
            return self.last(torch.cat([self.known(x[:, 0].long()), x[:, 1:]], dim=1))

    rows = torch.cat([LABELS.float().unsqueeze(1), table()[:, :3]], dim=1)
    net = network(made(Codes), loss=functional.cross_entropy)

    assert finite_at_edges(net, (rows, LABELS))
    assert rows_apart(net, (rows, LABELS))


def test_a_loss_that_is_nan_is_not_learned():
    seen = overfits(
        network(made(lambda: nn.Linear(4, 1)), loss=lambda out, y: (out * torch.nan).mean()), (table(), VALUES)
    )

    assert seen.why == "the loss of 2 rows is nan before any step"


@pytest.mark.parametrize(
    ("declared", "said"),
    [({"classes": "two"}, "classes is 'two'; give how many"), ({"output": 3}, "output is 3; give its shape")],
)
def test_a_declaration_of_a_network_that_cannot_be_read_is_refused(declared: dict[str, Any], said: str):
    with pytest.raises(UsageError) as refused:
        network(nn.Linear(4, 3), **declared)

    assert said in str(refused.value)
