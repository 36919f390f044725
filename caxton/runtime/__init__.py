"""The room between the API and the compiled core: agents, their modules, their messages.

Everything enters through `caxton.runtime.runtime.Runtime`; the core is met in `bridge` alone. All of it
runs on one event loop, but for compilation, which has a thread of its own. Nothing here speaks HTTP.
"""
