"""Installs the module on a board.

Standard library only: it runs out of the wheel, before anything else is there.
"""
