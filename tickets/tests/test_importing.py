"""CSV of contacts and companies, in and out."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from omnisupport.lib.sheets import plain_cell, read_sheet, safe_cell
from tickets.models import Company, Contact, ContactImport, CustomField
from tickets.services import importing
from tickets.services.contacts import update_contact

TABLE = (
    "ФИО;Эл. почта;Телефон;Компания;Тариф;Ненужное\r\n"
    "Анна Петрова;anna@romashka.example;8 916 123-45-67;Ромашка;3;x\r\n"
    ";;;;;\r\n"
    "Борис;не почта;;;1;x\r\n"
    "Вера;;+7 916 123-45-68;РОМАШКА;много;x\r\n"
    "Глеб;;;;;x\r\n"
    "Дарья;darya@mail.ru;;;;\r\n"
)


def upload(shop, raw: bytes, kind: str = "contacts"):
    file = SimpleUploadedFile("клиенты.csv", raw)
    return shop.client(shop.admin).post("/contacts/import/", {"file": file, "kind": kind})


def imported(shop, raw: bytes, kind: str = "contacts", **columns: str) -> ContactImport:
    path = upload(shop, raw, kind).headers["Location"]
    found = ContactImport.objects.order_by("-id")[0]
    chosen = {f"column-{place}": code for place, code in (columns or found.columns).items()}
    assert shop.client(shop.admin).post(path, chosen).status_code == 302
    while importing.run_import(found.id):
        pass
    found.refresh_from_db()
    return found


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig"])
def test_a_table_of_people_comes_in_whatever_wrote_it(shop, encoding):
    CustomField.objects.create(target="contact", key="plan", label="Тариф", type="number")
    shop.admin.language = "en"
    shop.admin.save()
    upload(shop, TABLE.encode(encoding))
    page = shop.client(shop.admin).get(f"/contacts/import/{ContactImport.objects.get().id}/").content.decode()
    assert "anna@romashka.example" in page
    assert page.count("selected") >= 5
    found = imported(shop, TABLE.encode(encoding))
    assert (found.state, found.made, found.changed, found.done) == ("done", 2, 0, 5)
    anna = Contact.objects.get(email="anna@romashka.example")
    assert (anna.name, anna.phone, anna.company.name, anna.attributes) == (
        "Анна Петрова", "+79161234567", "Ромашка", {"plan": 3},
    )  # fmt: skip
    assert [(row["row"], row["why"][:12]) for row in found.refused] == [
        (3, "Enter a vali"), (4, "Тариф: this "), (5, "No e-mail ad"),
    ]  # fmt: skip
    assert Company.objects.count() == 1
    refused = shop.client(shop.admin).get(f"/contacts/import/{found.id}/refused.csv").content.decode("utf-8-sig")
    assert [row[1] for row in csv.reader(io.StringIO(refused))] == ["ФИО", "Борис", "Вера", "Глеб"]


def test_the_same_file_twice_makes_nothing_twice_and_a_newer_one_changes(shop):
    table = "id,name,email,phone\n7,Анна,a@x.example,\n,Борис,b@x.example,+79161234567\n"
    assert imported(shop, table.encode()).made == 2
    again = imported(shop, table.encode())
    assert (again.made, again.changed, Contact.objects.count()) == (0, 0, 2)
    newer = imported(shop, "id,name,email,phone\n7,Анна П.,new@x.example,\n,,,8 (916) 123 45 67\n".encode())
    assert (newer.made, newer.changed, newer.refused) == (0, 1, [])
    assert set(Contact.objects.values_list("name", "email")) == {("Анна П.", "new@x.example"), ("Борис", "b@x.example")}


def test_an_import_that_was_cut_short_goes_on_where_it_stopped(shop, monkeypatch):
    monkeypatch.setattr(importing, "_BITE", 2)
    monkeypatch.setattr(importing, "_BUDGET", -1)
    path = upload(shop, b"name,email\n" + b"".join(b"N%d,n%d@x.example\n" % (n, n) for n in range(5))).headers[
        "Location"
    ]
    shop.client(shop.admin).post(path, {"column-0": "name", "column-1": "email"})
    found = ContactImport.objects.get()
    assert importing.run_import(found.id)
    assert Contact.objects.count() == 0
    monkeypatch.setattr(importing, "_BUDGET", 60)
    real, calls = importing._take, []

    def breaks(*asked):
        calls.append(1)
        if len(calls) == 4:
            raise ConnectionError
        return real(*asked)

    monkeypatch.setattr(importing, "_take", breaks)
    with pytest.raises(ConnectionError):
        importing.run_import(found.id)
    assert Contact.objects.count() == 2
    monkeypatch.setattr(importing, "_take", real)
    assert not importing.run_import(found.id)
    found.refresh_from_db()
    assert (Contact.objects.count(), found.made, found.state) == (5, 5, "done")


def test_companies_come_in_too(shop):
    found = imported(shop, "Название;Домен\nРомашка;romashka.example\nВсе;mail.ru\n".encode("cp1251"), "companies")
    assert (found.made, len(found.refused)) == (1, 1)
    assert Company.objects.get().domain == "romashka.example"
    out = shop.client(shop.admin).get("/companies/export.csv").content.decode("utf-8-sig")
    assert out.splitlines() == ["name,domain,notes", "Ромашка,romashka.example,"]


def test_no_cell_of_an_export_is_a_formula_and_it_comes_back_as_it_was(shop):
    contact = shop.customer_writes().ticket.contact
    evil = '=HYPERLINK("http://x";"y")'
    update_contact(contact.id, changes={"name": evil, "phone": "+79161234567", "notes": "-1\tи @x"}, actor=None)
    raw = shop.client(shop.admin).get("/contacts/export.csv").content
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[1][:3] == [f"'{evil}", "", "'+79161234567"]
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@")]
    again = imported(shop, raw)
    assert (again.made, again.changed, again.refused) == (0, 0, [])
    contact.refresh_from_db()
    assert contact.name == evil


@pytest.mark.parametrize("text", ["=1", "＝1", " @x", "-5", "просто", "'цитата", ""])
def test_a_cell_survives_the_way_out_and_in(text):
    assert plain_cell(safe_cell(text)) == text.strip()


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"a\x00b;c\n1;2\n", b"name;email\n", b"\xff\xd8\xff\xe0\x00\x10JFIF"])
def test_what_is_no_table_is_refused_in_words(shop, raw):
    answer = upload(shop, raw)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_columns_have_to_make_sense(shop):
    path = upload(shop, b"a;b\n1;2\n").headers["Location"]
    client = shop.client(shop.admin)
    for columns in ({}, {"column-0": "email", "column-1": "email"}, {"column-0": "name"}):
        assert client.post(path, columns).status_code == 400
    assert read_sheet(b"a,b\n1,2").delimiter == ","


ADMINS_ONLY = (
    "contacts/import",
    "contacts/import/1",
    "contacts/import/1/refused.csv",
    "contacts/export.csv",
    "companies/export.csv",
)


@pytest.mark.parametrize("path", ADMINS_ONLY)
def test_tables_are_for_admins(shop, path):
    path = path if path.endswith("csv") else f"{path}/"
    assert shop.client(shop.agent).get(f"/{path}").status_code == 403


def test_a_program_imports_by_token(shop, rival, monkeypatch):
    monkeypatch.setattr("tickets.api_imports.wake", lambda *_args: True)
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")

    def post(path, data):
        answer = client.post(f"/api/v1/contact-imports/{path}", data, "application/json")
        return answer.status_code, answer.json()

    table = SimpleUploadedFile("people.csv", "Имя,Почта,Город\nАнна,anna@x.example,Уфа\nБорис,не почта,\n".encode())
    made = client.post("/api/v1/contact-imports/", {"file": table, "kind": "contacts"})
    assert made.status_code == 201
    made = made.json()
    assert (made["state"], made["total"], made["columns"]) == ("draft", 2, {"0": "name", "1": "email"})
    path = f"{made['id']}/begin/"
    for columns in ({"0": "name"}, {"0": "email", "1": "email"}, {"0": "shoe size", "1": "email"}, {"9": "email"}):
        code, refused = post(path, {"columns": columns})
        assert (code, refused["error"]["field"]) == (400, "columns"), columns
    code, begun = post(path, {})
    assert (code, begun["state"]) == (202, "waiting")
    assert post(path, {})[0] == 409
    importing.run_import(int(made["id"]))
    done = client.get(f"/api/v1/contact-imports/{made['id']}/").json()
    assert (done["state"], done["done"], done["made"], done["refused"][0]["row"]) == ("done", 2, 1, 3)
    assert "Борис" in client.get(f"/api/v1/contact-imports/{made['id']}/refused.csv/").content.decode()
    assert Contact.objects.get(email="anna@x.example").name == "Анна"
    agent = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    stranger = rival.client(HTTP_AUTHORIZATION=f"Bearer {rival.token(rival.admin)}")
    for somebody, code in ((agent, 403), (stranger, 404)):
        assert somebody.get(f"/api/v1/contact-imports/{made['id']}/").status_code == code
        assert somebody.post(f"/api/v1/contact-imports/{path}", {}, "application/json").status_code == code
    assert agent.get("/api/v1/contact-imports/").status_code == 403


def test_a_list_of_imports_costs_the_same_for_one_and_for_three(shop, django_assert_num_queries):
    client = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    for count in (1, 3):
        while ContactImport.objects.count() < count:
            ContactImport.objects.create(name="x.csv", shape={"header": ["a"], "rows": 1}, user=shop.admin)
        with django_assert_num_queries(4):
            assert len(client.get("/api/v1/contact-imports/").json()["results"]) == count
