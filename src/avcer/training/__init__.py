"""Training: data, losses, loop, one recipe a model; writes what models/ reads. Needs the extra torch."""
