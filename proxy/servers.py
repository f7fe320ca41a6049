"""The model servers: usually one; else each model name belongs to one of them, and their lists of models are one list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
import structlog

from proxy.capabilities import named_models
from proxy.checker import Checker
from proxy.concessions import Memory
from proxy.errors import Fault, Overloaded, UpstreamBroken
from proxy.grammars import Grammars
from proxy.journal import Book
from proxy.prober import Prober
from proxy.profiles import Profile, fit
from proxy.services import Services
from proxy.sessions import Sessions
from proxy.settings import Settings
from proxy.upstream import Upstream

log = structlog.get_logger()

MODELS = "/v1/models"

SECONDS = 3.0
"""How long a server that is asked whether it is there, or for its models, may take."""


class _Named(msgspec.Struct):
    """What of a request decides who gets it."""

    model: Any = None


@dataclass(frozen=True, slots=True)
class Servers:
    """The model servers, each with what is known of it.

    default  gets what belongs to no other
    others   patterns of model names, and who gets these
    """

    default: Services
    others: tuple[tuple[tuple[str, ...], Services], ...] = ()

    @property
    def all(self) -> tuple[Services, ...]:
        """Every server, the default first."""
        return (self.default, *(services for _, services in self.others))

    def of(self, model: str) -> Services:
        """Return who serves a model: the first that a pattern of matches."""
        return next((services for patterns, services in self.others if fit(patterns, model) >= 0), self.default)

    def of_body(self, raw: bytes | None) -> Services:
        """Return who gets a request, by the model that its body names; one that names none is the default's."""
        if not self.others or raw is None:
            return self.default
        try:
            model = msgspec.json.decode(raw, type=_Named).model
        except (msgspec.MsgspecError, RecursionError):
            return self.default
        return self.of(model) if isinstance(model, str) else self.default

    async def close(self) -> None:
        """Stop asking, and close all connections."""
        for services in self.all:
            await services.prober.close()
            await services.upstream.close()


def opened(settings: Settings, profiles: tuple[Profile, ...], checker: Checker, journal: Book | None) -> Servers:
    """Open what speaks to the model servers. What belongs to no server, such as the memory of conversations, they share."""
    sessions = Sessions()

    def one(settings: Settings) -> Services:
        upstream, memory, grammars = Upstream(settings), Memory(), Grammars()
        prober = Prober(upstream, profiles, memory, grammars)
        return Services(settings, profiles, upstream, checker, journal, prober, memory, grammars, sessions=sessions)

    return Servers(one(settings), tuple((each.models, one(settings.at(each))) for each in settings.server))


async def list_models(servers: Servers, headers: Mapping[str, str]) -> bytes:
    """Return the models of all servers as one list, each as its own server tells it, and only where it is asked there.

    A server that does not answer is left out, and the operator is told. Raises the first server's fault where none answers.
    """
    found = await asyncio.gather(*(_models_of(each, headers) for each in servers.all), return_exceptions=True)
    listed: list[Any] = []
    faults: list[Fault] = []
    for services, models in zip(servers.all, found, strict=True):
        if isinstance(models, Fault):
            faults.append(models)
            log.warning("no list of models", upstream=services.settings.upstream, error=models.message[:300])
        elif isinstance(models, BaseException):
            raise models
        else:
            listed += (each for each in models if servers.of(each["id"]) is services)
    if len(faults) == len(found):
        raise faults[0]
    return orjson.dumps({"object": "list", "data": listed})


async def _models_of(services: Services, headers: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    upstream = services.upstream
    try:
        async with asyncio.timeout(SECONDS), upstream.ask("GET", MODELS, None, upstream.headers(headers)) as answer:
            if answer.status != 200:
                raise await upstream.refusal(answer)
            return named_models(await upstream.body(answer, upstream.limits.event_bytes))
    except TimeoutError:
        raise Overloaded(f"the model server at {services.settings.upstream} does not list its models in time") from None
    except orjson.JSONDecodeError:
        raise UpstreamBroken(f"the model server at {services.settings.upstream} answers {MODELS} with no JSON") from None


async def check_ready(servers: Servers, headers: Mapping[str, str]) -> None:
    """Raise Overloaded unless a model server answers, and each that does has been asked what it can do.

    One of several that is away takes nothing from the models of the others. Where an orchestrator waits for this, the first
    structured request is ours: it decides the backend of the whole vLLM.
    """
    faults = [fault for fault in await asyncio.gather(*(_readiness(each, headers) for each in servers.all)) if fault]
    probing = next((fault for fault in faults if fault.code == "probing"), None)
    if probing or len(faults) == len(servers.all):
        raise probing or faults[0]


async def _readiness(services: Services, headers: Mapping[str, str]) -> Fault | None:
    upstream, prober = services.upstream, services.prober
    try:
        async with asyncio.timeout(SECONDS), upstream.ask("GET", MODELS, None, upstream.headers(headers)) as answer:
            if answer.status not in (200, 401, 403):  # 401, 403: alive, and the key is the client's to send
                what = f"the model server answers HTTP {answer.status} to {MODELS}"
                return Overloaded(what, code="upstream_not_ready")
            if prober.delays_readiness():
                return Overloaded("the model server is being asked what it can do", code="probing", retry_after=1)
    except TimeoutError:
        return Overloaded(f"the model server does not answer {MODELS}", code="upstream_not_ready")
    except Fault as fault:
        return fault
    return None
