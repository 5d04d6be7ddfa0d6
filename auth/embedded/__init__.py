"""An authorization server of our own, for installations that have none: client credentials only."""
