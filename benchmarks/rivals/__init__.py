"""Simple servers to compare with, written as the manuals of their libraries recommend."""
