"""One module per command of `redspice-codegen`.

Each has HELP (a line), EXAMPLES (lines under the help), `add_arguments(parser)` and
`run(options) -> int`, which returns the exit status: 0 good, 1 drift or findings, 2 a wrong spec.
"""
