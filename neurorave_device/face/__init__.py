"""The face: OLED pages, encoder, RGB light, and the browser panel that shows the same face."""
