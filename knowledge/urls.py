from django.urls import path, reverse_lazy
from django.views.generic import RedirectView

from knowledge import views

app_name = "knowledge"
urlpatterns = [
    path("", RedirectView.as_view(url=reverse_lazy("admin:knowledge_document_changelist")), name="documents"),
    path("documents/<uuid:document_id>/file", views.download_file, name="file"),
]
