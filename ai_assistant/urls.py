from django.urls import path
from django.views.generic import RedirectView

from ai_assistant import views

app_name = "ai_assistant"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="ai_assistant:playground")),
    path("playground/", views.playground, name="playground"),
    path("answers/", views.answers, name="answers"),
    path("answers/<uuid:answer_id>/", views.answer, name="answer"),
    path("settings/", views.settings_page, name="settings"),
]
