from django.urls import path
from django.views.generic import RedirectView

from ai_assistant import (
    views,
    views_custom,
    views_hours,
    views_questions,
    views_search,
    views_suggestions,
    views_topics,
)

app_name = "ai_assistant"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="ai_assistant:playground")),
    path("playground/", views.playground, name="playground"),
    path("answers/", views.answers, name="answers"),
    path("answers/<uuid:answer_id>/", views.answer, name="answer"),
    path("answers/<uuid:answer_id>/wrong/", views.wrong, name="wrong"),
    path("answers/<uuid:answer_id>/right/", views.right, name="right"),
    path("unanswered/", views.unanswered, name="unanswered"),
    path("tests/", views_questions.questions, name="questions"),
    path("tests/run/", views_questions.run, name="run"),
    path("tests/save/", views_questions.save, name="save-question"),
    path("tests/<int:question_id>/", views_questions.question, name="question"),
    path("tests/<int:question_id>/delete/", views_questions.delete, name="delete-question"),
    path("suggestions/<uuid:answer_id>/insert/", views_suggestions.insert, name="insert-suggestion"),
    path("suggestions/<uuid:answer_id>/discard/", views_suggestions.discard, name="discard-suggestion"),
    path("custom/", views_custom.custom_answers, name="custom-answers"),
    path("custom/<int:custom_id>/", views_custom.custom_answer, name="custom-answer"),
    path("custom/<int:custom_id>/delete/", views_custom.delete, name="delete-custom-answer"),
    path("topics/", views_topics.topics, name="topics"),
    path("topics/<int:topic_id>/", views_topics.topic, name="topic"),
    path("topics/<int:topic_id>/delete/", views_topics.delete, name="delete-topic"),
    path("hours/", views_hours.hours, name="hours"),
    path("search/", views_search.search_page, name="search"),
    path("settings/", views.settings_page, name="settings"),
]
