"""A service that answers requests with predictions, in this process or behind a URL, and what is declared of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from assay.errors import UsageError, nearest
from assay.evaluation.models.options import EndpointOptions

__all__ = ["Output", "Protocol", "Service", "Way", "service"]

Protocol: TypeAlias = Literal["v2", "mlflow", "json"]
Way: TypeAlias = Literal["url", "asgi", "wsgi", "function"]
Output: TypeAlias = Literal["", "probability", "label", "value"]
ROUTES = {"v2": "/v2/models/model", "mlflow": "/invocations", "json": "/predict"}


@dataclass(frozen=True)
class Service:
    """What answers requests. Make one with `service`.

    - `handler`: a URL, an ASGI or WSGI application, or a function of a request's body (parsed JSON) that returns the answer's body,
      or a pair of status and body. Where a function raises an error, the status is the error's own (`status_code`, `code`), else 500.
    - `way`: which of these it is. `route`: the path that an application answers at. `protocol`: v2, mlflow or json; `request`, `prediction`
      and `scores` are those of `EndpointOptions`, for json.
    - `output`: what an answer is: a probability (in [0, 1]), a label (one of `classes`), a value (a finite number). `rtol`: how far
      an answer may be from the model's own.
    - `but`: the faulty requests that it may take: their names in `assay.testing.pipelines.serving.FAULTY`.
    """

    handler: str | Callable[..., Any]
    way: Way
    protocol: Protocol
    route: str
    options: EndpointOptions = field(default_factory=EndpointOptions)
    output: Output = ""
    classes: tuple[Hashable, ...] = ()
    rtol: float = 1e-5
    but: tuple[str, ...] = ()


def service(
    handler: str | Callable[..., Any], *, protocol: Protocol | Literal[""] = "", route: str = "", output: Output = "",
    classes: Sequence[Hashable] = (), options: EndpointOptions | Mapping[str, object] | None = None, but: Sequence[str] = (),
) -> Service:  # fmt: skip
    """Declare a service. `Service` says what each argument is; `options` are `EndpointOptions`, or a mapping of some of them.

    The protocol of a URL is read off it, that of an application off its route, where it is not told.

    Raises UsageError where an argument is none of those that are known.

    >>> told = service(lambda body: {"predictions": [0.5 for _ in body["instances"]]}, output="probability")
    >>> told.way, told.protocol
    ('function', 'json')
    >>> service("http://localhost:8080/v2/models/churn").protocol
    'v2'
    """
    if not (isinstance(handler, str) or callable(handler)):
        raise UsageError(
            f"{handler!r} answers no requests", hint="give a URL, an application, or a function of the body"
        )
    if isinstance(handler, str) and not handler.lower().startswith(("http://", "https://")):
        raise UsageError(f"{handler!r} is no URL", hint="it begins with http:// or https://")
    told = options if isinstance(options, EndpointOptions) else _options(options or {})
    way = _way(handler)
    read = _protocol(handler if isinstance(handler, str) else route)
    named = protocol or told.protocol or read
    for what, value, known in (("protocol", named, get_args(Protocol)), ("output", output, get_args(Output))):
        if value not in known:
            raise UsageError(f"{what} is {value!r}", hint=nearest(value, [name for name in known if name]))
    return Service(
        handler, way, named, route or ROUTES[named], options=msgspec.structs.replace(told, retries=0), output=output,
        classes=tuple(classes), but=tuple(but),
    )  # fmt: skip


def _options(told: Mapping[str, object]) -> EndpointOptions:
    known = EndpointOptions.__struct_fields__
    for name in told:
        if name not in known:
            raise UsageError(f"options of a service have no {name!r}", hint=nearest(name, known))
    return msgspec.convert(dict(told), EndpointOptions)


def _protocol(path: str) -> Protocol:
    plain = path.partition("?")[0].rstrip("/")
    return "v2" if "/v2/models/" in plain else "mlflow" if plain.endswith("/invocations") else "json"


def _way(handler: str | Callable[..., Any]) -> Way:
    """Return how a handler is called: by its number of arguments, as the two interfaces of applications have them."""
    if isinstance(handler, str):
        return "url"
    try:
        taken = [
            p for p in inspect.signature(handler).parameters.values()
            if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]  # fmt: skip
    except (TypeError, ValueError):
        return "function"
    called = handler if inspect.isroutine(handler) else type(handler).__call__
    if len(taken) == 3 and inspect.iscoroutinefunction(called):
        return "asgi"
    return "wsgi" if len(taken) == 2 else "function"
