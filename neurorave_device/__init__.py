"""The neurorave module: inputs, mapping, engine, audio and face, without any training code."""

__version__ = "0.1.0"
