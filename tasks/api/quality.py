"""How good a project's work is."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs.doors import READ, LabView, refuse_unknown_parameters
from labs.models import Scope
from tasks import lab_queries
from tasks.api import finding
from tasks.quality import quality_of
from tasks.serializers.quality import QualityOut


class Quality(LabView):
    """The quality of a project."""

    scopes = {"GET": Scope.RESULTS_READ}

    @extend_schema(operation_id="get_project_quality", tags=["quality"], responses={200: QualityOut, **READ})
    def get(self, request: Request, project_id: UUID) -> Response:
        """Show agreement by tag, the gold score, pace, active time, returns and rejections; null says why."""
        refuse_unknown_parameters(request, ())
        project = finding.one(lab_queries.projects_of(self.lab, self.key.mode), project_id)
        return Response(quality_of(project, by=self.key.public_id, at=app_now()))
