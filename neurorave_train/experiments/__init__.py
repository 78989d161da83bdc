"""Comparisons: tables of systems, sets and seeds that one command trains, exports and measures."""
