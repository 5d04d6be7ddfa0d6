"""How a field is answered: the request's context, loaders, joins, links, pages and derived state.

May import `connectors` and `auth`; knows nothing of GraphQL types or of HTTP.
"""
