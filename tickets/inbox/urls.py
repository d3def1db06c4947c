from django.urls import path

from tickets.inbox import actions, view_editor, views

app_name = "inbox"
urlpatterns = [
    path("", views.inbox, name="list"),
    path("gone/", views.gone, name="gone"),
    path("views/new/", view_editor.edit, name="new-view"),
    path("views/<int:view_id>/", view_editor.edit, name="view"),
    path("rows/", views.fresh_rows, name="rows"),
    path("uploads/", actions.upload, name="upload"),
    path("messages/<int:message_id>/retry/", actions.retry, name="retry"),
    path("messages/<int:message_id>/take-back/", actions.take_back, name="take-back"),
    path("scheduled/<int:reply_id>/drop/", actions.drop_scheduled, name="drop-scheduled"),
    path("scheduled/<int:reply_id>/send/", actions.send_scheduled, name="send-scheduled"),
    path("messages/<int:message_id>/attempts/", views.attempts, name="attempts"),
    path("<int:number>/", views.inbox, name="conversation"),
    path("<int:number>/earlier/", views.earlier, name="earlier"),
    path("<int:number>/items/", views.fresh_items, name="items"),
    path("<int:number>/messages/", actions.post, name="post"),
    path("<int:number>/assign/", actions.assign, name="assign"),
    path("<int:number>/team/", actions.team, name="team"),
    path("<int:number>/priority/", actions.priority, name="priority"),
    path("<int:number>/status/", actions.status, name="status"),
    path("<int:number>/tags/", actions.tags, name="tags"),
    path("<int:number>/contact/", actions.contact, name="contact"),
    path("<int:number>/fields/<slug:target>/<slug:key>/", actions.field, name="field"),
    path("<int:number>/merge/", actions.merge, name="merge"),
    path("<int:number>/merge/<int:merge_id>/undo/", actions.part, name="part"),
]
