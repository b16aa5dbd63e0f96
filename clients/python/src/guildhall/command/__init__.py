"""The ``guildhall`` command: the same client, for a shell and for scripts."""
