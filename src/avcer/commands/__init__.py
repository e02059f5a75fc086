"""The commands of the command line, a module for each kind of work: parse, call, render.

Nothing is computed here. Packages that are slow to import are imported by the command that needs them.
"""
