"""The index of references: what exists at providers that cannot list it, and how it is joined."""
