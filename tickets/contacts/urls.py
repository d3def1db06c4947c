from django.urls import path

from tickets.contacts import companies, sheets, views

app_name = "contacts"
urlpatterns = [
    path("contacts/", views.contacts, name="list"),
    path("contacts/<uuid:contact_id>/", views.contact, name="contact"),
    path("contacts/<uuid:contact_id>/notes/", views.notes, name="notes"),
    path("contacts/<uuid:contact_id>/company/", views.company, name="company-of"),
    path("contacts/<uuid:contact_id>/reveal/", views.reveal, name="reveal"),
    path("contacts/<uuid:contact_id>/merge/", views.merge, name="merge"),
    path("contacts/<uuid:contact_id>/part/<int:merge_id>/", views.part, name="part"),
    path("contacts/<uuid:contact_id>/link/<int:link_id>/", views.link, name="link"),
    path("contacts/<uuid:contact_id>/data.json", views.data, name="data"),
    path("contacts/<uuid:contact_id>/erase/", views.erase, name="erase"),
    path("contacts/import/", sheets.imports, name="imports"),
    path("contacts/import/<int:import_id>/", sheets.one_import, name="import"),
    path("contacts/import/<int:import_id>/refused.csv", sheets.refused, name="refused"),
    path("contacts/export.csv", sheets.export_contacts, name="export"),
    path("companies/export.csv", sheets.export_companies, name="export-companies"),
    path("companies/", companies.companies, name="companies"),
    path("companies/<int:company_id>/", companies.company, name="company"),
    path("companies/<int:company_id>/notes/", companies.notes, name="company-notes"),
    path("companies/<int:company_id>/delete/", companies.delete, name="delete-company"),
]
