-- The link stage: how a connection introduces itself before the messages begin.
--
--   client  header, link message          server  header, link reply
--   client  mechanism u32, if both sides can select one; ticket, 128 bytes, or a dialogue of SASL
--                                          server  result u32, 0 is good
--
-- The header is "REDQ", major u32, minor u32, size u32 of what follows. All is little endian.

local MAGIC = "REDQ"
local LINK_HEADER = 16
local TICKET = 128
local PUBLIC_KEY = 162

-- More than any header, message and capabilities take: not a link.
local MAX_LINK = 65536

-- Words of capabilities, as many as servers accept.
local MAX_CAPS = 1024

-- Common capabilities.
local AUTH_SELECTION, MINI_HEADER = 0, 3

local MECHANISM_SASL = 2

local RESULTS = {
    [0] = "OK", "ERROR", "INVALID_MAGIC", "INVALID_DATA", "VERSION_MISMATCH", "NEED_SECURED",
    "NEED_UNSECURED", "PERMISSION_DENIED", "BAD_CONNECTION_ID", "CHANNEL_NOT_AVAILABLE",
}

local CAPS = {
    common = {[0] = "AUTH_SELECTION", "AUTH_SPICE", "AUTH_SASL", "MINI_HEADER"},
    main = {
        [0] = "SEMI_SEAMLESS_MIGRATE", "NAME_AND_UUID", "AGENT_CONNECTED_TOKENS",
        "SEAMLESS_MIGRATE",
    },
    display = {
        [0] = "SIZED_STREAM", "MONITORS_CONFIG", "COMPOSITE", "A8_SURFACE", "STREAM_REPORT",
        "LZ4_COMPRESSION", "PREF_COMPRESSION", "GL_SCANOUT", "MULTI_CODEC", "CODEC_MJPEG",
        "CODEC_VP8", "CODEC_H264", "PREF_VIDEO_CODEC_TYPE", "CODEC_VP9", "CODEC_H265",
    },
    inputs = {[0] = "KEY_SCANCODE"},
    playback = {[0] = "CELT_0_5_1", "VOLUME", "LATENCY", "OPUS"},
    record = {[0] = "CELT_0_5_1", "VOLUME", "OPUS"},
    usbredir = {[0] = "DATA_COMPRESS_LZ4"},
    port = {[0] = "DATA_COMPRESS_LZ4"},
    webdav = {[0] = "DATA_COMPRESS_LZ4"},
}

local channel_names = {}
for number, channel in pairs(channels) do
    channel_names[number] = channel.name
end

-- A number of the link stage, or of a data header.
local function number_field(path, bits, names, form)
    return declare(path, "uint" .. bits, function(name)
        return ProtoField["uint" .. bits](name, last_word(path), form or base.DEC, names)
    end)
end

local MAGIC_FIELD = text_field("link.magic", "REDQ")
local HEADER = {
    {"major", number_field("link.major", 32), 4},
    {"minor", number_field("link.minor", 32), 4},
    {"size", number_field("link.size", 32), 4},
}
local CAPS_PLACE = {
    {"num_common_caps", number_field("link.num_common_caps", 32), 4},
    {"num_channel_caps", number_field("link.num_channel_caps", 32), 4},
    {"caps_offset", number_field("link.caps_offset", 32), 4},
}
local MESSAGE = {
    {"connection_id", number_field("link.connection_id", 32, nil, base.HEX), 4},
    {"channel_type", number_field("link.channel_type", 8, channel_names), 1},
    {"channel_id", number_field("link.channel_id", 8), 1},
}
local ERROR = {{"error", number_field("link.error", 32, RESULTS), 4}}
local KEY_FIELD = bytes_field("link.pub_key", "RSA key for the ticket, in DER")
local CAPS_FIELDS = {
    common = number_field("link.common_caps", 32, nil, base.HEX),
    channel = number_field("link.channel_caps", 32, nil, base.HEX),
}
local MECHANISM_FIELD = number_field(
    "link.auth_mechanism", 32, {[1] = "SPICE ticket", [2] = "SASL"})
local TICKET_FIELD = bytes_field("link.ticket", "password, encrypted with the server's key")
local RESULT_FIELD = number_field("link.result", 32, RESULTS)

