from django.urls import path

from channels_app import views

app_name = "channels"
urlpatterns = [
    path("", views.channel_list, name="list"),
    path("add/<slug:kind>/", views.add_channel, name="add"),
    path("templates/<int:number>/", views.template_picker, name="templates"),
    path("templates/<int:number>/<int:template_id>/", views.post_template, name="send-template"),
    path("consent/", views.consented, name="consented"),
    path("<uuid:channel_id>/", views.channel_page, name="channel"),
    path("<uuid:channel_id>/consent/", views.consent, name="consent"),
    path("<uuid:channel_id>/report/", views.provider_report, name="report"),
    path("<uuid:channel_id>/secret/", views.new_secret, name="secret"),
    path("<uuid:channel_id>/replay/", views.replay_all_failed, name="replay"),
    path("<uuid:channel_id>/connect/", views.connect, name="connect"),
    path("<uuid:channel_id>/disconnect/", views.disconnect, name="disconnect"),
]
