from django.urls import path

from tickets.notices import views

app_name = "notices"
urlpatterns = [
    path("", views.notices, name="list"),
    path("seen/", views.all_seen, name="all-seen"),
    path("settings/", views.settings_page, name="settings"),
    path("browser/", views.browser, name="browser"),
]
