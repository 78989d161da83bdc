"""The process that plays: inputs scanned, blocks made ahead of the output, bundles changed, load kept in bounds."""
