"""What survives the power switch: patch, presets, calibration; versioned, checksummed, written whole or not at all."""
