"""`ticker relay`: send each change of an edition to receivers outside, and take withdrawn texts back there.

The decisions are in `plan`, without I/O and without a clock. `store` keeps the state on disk, and `route`
acts on the decisions.
"""
