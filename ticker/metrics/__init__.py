"""Metrics for operators: histograms, metric families, their formats, and the application that serves them.

The parts collect their own figures: see `metrics.py` of the gateway, the desk, the relay and the posting part.
"""
