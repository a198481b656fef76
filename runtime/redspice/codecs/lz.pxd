cdef Py_ssize_t NEAR

cdef Py_ssize_t unpack(
    const unsigned char[::1] data, Py_ssize_t at, unsigned int[::1] out, int literal, int bias
) except -1

cdef inline void read_literals(
    const unsigned char[::1] data,
    Py_ssize_t at,
    unsigned int[::1] out,
    Py_ssize_t done,
    Py_ssize_t end,
    int literal,
) noexcept nogil

cdef inline Py_ssize_t read_extension(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t total
) noexcept nogil

cdef inline Py_ssize_t read_distance(
    const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t total, Py_ssize_t high
) noexcept nogil

cdef inline void repeat(
    unsigned int[::1] out, Py_ssize_t done, Py_ssize_t end, Py_ssize_t distance
) noexcept nogil
