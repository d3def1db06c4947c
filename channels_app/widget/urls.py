from django.urls import path

from channels_app.widget import views

app_name = "widget"
urlpatterns = [
    path("<uuid:channel_id>/", views.page, name="page"),
    path("<uuid:channel_id>/config/", views.config, name="config"),
    path("<uuid:channel_id>/session/", views.session, name="session"),
    path("<uuid:channel_id>/messages/", views.messages, name="messages"),
    path("<uuid:channel_id>/attachments/", views.upload, name="attachments"),
    path("<uuid:channel_id>/handoff/", views.handoff, name="handoff"),
    path("<uuid:channel_id>/read/", views.read, name="read"),
    path("<uuid:channel_id>/page/", views.visited, name="visited"),
    path("<uuid:channel_id>/elsewhere/", views.elsewhere, name="elsewhere"),
    path("<uuid:channel_id>/files/<uuid:attachment_id>/", views.file, name="file"),
]
