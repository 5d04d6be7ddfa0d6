"""Who is asking and what they may see: tokens, policy, masking and audit live here.

Empty until tokens exist; until then the gateway listens on loopback only.
"""
