"""Measure what growth costs, and compute sizes from that: `python -m benchmarks.scaling`.

`unit` measures the costs of one gateway process, `fleet` compares several with the model, `tls` measures proxies,
`kernel` the kernel's memory, and `log_readers` what a gateway costs Redis. `model` computes, without I/O. `page` writes
the tables of docs/scaling.md from `results`.
"""
