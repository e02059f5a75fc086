"""Recipes that train the published architectures on the tables of the mini ones. Needs a GPU to be of use."""
