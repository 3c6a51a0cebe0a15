"""k-reciprocal re-ranking and query expansion, from neighbours."""
