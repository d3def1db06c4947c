from django.urls import path

from tickets.inbox import team

app_name = "team"
urlpatterns = [
    path("", team.team, name="list"),
    path("away/", team.away, name="away"),
    path("capacity/", team.capacity, name="capacity"),
    path("hand-back/", team.hand_back, name="hand-back"),
]
