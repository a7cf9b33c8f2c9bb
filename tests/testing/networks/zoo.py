"""Networks that are right, and networks with one mistake each, in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from assay.testing.networks.batch import batch
from assay.testing.networks.network import Network, network

ROWS = 8


def made(build: Callable[[], nn.Module]) -> nn.Module:
    """Return a module whose first weights are the same each time, without a trace in the run's own chance."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build()


def table(rows: int = ROWS, columns: int = 4) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(1))


LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
VALUES = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 0.0, 2.0, -0.5])
SERIES = torch.randn(ROWS, 6, 3, generator=torch.Generator().manual_seed(2))
TOKENS = torch.randint(0, 11, (ROWS, 6), generator=torch.Generator().manual_seed(3))


def squared(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(output.reshape(-1), target.to(output.dtype))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.SiLU(), nn.MaxPool2d(2))
        self.last = nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layers(x).flatten(1))


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module] = nn.LSTM) -> None:
        super().__init__()
        self.layers = kind(3, 16, num_layers=2, batch_first=True, dropout=0.1)
        self.last = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layers(x)[0][:, -1])


class Causal(nn.Module):
    """A transformer that looks back only; `mask` says how."""

    def __init__(self, *, mask: bool = True, off: int = 1) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.last = nn.Linear(16, 11)
        self.mask, self.off = mask, off

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        n = tokens.shape[1]
        mask = torch.ones(n, n, dtype=torch.bool).triu(self.off) if self.mask else None
        return self.last(self.layers(self.embed(tokens), mask=mask))


class Dictionary(nn.Module):
    """Several inputs by name, several outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers, self.kinds, self.last = nn.Linear(4, 8), nn.Embedding(5, 8), nn.Linear(8, 3)

    def forward(self, numbers: torch.Tensor, kinds: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = torch.tanh(self.numbers(numbers) + self.kinds(kinds))
        return {"logits": self.last(hidden), "hidden": hidden}


class Adapter(nn.Module):
    """A frozen layer with a low-rank adapter, whose second factor starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Linear(4, 3).requires_grad_(False)
        self.down, self.up = nn.Linear(4, 2, bias=False), nn.Linear(2, 3, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.frozen(x) + self.up(self.down(x))


class Residual(nn.Module):
    """A block whose last normalisation starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.block, self.norm, self.last = (
            nn.Linear(4, 8),
            nn.Linear(8, 8),
            nn.LayerNorm(8),
            nn.Linear(8, 3),
        )
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(x + functional.dropout(self.norm(functional.gelu(self.block(x))), 0.0, training=self.training))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.last = nn.Linear(16, 11, bias=False)
        self.last.weight = self.embed.weight
        self.register_buffer("scale", torch.tensor(0.25), persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.embed(tokens).cumsum(dim=1) * self.scale))


def by_place(output: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(output.flatten(0, 1), tokens.flatten())


CLASSES: dict[str, Any] = {"loss": functional.cross_entropy, "classes": 3}
AS_IT_SHOULD_BE: dict[str, tuple[Callable[[], Network], object]] = {
    "perceptron": (lambda: network(made(mlp), output=(None, 3), dtype="float32", **CLASSES), (table(), LABELS)),
    "linear": (lambda: network(made(lambda: nn.Linear(4, 1)), output=(None, 1), loss=squared), (table(), VALUES)),
    "double": (
        lambda: network(made(mlp).double(), dtype="float64", output=(None, 3), **CLASSES),
        (table().numpy(), LABELS.numpy()),
    ),
    "convolutions": (lambda: network(made(Convolutions), **CLASSES), (table(ROWS, 64).reshape(ROWS, 1, 8, 8), LABELS)),
    "lstm": (lambda: network(made(Recurrent), **CLASSES), (SERIES, LABELS)),
    "gru": (lambda: network(made(lambda: Recurrent(nn.GRU)), **CLASSES), (SERIES, LABELS)),
    "transformer": (lambda: network(made(Causal), loss=by_place, time_axis=1, classes=11), (TOKENS, TOKENS)),
    "dictionary": (
        lambda: network(made(Dictionary), loss=lambda out, y: functional.cross_entropy(out["logits"], y), classes=3),
        ({"numbers": table(), "kinds": TOKENS[:, 0] % 5}, LABELS),
    ),
    "adapter": (lambda: network(made(Adapter), loss=functional.mse_loss), (table(), table(ROWS, 3) * 0.1)),
    "residual": (lambda: network(made(Residual), build=lambda: made(Residual), **CLASSES), (table(), LABELS)),
    "tied": (lambda: network(made(Tied), loss=by_place, time_axis=1), (TOKENS, TOKENS)),
    "sigmoid": (
        lambda: network(
            made(lambda: nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid())),
            output=(None, 1),
            between=(0, 1),
            classes=2,
            loss=lambda p, y: functional.binary_cross_entropy(p[:, 0], y),
        ),
        (table(), (LABELS > 0).float()),
    ),
    "two inputs": (
        lambda: network(made(lambda: nn.Bilinear(4, 4, 3)), **CLASSES),
        batch((table(), table().flip(0)), LABELS),
    ),
    "unlabelled": (
        lambda: network(made(lambda: nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 4)))),
        table(),
    ),
    "with its own optimizer": (
        lambda: network(made(mlp), optimizer=lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), **CLASSES),
        (table(), LABELS),
    ),
}


# One mistake each -----------------------------------------------------------------------------------------------------


class Wrong(nn.Module):
    """Two layers, between which a mistake is made: `between(self, hidden)`."""

    def __init__(self, between: Callable[[Any, torch.Tensor], torch.Tensor], outputs: int = 3) -> None:
        super().__init__()
        self.first, self.last, self.between = nn.Linear(4, 16), nn.Linear(16, outputs), between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.between(self, torch.tanh(self.first(x))))


class Listed(nn.Module):
    """Layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(4, 16), nn.Dropout(0.5)]
        self.last = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


class Counting(nn.Module):
    """A running mean that is a plain attribute, and moves in evaluation too where `always`."""

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.last, self.always = nn.Linear(4, 3), always
        self.mean = torch.zeros(4)
        if always:
            del self.mean
            self.register_buffer("mean", torch.zeros(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training or self.always:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(dim=0)
        return self.last(x - self.mean)


class Spare(nn.Module):
    """A layer that forward does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.spare = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x)


class Squeezed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x).squeeze()


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x += 1
        return self.last(x)


def wrong(between: Callable[[Any, torch.Tensor], torch.Tensor], **declared: Any) -> Network:
    return network(made(lambda: Wrong(between)), name="net", **{**CLASSES, **declared})


def _nth(holder: Any, hidden: torch.Tensor) -> torch.Tensor:
    holder.calls = getattr(holder, "calls", 0) + 1
    return hidden * (1 + 0.1 * holder.calls)


def downhill(module: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """Make a step up: the sign is wrong."""
    loss = functional.cross_entropy(module(x), y)
    gradients = torch.autograd.grad(loss, list(module.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(module.parameters(), gradients, strict=True):
            parameter += 0.1 * gradient
