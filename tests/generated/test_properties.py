"""What holds for every message: it comes back as it went; no bytes get more than a WireError."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import redspice_protocol
from codegen.packages import imported
from codegen.specs import ROOT, resolved, spice
from generated.round_trip import PROFILE, check_comes_back, message_type, messages
from generated.strategies import fields
from generated.vectors import refusal
from redspice_codegen import model

SPICE = list(messages(spice()))
IDS = [f"{channel}-{direction}-{message.name}" for channel, direction, message in SPICE]


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
        error = refusal(redspice_protocol, type_, mutated)
        assert error is None or error.path
        if error is None:
            redspice_protocol.to_builtins(type_.demarshal(mutated))

    mutate()


@pytest.mark.parametrize("name", ["extra", "marshallers"])
def test_messages_of_other_specs_come_back_as_they_went(name: str, tmp_path: Path) -> None:
    text = (ROOT / "tests" / "vectors" / "specs" / f"{name}.proto").read_text(encoding="utf-8")
    package = imported(text, tmp_path, f"{name}_properties")
    for channel, _, message in messages(resolved(text)):
        check_comes_back(package, message_type(package, channel, message), message.body)
