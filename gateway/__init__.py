"""One process: settings, the composition root, GraphQL over HTTP, and the command line."""
