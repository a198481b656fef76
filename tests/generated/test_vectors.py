"""Every vector of the C implementation goes through in every direction."""

from pathlib import Path

import pytest

from generated.vectors import Vector, files, read
from redspice_protocol import CHANNELS, WireError, from_builtins, to_builtins

#: Bodies up to this size are cut at every byte, larger ones at every 7th: the run stays short.
CUT_EVERYWHERE = 200


def check(vector: Vector) -> None:
    """Decode, encode, both through plain dicts, and from every truncation."""
    message = vector.type
    assert message.name == vector.name
    decoded = message.demarshal(vector.body)
    assert to_builtins(decoded) == vector.fields
    assert message.marshal(decoded) + vector.trailing == vector.body
    assert b"".join(message.marshal_parts(decoded)) + vector.trailing == vector.body
    rebuilt = from_builtins(message, vector.fields)
    assert rebuilt == decoded
    assert message.marshal(rebuilt) + vector.trailing == vector.body
    step = 1 if len(vector.body) <= CUT_EVERYWHERE else 7
    for end in range(0, len(vector.body), step):
        check_truncated(vector, end)


def check_truncated(vector: Vector, end: int) -> None:
    """A body cut short is refused with the place, or it is a whole message with less payload."""
    error = demarshal_error(vector, vector.body[:end])
    if error is not None:
        assert error.path
        assert str(error).startswith(error.path)
        assert error.offset is None or error.wanted is None or error.offset + error.wanted > end


def demarshal_error(vector: Vector, body: bytes) -> WireError | None:
    try:
        vector.type.demarshal(body)
    except WireError as error:
        return error
    return None


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name.removesuffix(".jsonl.xz"))
def test_positive_vectors_go_through_in_both_directions(path: Path) -> None:
    checked = 0
    for vector in read(path):
        try:
            check(vector)
        except AssertionError as error:
            raise AssertionError(f"{vector}\n{error}") from error
        checked += 1
    assert checked


def test_every_message_has_vectors() -> None:
    seen = {(v.channel, v.direction, v.id) for path in files() for v in read(path)}
    for channel in CHANNELS.values():
        for direction in ("server", "client"):
            for message in getattr(channel, direction):
                if channel.name != "tunnel":  # removed from the C implementation
                    assert (channel.name, direction, message.id) in seen


@pytest.mark.parametrize(
    "path", files(negative=True), ids=lambda path: path.name.removesuffix(".negative.jsonl.xz")
)
def test_malformed_bodies_get_the_verdict_of_c(path: Path) -> None:
    for vector in read(path):
        if not vector.known:
            assert vector.fields is None, f"{vector}: C knows this message"
        elif vector.fields is None:
            with pytest.raises(WireError):
                vector.type.demarshal(vector.body)
        else:
            assert to_builtins(vector.type.demarshal(vector.body)) == vector.fields, str(vector)
