"""The values that every room of Caxton speaks in.

Pure data: frozen structs, smart constructors and transition functions. Nothing here performs I/O,
reads a clock or knows how a value travels. This package imports msgspec and the standard library
only, and its modules are imported one by one, so that a command pays for what it uses.
"""
