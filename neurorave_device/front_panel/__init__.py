"""The screen, the encoder and the light of the front panel, and the thread that looks after them."""
