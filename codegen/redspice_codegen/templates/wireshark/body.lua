-- Bodies: walks the bytes of a body along the nodes of its message and shows what it finds.
--
-- Every length is checked before it is used. What does not fit raises {problem = text}, which the
-- nearest pointer, or the message, turns into an expert info; nothing else stops there.

-- Rows in the tree for one message. What is behind them is checked, but not shown.
local MAX_ROWS = 5000

-- Elements of varying size in one message: some take no bytes, so the length does not bound them.
local MAX_ELEMENTS = 200000

local malformed = ProtoExpert.new(
    WORD .. ".malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local not_shown = ProtoExpert.new(
    WORD .. ".not_shown", "Not all shown", expert.group.UNDECODED, expert.severity.NOTE)

local function fail(node, text, ...)
    error({problem = node.path .. ": " .. string.format(text, ...)}, 0)
end

-- Run a step; a problem with the bytes becomes a row below `item`, any other error goes on.
local function guarded(body, item, step, ...)
    local good, problem = pcall(step, ...)
    if not good then
        if type(problem) ~= "table" or not problem.problem then
            error(problem, 0)
        end
        body.bad = true
        local place = item or body.root
        place:add_proto_expert_info(malformed, problem.problem)
    end
end

local function range_of(body, at, size)
    return body.tvb:range(body.base + at, size)
end

-- A row below `item`; nil, and so are all rows below it, if there are too many already.
local function show(body, item, field, at, size)
    if not item or body.rows == 0 then
        return nil
    end
    body.rows = body.rows - 1
    if body.rows == 0 then
        body.root:add_proto_expert_info(not_shown, "more than " .. MAX_ROWS .. " fields")
    end
    return item:add_le(field, range_of(body, at, size))
end

local function demand(body, node, at, size)
    if size > body.stop - at then
        fail(node, "wanted %.0f bytes at offset %.0f, %.0f available", size, at, body.stop - at)
    end
end

-- The bytes belong to the message; those behind all of them are extra.
local function take(body, node, at, size)
    demand(body, node, at, size)
    body.seen = math.max(body.seen, at + size)
    return at + size
end

local function has_bit(value, bit)
    return math.floor(value / bit) % 2 == 1
end

-- The number of elements of an array, by what tells it; `left` bytes are left for it.
local COUNT = {}

function COUNT.rest(node, scope, left)
    return math.floor(left / node.width)
end

function COUNT.constant(node)
    return node.count.count
end

-- A count in an arm that is not there counts nothing.
function COUNT.member(node, scope)
    return scope[node.count.member] or 0
end

-- In floating point: three numbers of 32 bits do not fit into an integer.
function COUNT.image(node, scope)
    local count = node.count
    return math.floor((count.bits * scope[count.width] + 7) / 8) * (scope[count.rows] + 0.0)
end

local READ = {}

local function read_all(body, item, nodes, at, scope)
    for _, node in ipairs(nodes) do
        at = READ[node.kind](body, item, node, at, scope)
    end
    return at
end

local function append_names(item, names)
    if #names > 0 then
        item:append_text(" (" .. table.concat(names, ", ") .. ")")
    end
end

