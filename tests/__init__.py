"""The tests of router_core and of the app."""
