"""What people write: servers to measure ours against, as plain and as good as their manuals have them."""
