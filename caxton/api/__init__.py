"""The management API: HTTP and WebSocket in front of the runtime.

`wire` guards each connection, `app` finds the route, knows the caller and turns what is raised into
an answer, `routes` says what each path does, `schemas` what goes in and out. One table of routes is
the truth for dispatch, permissions, metrics and the OpenAPI document.
"""
