"""Output stage, buffer between synthesis and sound card, and the places where sound can go."""
