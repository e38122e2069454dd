"""What costs what, as ratios of one run: `make bench` (README.md here). It judges nothing."""
