from redspice.codecs.quic_model cimport Codes, Plane, Stream

cdef unsigned long long low64(unsigned long long value) noexcept nogil
cdef unsigned int average(unsigned int a, unsigned int b) noexcept nogil
cdef unsigned int total(unsigned int a, unsigned int b) noexcept nogil

cdef unsigned long long window(Stream stream, Py_ssize_t at) noexcept nogil
cdef unsigned int long_codeword(Codes codes, unsigned long long bits, int code) noexcept nogil
cdef unsigned int get_pixel(Stream stream, Plane plane, unsigned int near) noexcept nogil
cdef Py_ssize_t get_run(Stream stream, Plane plane, Py_ssize_t most) noexcept nogil
cdef void decode_segment(
    Stream stream, Plane plane, Py_ssize_t x, Py_ssize_t stop, Py_ssize_t run_from
) noexcept nogil
cdef void decode_row(Stream stream, Plane plane, Py_ssize_t y) noexcept nogil
cdef void store_row(
    unsigned char[::1] out, Py_ssize_t at, Plane plane, int size, bint widen
) noexcept nogil
cpdef int decode_rows(
    Stream stream,
    Plane plane,
    Plane alpha,
    unsigned char[::1] out,
    Py_ssize_t stride,
    int size,
    bint widen,
    Py_ssize_t height,
) except -1