-- Show numbers that follow each other; their values by name, and where they end.
local function show_numbers(tvb, at, item, numbers, values)
    for _, number in ipairs(numbers) do
        local range = tvb:range(at, number[3])
        item:add_le(number[2], range)
        values[number[1]] = range:le_uint()
        at = at + number[3]
    end
    return at
end

-- The set of capabilities in `count` words, each word a row.
local function show_caps(tvb, at, count, item, field, names)
    local caps = {}
    for word = 0, count - 1 do
        local range = tvb:range(at + 4 * word, 4)
        local value, texts = range:le_uint(), {}
        for bit = 0, 31 do
            if has_bit(value, 2 ^ bit) then
                local cap = 32 * word + bit
                caps[cap] = true
                texts[#texts + 1] = names[cap] or tostring(cap)
            end
        end
        append_names(item:add_le(field, range), texts)
    end
    return caps
end

-- Both sets of capabilities of a link message or reply that begins at `start` and ends at `stop`.
local function show_both_caps(tvb, start, stop, item, values, channel)
    local at, common, own = start + values.caps_offset, values.num_common_caps, values.num_channel_caps
    if common > MAX_CAPS or own > MAX_CAPS or at + 4 * (common + own) > stop then
        item:add_proto_expert_info(malformed, "capabilities do not fit into the link message")
        return {}
    end
    local caps = show_caps(tvb, at, common, item, CAPS_FIELDS.common, CAPS.common)
    local names = CAPS[channel_names[channel]] or {}
    show_caps(tvb, at + 4 * common, own, item, CAPS_FIELDS.channel, names)
    return caps
end

local function show_header(tvb, at, item, values)
    item:add(MAGIC_FIELD, tvb:range(at, 4))
    return show_numbers(tvb, at + 4, item, HEADER, values)
end

-- The whole size of the link message or reply at `at`; nil if it is none.
local function link_size(tvb, at)
    if tvb:range(at, 4):raw() ~= MAGIC then
        return nil
    end
    local size = LINK_HEADER + tvb:range(at + 12, 4):le_uint()
    return size <= MAX_LINK and size or nil
end

local function show_link_message(tvb, at, size, item, talk)
    local values, stop = {}, at + size
    local start = show_header(tvb, at, item, values)
    if stop - start < 18 then
        item:add_proto_expert_info(malformed, "link message of less than 18 bytes")
        return "link message"
    end
    local place = show_numbers(tvb, start, item, MESSAGE, values)
    show_numbers(tvb, place, item, CAPS_PLACE, values)
    talk.channel, talk.channel_id = values.channel_type, values.channel_id
    talk.caps.client = show_both_caps(tvb, start, stop, item, values, talk.channel)
    return "link message: " .. channel_name(talk.channel) .. " " .. talk.channel_id
end

local function show_link_reply(tvb, at, size, item, talk)
    local values, stop = {}, at + size
    local start = show_header(tvb, at, item, values)
    if stop - start < 178 then
        item:add_proto_expert_info(malformed, "link reply of less than 178 bytes")
        return "link reply"
    end
    local key = show_numbers(tvb, start, item, ERROR, values)
    item:add(KEY_FIELD, tvb:range(key, PUBLIC_KEY))
    show_numbers(tvb, key + PUBLIC_KEY, item, CAPS_PLACE, values)
    talk.refused = values.error ~= 0
    talk.caps.server = show_both_caps(tvb, start, stop, item, values, talk.channel)
    return "link reply: " .. (RESULTS[values.error] or values.error)
end

local function show_mechanism(tvb, at, size, item, talk)
    item:add_le(MECHANISM_FIELD, tvb:range(at, size))
    talk.sasl = tvb:range(at, size):le_uint() == MECHANISM_SASL
    return "auth mechanism"
end

local function show_ticket(tvb, at, size, item)
    item:add(TICKET_FIELD, tvb:range(at, size))
    return "ticket"
end

local function show_result(tvb, at, size, item, talk)
    item:add_le(RESULT_FIELD, tvb:range(at, size))
    local result = tvb:range(at, size):le_uint()
    talk.refused = result ~= 0
    return "link result: " .. (RESULTS[result] or result)
end
