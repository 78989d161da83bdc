"""Graphs on TensorRT: plans built on the board they run on, one thread that owns the GPU."""
