"""Measurements that judge nothing: `make test ARGS="-m bench -s tests/bench"`."""
