"""From volts to what is asked of the model: pure functions and small state machines."""
