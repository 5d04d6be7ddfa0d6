"""What clients see: the Strawberry types, the scalars, the limits and the committed SDL.

The types describe records and are never instantiated: a record of `connectors` is the source
object, and a plain field is read from it by attribute.
"""
