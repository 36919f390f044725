"""The Cython core: everything a message touches, without the GIL.

Import it through ``caxton.runtime.bridge`` only.
"""
