"""Tillgate beside a naive gateway, measured in one run. See `README.md`."""
