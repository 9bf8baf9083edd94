"""One command, one table: what fan-out costs, beside what it would cost otherwise, measured in the same run.

The way of a figure: `plan` (the order of rounds) → `scenarios` (one measurement of one subject) → `figures` (medians,
ranges, verdicts) → `report` and `chart`. Subjects are servers: `product` (ours), `yardsticks` (a C loop and what people
write in Python), `peers` (other projects' servers, with PEERS=1). `load.c` plays the followers.
"""