local function show_flags(body, item, node, at, value)
    local names = {}
    for _, bit in ipairs(node.flags) do
        if has_bit(value, bit.value) then
            names[#names + 1] = bit.name
        end
        show(body, item, bit.field, at, node.width)
    end
    append_names(item, names)
end

-- `scope` collects the values of a struct, for counts and switches behind them.
function READ.integer(body, item, node, at, scope)
    local stop = take(body, node, at, node.width)
    local range = range_of(body, at, node.width)
    local value
    if node.bits == 64 then
        value = range:le_uint64():tonumber()
    elseif node.signed then
        value = range:le_int()
    else
        value = range:le_uint()
    end
    scope[node.name] = value
    local row = show(body, item, node.field, at, node.width)
    if row and node.flags then
        show_flags(body, row, node, at, value)
    end
    return stop, row
end

function READ.struct(body, item, node, at, scope)
    local values = {}
    scope[node.name] = values
    local row = show(body, item, node.field, at, 0)
    local stop = read_all(body, row, node.nodes, at, values)
    if row then
        row:set_len(stop - at)
    end
    return stop, row
end

local function quoted(range)
    local text = range:raw():gsub("\0+$", ""):gsub("[^\32-\126]", ".")
    return ' "' .. text .. '"'
end

function READ.octets(body, item, node, at, scope)
    local count = COUNT[node.count.by](node, scope, body.stop - at)
    local stop = take(body, node, at, count)
    local row = show(body, item, node.field, at, count)
    if row and node.text and count > 0 then
        row:append_text(quoted(range_of(body, at, count)))
    end
    return stop
end

function READ.array(body, item, node, at, scope)
    local count = COUNT[node.count.by](node, scope, body.stop - at)
    demand(body, node, at, count * node.width)
    for i = 1, count do
        if node.fixed and body.rows == 0 then
            return take(body, node, at, (count - i + 1) * node.width)
        end
        body.elements = body.elements + 1
        if body.elements > MAX_ELEMENTS then
            fail(node, "more than %d elements", MAX_ELEMENTS)
        end
        local row
        at, row = READ[node.element.kind](body, item, node.element, at, {})
        if row then
            row:prepend_text("[" .. i - 1 .. "] ")
        end
    end
    return at
end

-- Up to a NUL, which has to be there and is not shown.
function READ.string(body, item, node, at)
    local size = 0
    repeat
        if at + size >= body.stop then
            fail(node, "has no NUL from offset %.0f on", at)
        end
        size = size + 1
    until range_of(body, at + size - 1, 1):uint() == 0
    local row = show(body, item, node.field, at, size - 1)
    if row then
        row:append_text(quoted(range_of(body, at, size - 1)))
    end
    return take(body, node, at, size)
end

-- What is wrong with where a pointer leads; arrays are checked even where it is null.
local function check_pointer(body, node, offset, scope)
    local target = node.target
    if offset == 0 and node.nonnull then
        fail(node, "must not be null")
    end
    local counted = target.kind == "octets" or target.kind == "array"
    if offset >= body.stop and offset > 0 then
        fail(node, "points to offset %.0f of a body of %.0f bytes", offset, body.stop)
    end
    if counted then
        demand(body, target, offset, COUNT[target.count.by](target, scope, body.stop - offset) * target.width)
    end
end

local function follow(body, item, node, offset, scope)
    check_pointer(body, node, offset, scope)
    if offset > 0 or node.target.kind ~= "struct" and not node.nullable then
        READ[node.target.kind](body, item, node.target, offset, scope)
    end
end

-- A bad pointer spoils its target only.
function READ.pointer(body, item, node, at, scope)
    local stop = take(body, node, at, 4)
    local offset = range_of(body, at, 4):le_uint()
    local row = show(body, item, node.field, at, 4)
    if row and offset == 0 then
        row:append_text(" (null)")
    end
    guarded(body, row, follow, body, item, node, offset, scope)
    return stop
end

-- A file descriptor travels beside the message.
function READ.descriptor(body, item, node, at)
    show(body, item, node.field, at, 0)
    return at
end

local function matches(case, tag, flags)
    for _, test in ipairs(case.tests) do
        if flags and has_bit(tag, test.value) ~= test.negated or tag == test.value and not flags then
            return true
        end
    end
    return #case.tests == 0
end

function READ.switch(body, item, node, at, scope)
    local tag = scope
    for _, name in ipairs(node.on) do
        tag = tag[name]
    end
    for _, case in ipairs(node.cases) do
        if matches(case, tag, node.flags) then
            return READ[case.node.kind](body, item, case.node, at, scope)
        end
    end
    return at
end
