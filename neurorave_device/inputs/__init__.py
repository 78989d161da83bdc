"""Volts and gate edges, whichever way they come in: front panel, recording or virtual panel."""
