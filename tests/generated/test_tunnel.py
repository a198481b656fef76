"""The tunnel channel has no C vectors any more: its layouts by hand, byte for byte."""

from typing import Any

import pytest

from redspice_protocol import CHANNELS, WireError, from_builtins, to_builtins

TUNNEL = CHANNELS["tunnel"]
IPP = 2
IPV4 = {"type": 1, "ipv4": bytes([10, 0, 2, 15])}

#: side, message, fields, body
CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("server", "init", {"max_num_of_sockets": 32, "max_socket_data_size": 2048}, "2000 00080000"),
    (
        "server",
        "service_ip_map",
        {"service_id": 7, "virtual_ip": IPV4},
        "07000000 0100 0a00020f",
    ),
    (
        "server",
        "socket_open",
        {"connection_id": 3, "service_id": 7, "tokens": 10},
        "0300 07000000 0a000000",
    ),
    ("server", "socket_fin", {"connection_id": 3}, "0300"),
    ("server", "socket_close", {"connection_id": 3}, "0300"),
    ("server", "socket_data", {"connection_id": 3, "data": b"print"}, "0300 7072696e74"),
    ("server", "socket_closed_ack", {"connection_id": 3}, "0300"),
    ("server", "socket_token", {"connection_id": 3, "num_tokens": 5}, "0300 05000000"),
    (
        "client",
        "service_add",
        {"type": 1, "id": 7, "group": 1, "port": 80, "name": b"web", "description": b"a site"},
        "0100 07000000 01000000 50000000 16000000 1a000000 77656200 61207369746500",
    ),
    (
        "client",
        "service_add",
        {"type": IPP, "id": 8, "group": 1, "port": 631, "name": b"lp", "description": b""}
        | {"ip": IPV4},
        "0200 08000000 01000000 77020000 1c000000 1f000000 0100 0a00020f 6c7000 00",
    ),
    ("client", "service_remove", {"id": 7}, "07000000"),
    ("client", "socket_open_ack", {"connection_id": 3, "tokens": 10}, "0300 0a000000"),
    ("client", "socket_open_nack", {"connection_id": 3}, "0300"),
    ("client", "socket_fin", {"connection_id": 3}, "0300"),
    ("client", "socket_closed", {"connection_id": 3}, "0300"),
    ("client", "socket_closed_ack", {"connection_id": 3}, "0300"),
    ("client", "socket_data", {"connection_id": 3, "data": b"ok"}, "0300 6f6b"),
    ("client", "socket_token", {"connection_id": 3, "num_tokens": 1}, "0300 01000000"),
]


@pytest.mark.parametrize(("side", "name", "fields", "body"), CASES)
def test_layout(side: str, name: str, fields: dict[str, Any], body: str) -> None:
    message = getattr(TUNNEL, side).by_name[name]
    wire = bytes.fromhex(body)
    decoded = message.demarshal(wire)
    assert to_builtins(decoded) == fields
    assert message.marshal(decoded) == wire
    assert message.marshal(from_builtins(message, fields)) == wire


def test_every_message_has_a_case() -> None:
    assert {(side, name) for side, name, *_ in CASES} == {
        (side, m.name) for side in ("server", "client") for m in getattr(TUNNEL, side)
    }


def test_a_name_without_its_nul_is_refused() -> None:
    body = bytes.fromhex(CASES[8][3])[:-1]
    with pytest.raises(WireError, match=r"tunnel\.service_add\.description: has no NUL"):
        TUNNEL.client.by_name["service_add"].demarshal(body)
