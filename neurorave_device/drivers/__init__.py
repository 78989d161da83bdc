"""What inputs and front panel share of the hardware: GPIO lines, and devices that come and go."""
