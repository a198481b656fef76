"""The part of the `lz4` package that the codecs use, which has no types of its own."""
