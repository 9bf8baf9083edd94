"""`ticker mirror`: the answers of a gateway as files, for static hosts. It is an ordinary reader of the gateway."""
