"""Install the tree of domains that the first rate card prices."""

from __future__ import annotations

from experts.models import Domain
from kernel.db import action

TREE: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "writing",
        "Writing",
        (
            ("screenwriting", "Screenwriting"),
            ("fiction", "Fiction"),
            ("journalism", "Journalism"),
            ("copywriting", "Copywriting"),
        ),
    ),
    (
        "law",
        "Law",
        (
            ("litigation", "Litigation"),
            ("contracts", "Contracts"),
            ("regulatory", "Regulatory"),
            ("ip-law", "Intellectual property"),
        ),
    ),
    (
        "medicine",
        "Medicine",
        (
            ("primary-care", "Primary care"),
            ("cardiology", "Cardiology"),
            ("oncology", "Oncology"),
            ("nursing", "Nursing"),
            ("psychiatry", "Psychiatry"),
            ("psychology", "Psychology"),
        ),
    ),
    ("software", "Software and data", ()),
    (
        "science",
        "Science",
        (
            ("physics", "Physics"),
            ("chemistry", "Chemistry"),
            ("biology", "Biology"),
            ("mathematics", "Mathematics"),
        ),
    ),
    ("finance", "Finance", ()),
    ("generalist", "Generalist", ()),
)


@action
def install_domains() -> dict[str, Domain]:
    """Install the tree, leaving what is there alone; return every domain of it by slug."""
    installed: dict[str, Domain] = {}
    for place, (slug, name, children) in enumerate(TREE):
        root = installed[slug] = _install(slug, name, parent=None, position=place * 100)
        for offset, (child_slug, child_name) in enumerate(children, start=1):
            installed[child_slug] = _install(child_slug, child_name, parent=root, position=place * 100 + offset)
    return installed


def _install(slug: str, name: str, *, parent: Domain | None, position: int) -> Domain:
    """Return the domain of that slug, made under ``parent`` if it is not there yet."""
    domain, is_new = Domain.objects.get_or_create(
        slug=slug, defaults={"name": name, "parent": parent, "position": position}
    )
    if is_new:
        domain.path = [*(parent.path if parent else []), domain.pk]
        domain.save(update_fields=["path"])
    return domain
