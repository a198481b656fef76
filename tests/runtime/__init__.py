"""Tests of the runtime core, and the viewer and the loop they use instead of real ones."""
