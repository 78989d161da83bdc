"""What training asks for: the sound itself, and that it obeys its descriptors."""
