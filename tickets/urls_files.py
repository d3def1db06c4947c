from django.urls import path

from tickets import views

app_name = "files"
urlpatterns = [
    path("<uuid:attachment_id>/", views.attachment, name="attachment"),
    path("linked/<str:token>/<str:name>", views.linked, name="linked"),
]
