"""The names of Cython's pure Python mode that the codecs use, as type checkers should see them."""

from contextlib import AbstractContextManager
from typing import TypeAlias

compiled: bool
nogil: AbstractContextManager[None]

bint: TypeAlias = bool
Py_ssize_t: TypeAlias = int
uchar: TypeAlias = int
ushort: TypeAlias = int
uint: TypeAlias = int
ulonglong: TypeAlias = int
longlong: TypeAlias = int
p_uint: TypeAlias = memoryview

def cast(type: object, value: object) -> p_uint: ...

# Last, for it hides the builtin.
int: TypeAlias = int
