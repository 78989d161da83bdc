"""The OLED's pages: each file draws one, from values alone, on a canvas of 128 x 64 points."""
