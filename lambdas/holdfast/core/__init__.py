"""The pure part: no I/O, no clock, no randomness, no environment (`tests/unit/test_purity.py` keeps it so)."""
