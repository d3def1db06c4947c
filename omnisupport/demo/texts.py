"""What the demo workspaces know. Each document is a title and sections; a section is a heading and its blocks: a paragraph,
a list (tuple of items) or a table (list of rows)."""

Block = str | tuple[str, ...] | list[list[str]]
Section = tuple[str, list[Block]]

DELIVERY_RU: list[Section] = [
    (
        "Сроки и стоимость доставки",
        [
            "Мы отправляем заказы по всей России из склада в Ярославле. Заказ, оплаченный до 14:00 по московскому времени, уходит "
            "в тот же рабочий день; оплаченный позже — на следующий.",
            [
                ["Способ", "Срок", "Стоимость"],
                ["Курьер по Ярославлю", "1 день", "250 ₽"],
                ["Пункт выдачи в Москве и Санкт-Петербурге", "2–3 дня", "290 ₽"],
                ["Пункт выдачи в других городах", "3–7 дней", "390 ₽"],
                ["Почта России", "5–14 дней", "по тарифу почты, от 340 ₽"],
            ],
            "Доставка в пункт выдачи бесплатна при заказе от 6 000 ₽. На палатки и байдарки бесплатная доставка не действует: они "
            "едут транспортной компанией, стоимость менеджер сообщает до оплаты.",
        ],
    ),
    (
        "Как узнать, где заказ",
        [
            "Трек-номер приходит на почту и в СМС в день отправки. Если через два рабочих дня после оплаты номера нет, напишите нам "
            "и укажите номер заказа — мы проверим отправку.",
            "Заказ хранится в пункте выдачи 7 дней. Срок можно один раз продлить ещё на 3 дня в личном кабинете или через чат.",
        ],
    ),
    (
        "Оплата",
        [
            "Принимаем банковские карты «Мир», Visa и Mastercard российских банков, СБП и оплату при получении в пункте выдачи. "
            "Наличные берёт только курьер по Ярославлю.",
            "Организациям выставляем счёт: пришлите реквизиты в чат, счёт действует 5 рабочих дней. Закрывающие документы едут в "
            "коробке с заказом и через ЭДО.",
            "Чек приходит на почту сразу после оплаты. Если чека нет, проверьте папку «Спам»; повторно чек отправим по просьбе.",
        ],
    ),
]

RETURNS_RU: list[Section] = [
    (
        "Возврат товара",
        [
            "Товар надлежащего качества можно вернуть в течение 30 дней со дня получения, если им не пользовались и сохранились "
            "ярлыки и упаковка. По закону срок 7 дней, мы даём больше.",
            "Как вернуть:",
            (
                "Оформите заявку в личном кабинете, раздел «Заказы», кнопка «Вернуть».",
                "Распечатайте бланк и положите его в коробку.",
                "Отдайте коробку в любой пункт выдачи СДЭК — пересылка за наш счёт.",
                "Деньги вернутся на карту за 3–10 рабочих дней после того, как склад примет посылку.",
            ),
            "Не принимаем обратно: нижнее бельё и термобельё со снятой пломбой, газовые баллоны, продукты, подарочные карты.",
        ],
    ),
    (
        "Обмен размера",
        [
            "Обувь и одежду меняем на другой размер бесплатно один раз. Нужный размер резервируем на 5 дней с момента заявки. "
            "Если размера нет в наличии, оформим возврат.",
        ],
    ),
    (
        "Гарантия",
        [
            [
                ["Товар", "Гарантия"],
                ["Палатки и тенты", "24 месяца"],
                ["Рюкзаки", "36 месяцев"],
                ["Спальные мешки", "24 месяца"],
                ["Горелки и фонари", "12 месяцев"],
                ["Обувь", "6 месяцев"],
            ],
            "Гарантия покрывает брак: разошедшийся шов, сломанную молнию, протечку по шву. Она не покрывает порезы, прожоги, "
            "износ подошвы и стирку не по ярлыку.",
            "Для гарантийного обращения пришлите фото дефекта и номер заказа. Ответим за 2 рабочих дня, ремонт занимает до 20 "
            "дней. На время ремонта палатки дольше 10 дней выдаём подменную.",
        ],
    ),
    (
        "Если пришёл не тот товар или он повреждён",
        [
            "Сфотографируйте коробку и товар и напишите в чат в течение 3 дней после получения. Заменим за свой счёт или вернём "
            "деньги — как удобнее вам. Видео распаковки помогает, но не обязательно.",
        ],
    ),
]

