"""`/demo-shop/`: a shop as a customer of ours would have it, with the one-line snippet of the web chat in it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from channels_app.models import Channel

PRODUCTS = {
    "ru": [
        ("Палатка «Ельник 2»", "Двухместная, 2,1 кг, выдерживает ливень", "14 900 ₽", "tent"),
        ("Рюкзак «Кряж 55»", "55 литров, регулируемая спина", "11 200 ₽", "pack"),
        ("Фонарь «Светляк»", "350 люмен, заряжается от USB-C", "2 490 ₽", "lamp"),
    ],
    "en": [
        ("Quayside blend", "Chocolate, hazelnut, 250 g", "£9.50", "bag"),
        ("Lighthouse hand grinder", "Steel burrs, 24 clicks", "£84.00", "grinder"),
        ("Tide kettle", "Gooseneck, 0.9 l, holds temperature", "£72.00", "kettle"),
    ],
}


def shop(request: HttpRequest) -> HttpResponse:
    channel = Channel.objects.filter(kind="widget", is_active=True).order_by("created_at").first()
    if channel is None:
        raise Http404
    tenant = request.tenant  # type: ignore[attr-defined]
    language = "ru" if tenant.language == "ru" else "en"
    context = {"channel": channel, "shop": tenant.name, "language": language, "products": PRODUCTS[language]}
    return render(request, f"demo/shop_{language}.html", context)
