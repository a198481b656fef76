# Each thread writes to its own `Unpacking` all the time: the margins, a line of the cache each, keep
# that out of the way of what others have in memory beside it.
cdef class Unpacking:
    cdef unsigned char margin_before[64]
    cdef public Py_ssize_t at, start
    cdef public int unit, bias
    cdef public unsigned int mask, keep, span
    cdef public unsigned long long id, wanted
    cdef Py_ssize_t length, pixel
    cdef unsigned int image
    cdef unsigned char margin_behind[64]

cdef int FINE, TRUNCATED, TOO_MANY, BEFORE_START, OUTSIDE_WINDOW, MISSING, BEYOND_END

cpdef int unpack(
    Unpacking state,
    const unsigned char[::1] data,
    unsigned int[::1] out,
    const unsigned long long[::1] ids,
    const unsigned int[::1] counts,
    const unsigned long long[::1] shelf,
) except -1

cdef inline Py_ssize_t read_reference(
    Unpacking state, const unsigned char[::1] data, Py_ssize_t at
) noexcept nogil

cdef inline int refer(
    Unpacking state,
    unsigned int[::1] out,
    Py_ssize_t done,
    const unsigned long long[::1] ids,
    const unsigned int[::1] counts,
    const unsigned long long[::1] shelf,
) noexcept nogil

cdef inline Py_ssize_t read_literals(
    const unsigned char[::1] data,
    Py_ssize_t at,
    unsigned int[::1] out,
    Py_ssize_t done,
    Py_ssize_t count,
    int unit,
) noexcept nogil

cdef inline void repeat(
    Unpacking state, unsigned int[::1] out, Py_ssize_t done
) noexcept nogil

cdef inline void borrow(
    Unpacking state, unsigned long long source, unsigned int[::1] out, Py_ssize_t done
) noexcept nogil
