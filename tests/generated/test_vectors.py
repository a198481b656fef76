"""Every vector of the C implementation goes through in every direction."""

from pathlib import Path

import redspice_protocol
from generated.vectors import check, check_negative, files, read
from redspice_protocol import CHANNELS


def test_positive_vectors_go_through_in_both_directions(positive_file: Path) -> None:
    vectors = list(read(positive_file))
    assert vectors
    for vector in vectors:
        check(vector, redspice_protocol)


def test_malformed_bodies_get_the_verdict_of_c(negative_file: Path) -> None:
    vectors = list(read(negative_file))
    assert vectors
    for vector in vectors:
        check_negative(vector, redspice_protocol)


def test_every_message_has_vectors() -> None:
    seen = {(v.channel, v.direction, v.id) for path in files() for v in read(path)}
    for channel in CHANNELS.values():
        for direction in ("server", "client"):
            for message in getattr(channel, direction):
                if channel.name != "tunnel":  # removed from the C implementation
                    assert (channel.name, direction, message.id) in seen
