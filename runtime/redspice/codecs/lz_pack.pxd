cdef Py_ssize_t NEAR, FARTHEST

cpdef Py_ssize_t pack(
    const unsigned int[::1] units,
    unsigned int mask,
    unsigned char[::1] out,
    unsigned int[::1] recent,
    int literal,
    int bias,
) except -1

cdef inline Py_ssize_t last_distance(
    const unsigned int[::1] units, unsigned int mask, unsigned int[::1] recent, Py_ssize_t here
) noexcept nogil

cdef inline void remember_tail(
    const unsigned int[::1] units, unsigned int mask, unsigned int[::1] recent, Py_ssize_t end
) noexcept nogil

cdef inline unsigned int slot_of(unsigned int a, unsigned int b, unsigned int c) noexcept nogil

cdef inline Py_ssize_t end_of_match(
    const unsigned int[::1] units, unsigned int mask, Py_ssize_t at, Py_ssize_t distance
) noexcept nogil

cdef inline Py_ssize_t write_literals(
    const unsigned int[::1] units,
    Py_ssize_t start,
    Py_ssize_t end,
    unsigned char[::1] out,
    Py_ssize_t at,
    int literal,
) noexcept nogil

cdef inline Py_ssize_t write_reference(
    unsigned char[::1] out, Py_ssize_t at, Py_ssize_t distance, Py_ssize_t length
) noexcept nogil
