"""The browsable reference of the labs' API; the one page whose style and images may come inline."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView


@method_decorator(csp_update({"style-src": [UNSAFE_INLINE], "img-src": [SELF, "data:"]}), name="dispatch")
class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI from our own files, its script served apart from its page."""

    url_name = "api:schema"
