"""Measure the cost of fan-out, for our gateway and for other servers in the same run, and print one table.

`plan` orders the rounds, `scenarios` measures one subject, `figures` computes medians, ranges and verdicts, and
`report` and `chart` show them. A subject is a server: `product` (ours), `yardsticks` (a C loop and simple Python
servers) or `peers` (servers of other projects, with PEERS=1). `load.c` is the load generator: it plays the followers.

`many` measures hundreds of thousands of followers, on several workers and with several load generators (`crowd`).
"""
