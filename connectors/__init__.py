"""How a vendor is spoken to: records, the contract, errors, transport, and one folder per vendor.

This room imports nothing else of the project. A vendor is one folder that declares a `VENDOR`
(see `connectors.vendor`); `connectors.registry` finds it.
"""
