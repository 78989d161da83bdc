"""The module's electronics and front panel as code; nothing of it is imported by the module itself."""
