"""A fake of pycuda."""
