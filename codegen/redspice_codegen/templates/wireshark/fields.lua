-- Fields: every value of every message gets a field of its own, named by its path.
--
-- `compile` copies the members of the tables above into nodes, which have the field beside what
-- the table says. One path is one field: what two sides or arms call alike and type alike is shared.

local proto = Proto(WORD, TITLE)
local declared = {}

-- The field of a path. A second one of another type there gets a number behind its name.
local function declare(path, signature, make)
    local name, number = WORD .. "." .. path, 1
    while declared[name] and declared[name].signature ~= signature do
        number = number + 1
        name = WORD .. "." .. path .. "-" .. number
    end
    if not declared[name] then
        declared[name] = {signature = signature, field = make(name)}
    end
    return declared[name].field
end

local function last_word(path)
    return path:match("[^.]*$")
end

local function none_field(path, about)
    return declare(path, "none", function(name)
        return ProtoField.none(name, last_word(path), about)
    end)
end

local function bytes_field(path, about)
    return declare(path, "bytes", function(name)
        return ProtoField.bytes(name, last_word(path), base.NONE, about)
    end)
end

local function text_field(path, about)
    return declare(path, "text", function(name)
        return ProtoField.string(name, last_word(path), base.UNICODE, about)
    end)
end

local value_names = {}
for name, items in pairs(ENUMS) do
    value_names[name] = {}
    for _, item in ipairs(items) do
        value_names[name][item.value] = item.name
    end
end

local function integer_field(path, type, about)
    local kind = (type.signed and "int" or "uint") .. type.bits
    local flags = type.enum and ENUMS[type.enum].flags
    local names = type.enum and not flags and value_names[type.enum] or nil
    return declare(path, kind .. (type.enum or ""), function(name)
        local form = flags and base.HEX or base.DEC
        return ProtoField[kind](name, last_word(path), form, names, nil, about)
    end)
end

-- The bits of flags, which all fields of that type share: `redspice.flags.<type>.<item>`.
local function bit_fields(enum, bits)
    local fields = {}
    for i, item in ipairs(ENUMS[enum]) do
        local path = "flags." .. enum .. "." .. item.name
        fields[i] = {name = item.name, value = item.value, field = declare(path, "bit", function(name)
            return ProtoField.bool(name, item.name, bits, nil, item.value, item.about)
        end)}
    end
    return fields
end

local COMPILE = {}

local function compile(member, name, path)
    local node = {}
    for key, value in pairs(member) do
        node[key] = value
    end
    node.name, node.path = name, path
    COMPILE[member.kind](node)
    return node
end

local function compile_all(members, path)
    local nodes = {}
    for i, member in ipairs(members) do
        nodes[i] = compile(member, member.name, member.name and path .. "." .. member.name or path)
    end
    return nodes
end

function COMPILE.integer(node)
    node.field = integer_field(node.path, node, node.about)
    node.width = math.floor(node.bits / 8)
    if node.enum and ENUMS[node.enum].flags then
        node.flags = bit_fields(node.enum, node.bits)
    end
end

function COMPILE.struct(node)
    node.field = none_field(node.path, node.about)
    node.nodes = compile_all(STRUCTS[node.of], node.path)
end

function COMPILE.octets(node)
    node.field = bytes_field(node.path, node.about)
end

COMPILE.string = COMPILE.octets

function COMPILE.array(node)
    node.element.about = node.about
    node.element = compile(node.element, node.name, node.path)
end

-- `<path>-offset` is the pointer itself, `<path>` what it points to.
function COMPILE.pointer(node)
    node.field = integer_field(node.path .. "-offset", {bits = 32}, "from the start of the body")
    node.target.about, node.target.text = node.about, node.text
    node.target = compile(node.target, node.name, node.path)
end

function COMPILE.descriptor(node)
    node.field = none_field(node.path, node.about)
end

-- Arms belong to what contains the switch.
function COMPILE.switch(node)
    local cases = {}
    for i, case in ipairs(node.cases) do
        local member = case.member
        local arm = compile(member, member.name, node.path .. "." .. member.name)
        cases[i] = {tests = case.tests, node = arm}
    end
    node.cases = cases
end
