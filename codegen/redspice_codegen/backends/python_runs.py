"""The `Run` constants of one generated module."""

from __future__ import annotations

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_steps import RunConstant


class RunTable:
    """Hands out a constant for each run of a function; runs of flat structs have one for all."""

    def __init__(self, function: str) -> None:
        self._prefix = naming.constant(function)
        self._runs: dict[tuple[str, str, str], RunConstant] = {}

    @property
    def constants(self) -> list[RunConstant]:
        return list(self._runs.values())

    def name(self, run: layout.Run, path: str) -> str:
        """The constant for this run; the same layout read and written has one."""
        fields = " ".join(".".join(slot.path) for slot in run.slots)
        key = (expr.run_format(run), path, fields)
        if key not in self._runs:
            name = f"_{self._prefix}_{len(self._runs) + 1}"
            self._runs[key] = RunConstant(name, *key)
        return self._runs[key].name

    def flat(self, struct: model.Struct) -> str:
        """The constant of a flat struct, which stands in the module of the structs."""
        return flat_name(struct)


def flat_name(struct: model.Struct) -> str:
    return f"{naming.constant(struct.name)}_RUN"


def flat_constant(struct: model.Struct) -> RunConstant:
    (run,) = layout.lay_out(struct).steps
    assert isinstance(run, layout.Run)
    fields = " ".join(".".join(slot.path) for slot in run.slots)
    return RunConstant(flat_name(struct), expr.run_format(run), "", fields)
