"""Training: recipes, the Lightning modules of model and prior, and the `fit` command."""
