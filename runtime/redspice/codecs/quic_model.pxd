cdef class Codes:
    cdef int bits
    cdef unsigned int limits
    cdef unsigned char lengths[2048]
    cdef unsigned short codewords[2304]
    cdef unsigned short glances[18432]
    cdef unsigned char buckets[256]
    cdef unsigned char residuals[256]
    cdef unsigned char prefixes[8]
    cdef unsigned char escapes[8]
    cdef unsigned char suffixes[8]
    cdef unsigned char waits[256]
    cdef unsigned int triggers[7]
    cdef unsigned char run_bits[32]

cdef class Plane:
    cdef Codes codes
    cdef int first
    cdef int scale
    cdef unsigned short best[768]
    cdef unsigned char used[24]
    cdef unsigned int counters[192]
    cdef int wait
    cdef int seed
    cdef int run
    cdef unsigned int mask
    cdef unsigned int trigger
    cdef Py_ssize_t width
    cdef Py_ssize_t now
    cdef Py_ssize_t before
    cdef unsigned int[::1] rows
    cdef unsigned int[::1] steps

    cdef void next_row(self) noexcept nogil
    cdef Py_ssize_t next_segment(self, Py_ssize_t x, Py_ssize_t y) noexcept nogil
    cdef int update(self, unsigned int near, unsigned int step) noexcept nogil
    cdef void serve(self, int channel, int bucket, int code) noexcept nogil

cdef class Stream:
    cdef public unsigned int[::1] words
    cdef public Py_ssize_t at
    cdef public Py_ssize_t end
    cdef unsigned long long pending
    cdef int fault
