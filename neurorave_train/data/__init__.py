"""From folders of recordings to memory-mapped training data, and from there to segments."""
