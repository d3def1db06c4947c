from django.urls import path
from django.views.generic import RedirectView

from ai_assistant import views, views_aids, views_custom, views_hours, views_questions, views_suggestions, views_topics

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
    path("aids/", views_aids.aids, name="aids"),
    path("aids/<uuid:aid_id>/", views_aids.look, name="aid"),
    path("aids/<uuid:aid_id>/receipt/", views_aids.receipt, name="aid-receipt"),
    path("aids/<uuid:aid_id>/cancel/", views_aids.cancel, name="cancel-aid"),
    path("aids/<uuid:aid_id>/accept/", views_aids.accept, name="accept-aid"),
    path("aids/<uuid:aid_id>/keep/", views_aids.keep, name="keep-aid"),
    path("aids/for/<int:number>/<str:kind>/", views_aids.begin, name="begin-aid"),
    path("aids/translate/<int:message_id>/", views_aids.translate_message, name="translate-message"),
    path("custom/", views_custom.custom_answers, name="custom-answers"),
    path("custom/<int:custom_id>/", views_custom.custom_answer, name="custom-answer"),
    path("custom/<int:custom_id>/delete/", views_custom.delete, name="delete-custom-answer"),
    path("topics/", views_topics.topics, name="topics"),
    path("topics/<int:topic_id>/", views_topics.topic, name="topic"),
    path("topics/<int:topic_id>/delete/", views_topics.delete, name="delete-topic"),
    path("hours/", views_hours.hours, name="hours"),
    path("settings/", views.settings_page, name="settings"),
]
