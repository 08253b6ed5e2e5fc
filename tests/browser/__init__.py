"""Tests of this kind share a package, so that they can share helpers."""
