"""Every message of a spec, and the check that it comes back from the wire as it went."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings

from generated.strategies import fields
from redspice_codegen import model

#: The same examples in every run: a failure is a failure of the change.
PROFILE = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def messages(protocol: model.Protocol) -> Iterator[tuple[str, str, model.Message]]:
    """Every message once: where it is said first."""
    seen = set()
    for channel in protocol.channels:
        for message in (*channel.channel.server, *channel.channel.client):
            key = (message.owner, message.direction, message.name)
            if key not in seen:
                seen.add(key)
                yield channel.name, message.direction, message


def message_type(package: ModuleType, channel: str, message: model.Message) -> Any:
    return getattr(package.CHANNELS[channel], message.direction).by_id[message.number]


def check_round_trip(package: ModuleType, type_: Any, values: dict[str, Any]) -> bytes:
    built = package.from_builtins(type_, values)
    body: bytes = type_.marshal(built)
    assert b"".join(type_.marshal_parts(built)) == body
    assert type_.frame(built) == struct.pack("<HI", type_.id, len(body)) + body
    decoded = type_.demarshal(body)
    assert decoded == built
    assert package.to_builtins(decoded) == values
    return body


def check_comes_back(package: ModuleType, type_: Any, body: model.Struct) -> None:
    @PROFILE
    @given(fields(body))
    def round_trip(values: dict[str, Any]) -> None:
        check_round_trip(package, type_, values)

    round_trip()
