"""Networks of the F-RAVE family; every one of them is causal and streams with explicit state."""
