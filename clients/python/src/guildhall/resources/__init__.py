"""The calls of the API, by what they are about."""

from guildhall.resources.agreements import Agreements
from guildhall.resources.batches import Batches
from guildhall.resources.cases import Cases
from guildhall.resources.events import Events
from guildhall.resources.exports import Exports
from guildhall.resources.files import Files
from guildhall.resources.funds import Funds
from guildhall.resources.keys import Keys
from guildhall.resources.projects import Projects
from guildhall.resources.submissions import Submissions
from guildhall.resources.tasks import Tasks
from guildhall.resources.webhooks import Webhooks

__all__ = [
    "Agreements",
    "Batches",
    "Cases",
    "Events",
    "Exports",
    "Files",
    "Funds",
    "Keys",
    "Projects",
    "Submissions",
    "Tasks",
    "Webhooks",
]
