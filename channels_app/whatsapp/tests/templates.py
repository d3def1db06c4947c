"""What a company has had approved."""

TEMPLATES = [
    {"id": "1", "name": "order_ready", "language": "ru", "status": "APPROVED", "category": "UTILITY", "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Заказ {{1}}"},
        {"type": "BODY", "text": "Заказ {{1}} ждёт до {{2}}."}, {"type": "FOOTER", "text": "Демо Магазин"},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Ок"},
                                        {"type": "URL", "text": "Где", "url": "https://shop.example/{{1}}"}]}]},
    {"id": "2", "name": "hello", "language": "en_US", "status": "PAUSED", "category": "MARKETING", "components": [
        {"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hello {{ first_name }}"}]},
    {"id": "3", "name": "no_body", "language": "ru", "status": "APPROVED", "components": None},
]  # fmt: skip
