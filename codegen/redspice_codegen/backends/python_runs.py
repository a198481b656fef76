"""The `Run` constants of one generated module."""

from __future__ import annotations

from dataclasses import dataclass

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_steps import PackConstant, RunConstant


class RunTable:
    """Hands out a constant for each run of a function; runs of flat structs have one for all."""

    def __init__(self, function: str) -> None:
        self._prefix = naming.constant(function)
        self._constants: dict[tuple[str, ...], RunConstant | PackConstant] = {}

    @property
    def constants(self) -> list[RunConstant | PackConstant]:
        return list(self._constants.values())

    def reading(self, run: layout.Run, path: str) -> str:
        """The constant that unpacks this run, and names its fields where it is cut."""
        fields = " ".join(".".join(slot.path) for slot in run.slots)
        key = (expr.run_format(run), path, fields)
        return self._constants.setdefault(key, RunConstant(self._next(), *key)).name

    def packing(self, run: layout.Run) -> str:
        """The constant that packs this run: one for all runs of the same format."""
        format = expr.run_format(run)
        return self._constants.setdefault((format,), PackConstant(self._next(), format)).name

    def _next(self) -> str:
        return f"_{self._prefix}_{len(self._constants) + 1}"


def flat_name(struct: model.Struct) -> str:
    return f"{naming.constant(struct.name)}_RUN"


def flat_pack(struct: model.Struct) -> str:
    """What packs a flat struct; a name of its own, as it is called for each element of an array."""
    return f"pack_{naming.snake(struct.name)}"


@dataclass(frozen=True, slots=True)
class FlatConstants:
    """What stands at the class of a flat struct that arrays hold."""

    run: RunConstant
    pack: str

    @classmethod
    def of(cls, struct: model.Struct) -> FlatConstants:
        (run,) = layout.lay_out(struct).steps
        assert isinstance(run, layout.Run)
        fields = " ".join(".".join(slot.path) for slot in run.slots)
        constant = RunConstant(flat_name(struct), expr.run_format(run), "", fields)
        return cls(constant, flat_pack(struct))
