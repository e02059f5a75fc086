"""Other people's models beside ours: small adapters, used where a package is installed. None comes with avcer."""
