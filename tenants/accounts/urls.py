from django.contrib.auth.views import LogoutView
from django.urls import path

from tenants.accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("me/", views.me, name="me"),
    path("density/", views.density, name="density"),
    path("password/", views.change_password, name="password"),
]
