"""The operators' own agreement: what they sign before they may open anybody's content."""

from pathlib import Path

TITLE = "Confidentiality agreement for operators"
CODE_NAME = "Guildhall operators"
TEXT = (Path(__file__).parent / "house.md").read_text(encoding="utf-8")
