"""What is fast, measured beside what it is compared to, in one run: `make bench`."""
