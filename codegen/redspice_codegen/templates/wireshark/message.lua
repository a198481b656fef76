-- Messages: finds a message by channel, side and number, and shows its body.

local unknown = ProtoExpert.new(
    WORD .. ".unknown", "Unknown", expert.group.UNDECODED, expert.severity.WARN)

local MESSAGE_FIELD = text_field("message", "channel, sender and name of the message")
local EXTRA_FIELD = bytes_field("extra", "bytes behind the last member")
local INNER_FIELD = none_field("inner", "a message inside another")
local DATA_FIELD = bytes_field("data", "bytes that nothing is known about")

-- Messages that every channel may pack into one: the number of the server's `list`.
local LIST = 8

-- A message inside another: type u16, size u32, then its body.
local SUB_HEADER = 6

-- Channel number -> side -> message number -> {name, nodes}; compiled once for each owner.
local channels = {}
for _, type in pairs(TYPES) do
    for _, side in ipairs({"server", "client"}) do
        for _, message in ipairs(type[side]) do
            message.nodes = compile_all(message.body, type.word .. "." .. message.name)
        end
    end
end
for _, channel in ipairs(CHANNELS) do
    local tables = {name = channel.name, server = {}, client = {}}
    channels[channel.number] = tables
    for _, type in ipairs(channel.lineage) do
        for _, side in ipairs({"server", "client"}) do
            for _, message in ipairs(TYPES[type][side]) do
                tables[side][message.number] = message
            end
        end
    end
end

local function channel_name(number)
    return channels[number] and channels[number].name or "channel " .. tostring(number)
end

local function message_name(channel, side, number)
    local message = channels[channel] and channels[channel][side][number]
    return message and message.name or "message " .. number
end

local show_message

-- Messages packed into the body at `at`: count u16, offsets u32 from the start of the body. Their
-- sizes are not to be trusted: servers write too large ones.
local function show_list(body, item, at, channel)
    local node = {path = "list"}
    local offsets = take(body, node, at, 2)
    local count = range_of(body, at, 2):le_uint()
    take(body, node, offsets, count * 4)
    for i = 0, count - 1 do
        local offset = range_of(body, offsets + 4 * i, 4):le_uint()
        local start = take(body, node, offset, SUB_HEADER)
        local number = range_of(body, offset, 2):le_uint()
        local size = math.min(range_of(body, offset + 2, 4):le_uint(), body.stop - start)
        body.seen = math.max(body.seen, start + size)
        local name = message_name(channel, "server", number)
        local row = item:add(INNER_FIELD, range_of(body, offset, SUB_HEADER + size))
        row:set_text("[" .. i .. "] " .. name)
        show_message(body.tvb, body.base + start, size, row, channel, "server", number, true)
    end
end

local function show_body(body, item, message, channel, side, inner)
    read_all(body, item, message.nodes, 0, {})
    if side == "server" and message.number == LIST and message.name == "list" and not inner then
        show_list(body, item, 0, channel)
    end
end

-- Show the body of `size` bytes at `base` below `item`; `inner` for a message inside another.
function show_message(tvb, base, size, item, channel, side, number, inner)
    local body = {
        tvb = tvb, base = base, stop = size, seen = 0, root = item, rows = MAX_ROWS, elements = 0,
    }
    local message = channels[channel] and channels[channel][side][number]
    if not message then
        item:add_proto_expert_info(unknown, "no such message: " .. channel_name(channel) .. " "
            .. side .. " " .. number)
        item:add(DATA_FIELD, tvb:range(base, size))
        return
    end
    guarded(body, item, show_body, body, item, message, channel, side, inner)
    if not body.bad and body.seen < size and not inner then
        item:add(EXTRA_FIELD, range_of(body, body.seen, size - body.seen))
    end
end
