"""What an owner runs beside the module: `neurorave bench`, `render`, `calibrate`, `plan`, `doctor`."""
