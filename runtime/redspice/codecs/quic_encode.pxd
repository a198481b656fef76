from redspice.codecs.quic_model cimport Plane, Stream

cdef unsigned long long low64(unsigned long long value) noexcept nogil
cdef unsigned int average(unsigned int a, unsigned int b) noexcept nogil
cdef unsigned int difference(unsigned int a, unsigned int b) noexcept nogil

cdef void put(Stream stream, unsigned long long value, int length) noexcept nogil
cdef void put_pixel(Stream stream, Plane plane, unsigned int near, unsigned int step) noexcept nogil
cdef void put_run(Stream stream, Plane plane, Py_ssize_t length) noexcept nogil
cdef void encode_segment(
    Stream stream, Plane plane, Py_ssize_t x, Py_ssize_t stop, Py_ssize_t run_from
) noexcept nogil
cdef void encode_row(Stream stream, Plane plane, Py_ssize_t y) noexcept nogil
cdef void load_row(
    const unsigned char[::1] pixels, Py_ssize_t at, Plane plane, int size
) noexcept nogil
cpdef Py_ssize_t encode_rows(
    Stream stream,
    Plane plane,
    Plane alpha,
    const unsigned char[::1] pixels,
    Py_ssize_t start,
    Py_ssize_t stride,
    int size,
    Py_ssize_t y,
    Py_ssize_t height,
) except -1
cpdef void finish(Stream stream) except *
