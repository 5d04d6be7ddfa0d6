"""What `python -m benchmarks.bill` is made of."""
