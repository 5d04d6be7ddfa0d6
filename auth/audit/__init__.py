"""Who saw what, and who was refused: written once, in order, so that a change of it is found."""
