"""One module per backend: what its templates need to know, computed from model and layout."""
