"""What the module stands on: the board's wiring, the sound card's jacks, JetPack, temperatures, places."""
