"""What every implementation of a protocol must do, run on each of them."""
