"""Detection, severity, grouping and contribution in pure numpy: arrays in, dataclasses out; no I/O, no clock."""
