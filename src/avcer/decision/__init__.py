"""Decision: align (one clock) -> fuse -> compound -> segments."""
