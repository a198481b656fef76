-- Conversations: cuts the bytes of a TCP connection into the link stage and messages.
--
-- A side goes from stage to stage, each of which knows the size of its next piece. Wireshark looks
-- at frames again later and in any order, so pieces that are no messages are remembered by their
-- place; on a second look everything else is a message. The last stage is `opaque`: a refused link,
-- SASL, bytes that make no sense, or no reassembly. From there on bytes are shown as they are.

-- A header that says more is out of step with the stream: no peer takes so large a message.
local MAX_BODY = 256 * 1024 * 1024

local CHANNEL_FIELD = text_field("channel", "channel type of the conversation")
local SIDE_FIELD = text_field("sender", "server or client")
local HEADER_FIELDS = {
    serial = declare("header.serial", "uint64", function(name)
        return ProtoField.uint64(name, "serial", base.DEC)
    end),
    type = number_field("header.type", 16),
    size = number_field("header.size", 32),
    sub_list = number_field("header.sub_list", 32),
}

-- Both kinds of data header: {field, size in bytes} in the order of the wire.
local MINI = {size = 6, {"type", 2}, {"size", 4}}
local FULL = {size = 18, {"serial", 8}, {"type", 2}, {"size", 4}, {"sub_list", 4}}

-- Both ends -> the conversations between them, in the order of their first frames. They are not
-- looked up by `tcp.stream`: Wireshark does not compute fields when it first goes through a file.
-- `next` is the stage of each side, `pieces` remembers stages.
local talks = {}

function proto.init()
    talks = {}
end

local function has_cap(talk, cap)
    return talk.caps.client[cap] and talk.caps.server[cap]
end

local function data_header(talk)
    return has_cap(talk, MINI_HEADER) and MINI or FULL
end

local function show_data_header(tvb, at, item, header)
    local values = {}
    for _, part in ipairs(header) do
        local name, size = part[1], part[2]
        local range = tvb:range(at, size)
        local row = item:add_le(HEADER_FIELDS[name], range)
        values[name], at = size < 8 and range:le_uint(), at + size
        values[name .. "_row"] = row
    end
    return values
end

local function message_size(tvb, at, talk)
    local header = data_header(talk)
    local size = tvb:range(at + (header == MINI and 2 or 10), 4):le_uint()
    return size <= MAX_BODY and header.size + size or nil
end

-- A message, and before it those that a full header says are packed into its body.
local function show_piece(tvb, at, size, item, talk, side)
    local header = data_header(talk)
    local values = show_data_header(tvb, at, item, header)
    local name = message_name(talk.channel, side, values.type)
    local text = channel_name(talk.channel) .. " " .. side .. " " .. name
    values.type_row:append_text(" (" .. name .. ")")
    item:add(MESSAGE_FIELD, tvb:range(at, header.size), text):set_generated()
    local base, rest = at + header.size, size - header.size
    show_message(tvb, base, rest, item, talk.channel, side, values.type)
    if (values.sub_list or 0) > 0 then
        local body = {tvb = tvb, base = base, stop = rest, seen = 0, root = item}
        guarded(body, item, show_list, body, item, values.sub_list, talk.channel)
    end
    return name
end

local function show_opaque(tvb, at, size, item, talk)
    item:add(DATA_FIELD, tvb:range(at, size))
    item:add_proto_expert_info(unknown, talk.sasl and "SASL is not decoded" or "out of step")
    return "not decoded"
end

local function all_the_rest(tvb, at)
    return tvb:len() - at
end

local function always(stage)
    return function()
        return stage
    end
end

local function fixed(size)
    return function()
        return size
    end
end

-- The stages. `head`: bytes that `size` needs to tell how long the piece is; it answers nil if
-- the bytes make no sense. `next` is the stage behind the piece.
local STAGES = {
    link_message = {
        head = LINK_HEADER, size = link_size, show = show_link_message, next = always("auth"),
    },
    link_reply = {
        head = LINK_HEADER, size = link_size, show = show_link_reply,
        next = function(talk)
            return talk.refused and "opaque" or "result"
        end,
    },
    mechanism = {
        head = 4, size = fixed(4), show = show_mechanism,
        next = function(talk)
            return talk.sasl and "opaque" or "ticket"
        end,
    },
    ticket = {head = TICKET, size = fixed(TICKET), show = show_ticket, next = always("message")},
    result = {
        head = 4, size = fixed(4), show = show_result,
        next = function(talk)
            return talk.refused and "opaque" or "message"
        end,
    },
    message = {size = message_size, show = show_piece, next = always("message")},
    opaque = {head = 0, size = all_the_rest, show = show_opaque, next = always("opaque")},
}

