"""Shared types and guards: no tables, and no import of anything of ours."""
