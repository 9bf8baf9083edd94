"""Measure how many followers a machine carries: `ticker capacity`.

`measurement` starts a gateway, a Redis server and followers of its own on loopback. `model` computes the answer from
what they cost, without I/O.
"""
