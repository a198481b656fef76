"""The Python backend: which modules there are, and what each of them holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redspice_codegen import model, naming
from redspice_codegen.backends import python_functions as functions
from redspice_codegen.backends.python_clashes import check_files, check_module
from redspice_codegen.backends.python_classes import Class, class_of
from redspice_codegen.backends.python_runs import FlatConstants
from redspice_codegen.backends.python_steps import Function
from redspice_codegen.backends.wrap import wrap
from redspice_codegen.render import Renderer

SUPPORT = ("wire", "shape", "messages")

#: What generated modules import from the standard library.
_LIBRARY_NAMES = frozenset({"Any", "ClassVar", "Struct", "dataclass", "starmap"})

_SUPPORT_DIR = Path(__file__).parent.parent / "support"


@dataclass(frozen=True, slots=True)
class EnumMember:
    name: str
    value: int
    bit: int | None
    comment: str


@dataclass(frozen=True, slots=True)
class EnumClass:
    name: str
    base: str
    comment: str
    members: tuple[EnumMember, ...]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A line of a message table."""

    number: int
    name: str
    type: str
    function: str
    size: int | None


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    name: str
    number: int
    comment: str
    ancestors: tuple[str, ...]
    """The modules whose tables it has, the root of all channels first."""


@dataclass(frozen=True, slots=True)
class Part:
    """A class and the functions for it, printed next to each other."""

    cls: Class
    function: Function | None


class PythonBackend:
    """Texts of the package by file name."""

    def __init__(self, protocol: model.Protocol, source: str) -> None:
        self._protocol = protocol
        #: Its module holds the messages that channels share, for all others to import.
        self._root = protocol.channel_types[0] if protocol.channel_types else None
        self._render = Renderer("python", source=source)
        self._exports: dict[str, set[str]] = {
            name: _top_level_names((_SUPPORT_DIR / f"{name}.py").read_text("utf-8"))
            for name in SUPPORT
        }

    def files(self) -> dict[str, str]:
        """Raises BackendError where names of the spec become one in Python."""
        modules = [naming.channel_module(c, self._protocol) for c in self._protocol.channel_types]
        check_files([*SUPPORT, "enums", "structs", "channels", *modules])
        files = {f"{name}.py": (_SUPPORT_DIR / f"{name}.py").read_text("utf-8") for name in SUPPORT}
        enums = self._enums()
        bases = sorted({enum.base for enum in enums})
        text = self._render("enums.py.j2", enums=enums, bases=bases)
        check_module("enums", text, ())
        files["enums.py"] = wrap(text.rstrip() + "\n")
        files["structs.py"] = self._structs()
        self._exports["structs"] = _top_level_names(files["structs.py"])
        for channel in self._protocol.channel_types:
            module = naming.channel_module(channel, self._protocol)
            files[f"{module}.py"] = self._channel(channel, module)
            if channel is self._root:
                self._exports[module] = _top_level_names(files[f"{module}.py"])
        entries = list(self._channel_entries())
        files["channels.py"] = wrap(self._render("channels.py.j2", channels=entries))
        files["__init__.py"] = self._render("__init__.py.j2", name=self._protocol.name)
        files["py.typed"] = ""
        return files

    def _enums(self) -> list[EnumClass]:
        return [
            EnumClass(
                naming.enum_class(enum),
                "IntFlag" if enum.flags else "IntEnum",
                enum.comment,
                tuple(
                    EnumMember(naming.enum_member(enum, item), item.value, item.bit, item.comment)
                    for item in enum.items
                ),
            )
            for enum in self._protocol.enums
        ]

    def _structs(self) -> str:
        by_name = {f.type: f for f in functions.struct_functions(self._protocol)}
        flat = {naming.struct_class(s): s for s in functions.flat_elements(self._protocol)}
        parts = []
        for struct in self._protocol.structs:
            name = naming.struct_class(struct)
            made = by_name.get(name)
            parts.append(Part(class_of(struct, name, struct.comment), made))
        constants = {name: FlatConstants.of(struct) for name, struct in flat.items()}
        return self._module("structs", "structs.py.j2", parts=parts, flat=constants)

    def _channel(self, channel: model.Channel, module: str) -> str:
        parts = list(self._reusable_parts()) if channel is self._root else []
        tables: dict[str, list[TableEntry]] = {}
        for direction in ("server", "client"):
            entries = tables[direction] = []
            for message in channel.own(direction):
                part = self._message(message, module)
                if not message.reusable:
                    parts.append(part)
                assert part.function is not None
                function = part.function
                entries.append(
                    TableEntry(
                        message.number,
                        message.name,
                        part.cls.name,
                        function.name,
                        function.size,
                    )
                )
        return self._module(
            module, "channel.py.j2", channel=channel, parts=parts, tables=tables, module_name=module
        )

    def _reusable_parts(self) -> Iterator[Part]:
        for body in self._protocol.messages:
            name = f"Msg{naming.camel(body.name)}"
            made = functions.message_function(body, naming.snake(body.name), name, body.name)
            yield Part(class_of(body, name, body.comment), made)

    def _message(self, message: model.Message, module: str) -> Part:
        name = naming.message_class(message)
        if message.reusable:
            function, path = naming.snake(message.body.name), message.body.name
        else:
            side = "" if message.direction == "server" else "client_"
            function, path = f"{side}{message.name}", f"{module}.{message.name}"
        made = functions.message_function(message.body, function, name, path)
        return Part(class_of(message.body, name, message.comment), made)

    def _channel_entries(self) -> Iterator[ChannelEntry]:
        for entry in self._protocol.channels:
            ancestors: list[str] = []
            channel: model.Channel | None = entry.channel
            while channel is not None:
                ancestors.insert(0, naming.channel_module(channel, self._protocol))
                channel = channel.parent
            comment = entry.channel.comment
            yield ChannelEntry(entry.name, entry.number, comment, tuple(ancestors))

    def _module(self, name: str, template: str, **content: object) -> str:
        """Render the body, then put the imports that it needs above it."""
        body = self._render(template, **content)
        words = _names_used(body)
        imports = {
            module: sorted(names & words - _top_level_names(body), key=_import_order)
            for module, names in sorted(self._exports.items())
        }
        libraries = {*SUPPORT, "structs"} - {name}
        foreign = {word for module in libraries for word in self._exports.get(module, ())}
        check_module(name, body, foreign | _LIBRARY_NAMES)
        head = self._render("head.py.j2", imports=imports, words=words)
        return wrap((head + body).rstrip() + "\n")


def _names_used(text: str) -> set[str]:
    return {
        node.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _top_level_names(text: str) -> set[str]:
    pattern = r"^(?:class|def) (\w+)|^(\w+)(?::[^=]+)? = "
    found = re.findall(pattern, text, flags=re.MULTILINE)
    return {name for pair in found for name in pair if name}


def _import_order(name: str) -> tuple[int, str]:
    """As ruff sorts: constants, classes, the rest."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name
