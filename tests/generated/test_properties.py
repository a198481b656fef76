"""What holds for every message: it comes back as it went; no bytes get more than a WireError."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import redspice_protocol
from codegen.packages import imported
from codegen.specs import ROOT, resolved, spice
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


SPICE = list(messages(spice()))
IDS = [f"{channel}-{direction}-{message.name}" for channel, direction, message in SPICE]


def check_round_trip(package: ModuleType, type_: Any, values: dict[str, Any]) -> bytes:
    built = package.from_builtins(type_, values)
    body: bytes = type_.marshal(built)
    assert b"".join(type_.marshal_parts(built)) == body
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


@pytest.mark.parametrize(("channel", "direction", "message"), SPICE, ids=IDS)
def test_every_message_comes_back_as_it_went(
    channel: str, direction: str, message: model.Message
) -> None:
    type_ = message_type(redspice_protocol, channel, message)
    check_comes_back(redspice_protocol, type_, message.body)


@st.composite
def mutations(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with bytes changed, a word made extreme, cut or grown."""
    changed = bytearray(body)
    for _ in range(draw(st.integers(1, 3))):
        if len(changed) >= 4 and draw(st.booleans()):
            at = draw(st.integers(0, len(changed) - 4))
            word = draw(st.sampled_from([0, 1, len(body), 0x7FFFFFFF, 0x80000002, 0xFFFFFFFF]))
            changed[at : at + 4] = word.to_bytes(4, "little")
        elif changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(0, len(changed)))
    return bytes(changed[:end]) if draw(st.booleans()) else bytes(changed) + b"tail"


@pytest.mark.parametrize(("channel", "direction", "message"), SPICE, ids=IDS)
def test_mutated_bodies_raise_nothing_but_wire_errors(
    channel: str, direction: str, message: model.Message
) -> None:
    type_ = message_type(redspice_protocol, channel, message)

    @PROFILE
    @given(st.data())
    def mutate(data: st.DataObject) -> None:
        values = data.draw(fields(message.body))
        body = type_.marshal(redspice_protocol.from_builtins(type_, values))
        mutated = data.draw(mutations(body))
        try:
            decoded = type_.demarshal(mutated)
        except redspice_protocol.WireError as error:
            assert error.path  # noqa: PT017 - a mutation may just as well be legal
            return
        redspice_protocol.to_builtins(decoded)

    mutate()


@pytest.mark.parametrize("name", ["extra", "marshallers"])
def test_messages_of_other_specs_come_back_as_they_went(name: str, tmp_path: Path) -> None:
    text = (ROOT / "tests" / "vectors" / "specs" / f"{name}.proto").read_text(encoding="utf-8")
    package = imported(text, tmp_path, f"{name}_properties")
    for channel, _, message in messages(resolved(text)):
        check_comes_back(package, message_type(package, channel, message), message.body)