-- What depends on what the other side has said by now.
local function resolve(stage, talk)
    if stage == "auth" then
        return has_cap(talk, AUTH_SELECTION) and "mechanism" or "ticket"
    end
    return stage == "result" and talk.sasl and "opaque" or stage
end

local function stage_at(talk, side, pinfo, tvb, at)
    local place = pinfo.number .. " " .. tvb:offset() + at .. " " .. tvb:len()
    if not pinfo.visited then
        local stage = resolve(talk.next[side], talk)
        talk.pieces[place] = stage ~= "message" and stage or nil
    end
    return talk.pieces[place] or "message"
end

-- The bytes that the piece at `at` has; nil and what is missing if some are still to come.
local function piece_size(stage, tvb, at, talk)
    local left = tvb:len() - at
    local head = stage.head or data_header(talk).size
    if left < head then
        return nil, DESEGMENT_ONE_MORE_SEGMENT
    end
    local size = stage.size(tvb, at, talk)
    if size and size > left then
        return nil, size - left
    end
    return size
end

local function show_one(stage, tvb, at, size, tree, talk, side)
    local item = tree:add(proto, tvb:range(at, size))
    local text = stage.show(tvb, at, size, item, talk, side)
    item:add(CHANNEL_FIELD, tvb:range(at, 0), channel_name(talk.channel)):set_generated()
    item:add(SIDE_FIELD, tvb:range(at, 0), side):set_generated()
    item:append_text(", " .. side .. ": " .. text)
    return text
end

local function begins_link(tvb)
    return tvb:len() >= 4 and tvb:range(0, 4):raw() == MAGIC
end

-- The conversation that a frame belongs to: the last one that began by then.
local function talk_at(list, frame)
    for i = #list, 1, -1 do
        if list[i].frame <= frame then
            return list[i]
        end
    end
end

-- The conversation and the side that sent the frame. The client is who sends a link message first;
-- when it does so again, from the same port, a new conversation has begun.
local function talk_of(tvb, pinfo)
    local sender = tostring(pinfo.src) .. " " .. pinfo.src_port
    local receiver = tostring(pinfo.dst) .. " " .. pinfo.dst_port
    local ends = sender < receiver and sender .. " " .. receiver or receiver .. " " .. sender
    local list = talks[ends] or {}
    talks[ends] = list
    local talk = talk_at(list, pinfo.number)
    local again = talk and talk.sender == sender and talk.next.client ~= "link_message"
    if not pinfo.visited and begins_link(tvb) and (not talk or again) then
        talk = {
            frame = pinfo.number, sender = sender, pieces = {}, caps = {client = {}, server = {}},
            next = {client = "link_message", server = "link_reply"},
        }
        list[#list + 1] = talk
    end
    return talk, talk and talk.sender == sender and "client" or "server"
end

local function show_info(pinfo, talk, side, texts)
    pinfo.cols.protocol = "Redspice"
    pinfo.cols.info = channel_name(talk.channel) .. " " .. side .. ": "
        .. table.concat(texts, ", ") .. " "
    pinfo.cols.info:fence()
end

function proto.dissector(tvb, pinfo, tree)
    local talk, side = talk_of(tvb, pinfo)
    if not talk then
        return 0
    end
    local at, texts = 0, {}
    while at < tvb:len() do
        local name = stage_at(talk, side, pinfo, tvb, at)
        local stage = STAGES[name]
        local size, missing = piece_size(stage, tvb, at, talk)
        if missing and pinfo.can_desegment > 0 then
            pinfo.desegment_offset, pinfo.desegment_len = at, missing
            break
        end
        if not size then
            stage, size = STAGES.opaque, tvb:len() - at
        end
        texts[#texts + 1] = show_one(stage, tvb, at, size, tree, talk, side)
        if not pinfo.visited then
            talk.next[side] = stage.next(talk)
        end
        at = at + size
    end
    if #texts > 0 then
        show_info(pinfo, talk, side, texts)
    end
    return tvb:len()
end

local function heuristic(tvb, pinfo, tree)
    if not begins_link(tvb) then
        return false
    end
    pinfo.conversation = proto
    return proto.dissector(tvb, pinfo, tree) > 0
end

local fields = {}
for _, each in pairs(declared) do
    fields[#fields + 1] = each.field
end
proto.fields = fields
proto.experts = {malformed, not_shown, unknown}
proto:register_heuristic("tcp", heuristic)
DissectorTable.get("tcp.port"):add(5900, proto)
