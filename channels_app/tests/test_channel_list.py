"""The list of channels: what each is, and a heading for each value where the screen has no room for columns."""

from channels_app.models import Channel


def test_the_kind_stands_beside_the_name_unless_it_is_the_name(shop):
    Channel.objects.create(kind="max", name="Магазин")
    Channel.objects.create(kind="viber", name="Viber")
    page = shop.client(shop.agent).get("/channels/").content.decode()
    assert '<span class="muted">MAX</span>' in page
    assert '<span class="muted">Viber</span>' not in page
    assert page.count('data-label="Last message in"') == 3
