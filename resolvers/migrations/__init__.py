"""Changes of the tables, one file each, run by Alembic in the order in which they name each other.

A change is never edited once released; the next one follows it.
"""