BONUS_RU: list[Section] = [
    (
        "Бонусная программа «Тропа»",
        [
            "За каждый заказ начисляем бонусы: 1 бонус равен 1 рублю. Бонусы появляются через 14 дней после получения заказа и "
            "действуют 12 месяцев.",
            [
                ["Уровень", "Сумма покупок за год", "Начисление"],
                ["Тропинка", "до 15 000 ₽", "3 %"],
                ["Тропа", "от 15 000 ₽", "5 %"],
                ["Хребет", "от 60 000 ₽", "8 %"],
            ],
            "Бонусами можно оплатить до 30 % заказа. На товары со скидкой больше 20 % бонусы не начисляются и не списываются.",
        ],
    ),
    (
        "Подарочные карты",
        [
            "Карты бывают на 1 000, 3 000, 5 000 и 10 000 ₽. Электронная приходит на почту за 15 минут, пластиковую отправляем с "
            "заказом. Карта действует 2 года, остаток не сгорает до конца срока, обменять её на деньги нельзя.",
        ],
    ),
    (
        "Прокат снаряжения",
        [
            "В магазине на улице Свободы, 18 в Ярославле можно взять в прокат палатки, рюкзаки и спальники. Палатка на двоих стоит "
            "600 ₽ в сутки, залог 5 000 ₽. Прокат работает по записи, ежедневно с 10:00 до 20:00.",
        ],
    ),
]

DELIVERY_EN: list[Section] = [
    (
        "Shipping times and prices",
        [
            "We roast on Mondays and Thursdays and ship the same day, so your coffee is never older than three days when it leaves. "
            "Orders placed before 9 am on a roasting day go out that day; later ones wait for the next roast.",
            [
                ["Destination", "Time", "Price"],
                ["United Kingdom", "1–2 working days", "£3.90"],
                ["Ireland", "3–4 working days", "£6.50"],
                ["European Union", "4–7 working days", "£9.80"],
            ],
            "Shipping within the United Kingdom is free for orders of £35 and more. We do not ship outside Europe.",
        ],
    ),
    (
        "Tracking and missing parcels",
        [
            "The tracking link is in the dispatch e-mail. If the parcel has not moved for five working days, tell us the order number "
            "and we send a replacement from the next roast at no cost.",
        ],
    ),
    (
        "Payment and invoices",
        [
            "We take Visa, Mastercard, Apple Pay and Google Pay. Cafés with an account can pay by invoice within 14 days. VAT "
            "invoices are attached to the order confirmation.",
        ],
    ),
]

RETURNS_EN: list[Section] = [
    (
        "Coffee you do not enjoy",
        [
            "If you do not like a bag, write to us within 30 days: we send another coffee of the same price or refund it. You may keep "
            "the first bag, food cannot be sent back.",
        ],
    ),
    (
        "Returning equipment",
        [
            "Grinders, brewers and kettles can be returned unused within 30 days.",
            (
                "Ask for a return label in the chat and give the order number.",
                "Pack the item in its original box.",
                "Drop it at any post office; we pay the postage.",
                "The refund reaches your card within 7 working days after we receive the parcel.",
            ),
        ],
    ),
    (
        "Warranty",
        [
            [
                ["Item", "Warranty"],
                ["Hand grinders", "5 years"],
                ["Electric grinders", "2 years"],
                ["Kettles and scales", "2 years"],
                ["Glass and ceramics", "none, but broken on arrival is replaced"],
            ],
            "Burrs count as wear and are not covered; a new set costs £18 for hand grinders. Repairs take up to 15 working days.",
        ],
    ),
]

CLUB_EN: list[Section] = [
    (
        "The Harbor subscription",
        [
            "Choose one, two or four bags a month, whole bean or ground. Subscribers pay 12 % less than the shop price and can pause "
            "for up to three months, change the coffee or cancel at any time before the 25th of the month.",
            "A subscription begun as a gift runs for 3, 6 or 12 months and does not renew by itself.",
        ],
    ),
    (
        "Points",
        [
            "Every pound spent gives one point; 100 points are worth £5 off the next order. Points expire 18 months after the purchase. "
            "Subscriptions collect points too, gift cards do not.",
        ],
    ),
    (
        "Tastings",
        [
            "We cup on the first Saturday of the month at 11 am in the roastery, 4 Quay Street, Falmouth. Places are free, twelve "
            "people at most, booked in the chat.",
        ],
    ),
]

DOCUMENTS: dict[str, list[tuple[str, str, list[Section]]]] = {
    "shop": [
        ("dostavka-i-oplata.pdf", "Лесная лавка: доставка и оплата", DELIVERY_RU),
        ("vozvrat-i-garantiya.docx", "Лесная лавка: возврат, обмен и гарантия", RETURNS_RU),
        ("bonusy-i-prokat.html", "Лесная лавка: бонусы, карты и прокат", BONUS_RU),
    ],
    "harbor": [
        ("shipping-and-payment.pdf", "Harbor Coffee: shipping and payment", DELIVERY_EN),
        ("returns-and-warranty.docx", "Harbor Coffee: returns and warranty", RETURNS_EN),
        ("subscription-and-points.html", "Harbor Coffee: subscription, points, tastings", CLUB_EN),
    ],
}
