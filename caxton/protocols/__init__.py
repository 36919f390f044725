"""FIPA's interaction protocols as tables: who may say what in which state, and what follows.

A table is data that people read; `compiled` turns all of them into the bytes that the core's verdicts run
on, and `page` into the documentation. The checks that come before a table, and their order, are the core's.
"""
