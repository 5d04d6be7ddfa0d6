"""Simulated vendors on loopback, and the one seeded world they all agree on.

Nothing here imports the gateway: the simulators speak the vendors' own wire formats and the truth
is written from the world, so that both can contradict the gateway.
"""
