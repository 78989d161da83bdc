"""Workstation side of neurorave: data, networks, training, evaluation and export."""
