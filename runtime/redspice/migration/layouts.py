"""How what a channel hands over to another server is laid out (little endian, packed).

    magic, 4 bytes; version u32; a fixed part; what the fixed part points to

Pointers count from the magic; a pointer to nothing is 0. All of it goes through the viewer, which
does not look at it. `data` has the same as Python values.
"""

from __future__ import annotations

from construct import Array, Bytes, Int8ul, Int16ul, Int32sl, Int32ul, Int64sl, Int64ul, Struct

HEADER = Struct("magic" / Bytes(4), "version" / Int32ul)

# A part of what the agent, smart cards and the spicevmc channels hand over.
CHAR_DEVICE = Struct(
    "version" / Int32ul,
    "connected" / Int8ul,
    "num_client_tokens" / Int32ul,
    "num_send_tokens" / Int32ul,
    "write_size" / Int32ul,
    "write_num_client_tokens" / Int32ul,
    "write_data_ptr" / Int32ul,
)

SPICEVMC = Struct("base" / CHAR_DEVICE)

SMARTCARD = Struct(
    "base" / CHAR_DEVICE,
    "reader_added" / Int8ul,
    "read_size" / Int32ul,
    "read_data_ptr" / Int32ul,
)

MAIN = Struct(
    "agent_base" / CHAR_DEVICE,
    "client_agent_started" / Int8ul,
    "agent2client"
    / Struct(
        "chunk_header_size" / Int32ul,
        "chunk_header" / Bytes(8),
        "msg_header_done" / Int8ul,
        "msg_header_partial_len" / Int32ul,
        "msg_header_ptr" / Int32ul,
        "msg_remaining" / Int32ul,
        "msg_filter_result" / Int8ul,
    ),
    "client2agent" / Struct("msg_remaining" / Int32ul, "msg_filter_result" / Int8ul),
)

# The caches of a viewer are shared by up to four of its displays.
MAX_CACHE_CLIENTS = 4

DISPLAY = Struct(
    "message_serial" / Int64ul,
    "low_bandwidth" / Int8ul,
    "pixmap_cache_id" / Int8ul,
    "pixmap_cache_size" / Int64sl,
    "pixmap_cache_freezer" / Int8ul,
    "pixmap_cache_clients" / Array(MAX_CACHE_CLIENTS, Int64ul),
    "glz_dict_id" / Int8ul,
    "glz_dict_data" / Struct("size" / Int32ul, "max_encoders" / Int32ul, "next_image_id" / Int64ul),
    "surfaces_at_client_ptr" / Int32ul,
)
SURFACE_COUNT = Int32ul
LOSSLESS_SURFACE = Int32ul
# Not in the order of the rectangles in messages.
LOSSY_SURFACE = Struct(
    "id" / Int32ul,
    "left" / Int32sl,
    "top" / Int32sl,
    "right" / Int32sl,
    "bottom" / Int32sl,
)

INPUTS = Struct("motion_count" / Int16ul)
