"""docs/spec-language.md: what it says about bytes, numbers and attributes is so."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from codegen.packages import imported
from codegen.specs import ROOT
from generated.vectors import check, check_negative, read
from redspice_codegen.attributes import RULES

DOCUMENT = (ROOT / "docs" / "spec-language.md").read_text(encoding="utf-8")

EXAMPLE = re.compile(r"```proto\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
BYTES = re.compile(r"((?:[0-9a-f]{2} {1,2})*[0-9a-f]{2})(?: {2,}.*)?")
CASE = re.compile(r"(\w+) (?:(refuses)|(reads )?(\{.*\}))")
CHANNEL = re.compile(r"channel (\w+) (\d+)")
MESSAGE = re.compile(r"(\w+) (server|client) (\d+) (\w+)")

#: What stands around an example without a protocol.
FRAME = "channel Base { Example example; }; protocol Test { Base only; };"


@dataclass
class Case:
    """A message of an example: `fields` is None where the bytes are refused."""

    name: str
    kind: str
    fields: str | None
    body: str = ""


@dataclass
class Example:
    spec: str
    line: int
    cases: list[Case] = field(default_factory=list)
    messages: list[tuple[str, str, int, str]] = field(default_factory=list)
    channels: list[tuple[str, int]] = field(default_factory=list)


def examples() -> Iterator[Example]:
    for found in EXAMPLE.finditer(DOCUMENT):
        spec = found[1] if "protocol " in found[1] else f"{found[1]}\n{FRAME}\n"
        example = Example(spec, DOCUMENT.count("\n", 0, found.start()) + 1)
        for line in found[2].splitlines():
            add_line(example, line)
        yield example


def add_line(example: Example, line: str) -> None:
    if case := CASE.fullmatch(line):
        kind = "refuses" if case[2] else "reads" if case[3] else "both"
        example.cases.append(Case(case[1], kind, case[4]))
    elif channel := CHANNEL.fullmatch(line):
        example.channels.append((channel[1], int(channel[2])))
    elif message := MESSAGE.fullmatch(line):
        example.messages.append((message[1], message[2], int(message[3]), message[4]))
    else:
        octets = BYTES.fullmatch(line)
        assert octets, f"neither bytes nor a message: {line}"
        example.cases[-1].body += octets[1]


def record(case: Case, package: ModuleType) -> str:
    """The case as a line of a file of vectors."""
    for channel in package.CHANNELS.values():
        for direction in ("server", "client"):
            message = getattr(channel, direction).by_name.get(case.name)
            if message is not None:
                return json.dumps(
                    {
                        "channel": channel.name,
                        "direction": direction,
                        "id": message.id,
                        "message": case.name,
                        "case": case.kind,
                        "hex": case.body,
                        "c_accepts": case.fields is not None,
                        "fields": json.loads(case.fields or "null"),
                    }
                )
    raise LookupError(f"no message {case.name}")


EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"line-{example.line}")
def test_an_example_is_true(example: Example, tmp_path: Path) -> None:
    package = imported(example.spec, tmp_path, f"example_{example.line}")
    for name, number in example.channels:
        assert package.CHANNELS[name].id == number
    for channel, direction, number, name in example.messages:
        assert getattr(package.CHANNELS[channel], direction).by_id[number].name == name
    vectors = tmp_path / "example.jsonl"
    lines = [record(case, package) for case in example.cases]
    vectors.write_text("\n".join(lines), encoding="utf-8")
    for vector in read(vectors):
        if vector.case == "both":
            check(vector, package)
            continue
        check_negative(vector, package)
        if vector.case == "reads":
            message = vector.type(package)
            assert message.marshal(message.demarshal(vector.body)) != vector.body


def test_every_block_belongs_to_an_example() -> None:
    assert DOCUMENT.count("```proto\n") == DOCUMENT.count("```text\n") == len(EXAMPLES) > 30
    assert all(example.cases or example.messages for example in EXAMPLES)


@pytest.mark.parametrize("name", RULES)
def test_every_attribute_is_in_a_table_with_its_meaning(name: str) -> None:
    fewest, most = RULES[name].arguments
    number = str(most) if fewest == most else f"{fewest} or {most}"
    assert f"\n| `@{name}` | {number} | {RULES[name].meaning} |\n" in DOCUMENT


def test_a_false_example_is_noticed(tmp_path: Path) -> None:
    example = Example(f"message Example {{ uint16 n; }};\n{FRAME}", 0, [])
    add_line(example, 'example {"n": 1}')
    add_line(example, "00 01    the wrong order")
    with pytest.raises(AssertionError):
        test_an_example_is_true(example, tmp_path)
