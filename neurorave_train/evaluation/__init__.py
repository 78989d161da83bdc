"""Figures of a model: how well it reproduces sound, and how well it does what it is asked."""
