# Each thread writes to its own `Packing` all the time: the margins, a line of the cache each, keep
# that out of the way of what others have in memory beside it.
cdef class Packing:
    cdef unsigned char margin_before[64]
    cdef public Py_ssize_t at, low, high, first, size
    cdef public int unit, bias, shift
    cdef public unsigned int mask
    cdef public unsigned char type
    cdef public long long id, head
    cdef public long long known, known_start, known_end
    cdef Py_ssize_t pixel, room
    cdef unsigned int image
    cdef unsigned char margin_behind[64]

cdef unsigned int PLACES

cpdef int pack(
    Packing state,
    const unsigned int[::1] ring,
    unsigned int[::1] recent,
    const long long[::1] starts,
    const unsigned char[::1] types,
    unsigned char[::1] out,
) except -1

cdef inline unsigned int hash_of(unsigned int a, unsigned int b, unsigned int c, int shift) noexcept nogil

cdef inline Py_ssize_t equal_units(
    const unsigned int[::1] ring,
    Py_ssize_t here,
    Py_ssize_t there,
    Py_ssize_t limit,
    unsigned int mask,
) noexcept nogil

cdef inline bint locate(
    Packing state,
    Py_ssize_t here,
    Py_ssize_t there,
    const long long[::1] starts,
    const unsigned char[::1] types,
) noexcept nogil

cdef inline void find_image(Packing state, long long position, const long long[::1] starts) noexcept nogil

cdef inline int reference_size(Py_ssize_t pixel, unsigned int image) noexcept nogil

cdef inline Py_ssize_t write_literals(
    const unsigned int[::1] ring,
    Py_ssize_t here,
    Py_ssize_t end,
    unsigned char[::1] out,
    Py_ssize_t at,
    int unit,
) noexcept nogil

cdef inline Py_ssize_t write_reference(
    unsigned char[::1] out, Py_ssize_t at, Py_ssize_t length, Py_ssize_t pixel, unsigned int image
) noexcept nogil
