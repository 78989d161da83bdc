"""Bundle reading and checking, what executes the graphs, and the voice that plays them."""
