"""The page on which a view is made: plain form fields, so that it works by keyboard, on phones and without scripts.

Every button sends the whole form; what comes back is the form as it is now, with the count and the first conversations."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from omnisupport.lib.errors import AppError, InvalidInput
from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.models import User
from tickets import queries
from tickets.conditions import OP_LABELS, Field, read_conditions
from tickets.models import SavedView, Sort, Team, Visibility
from tickets.services.views import delete_view, may_change, save_view

_UNITS = (("m", "minutes"), ("h", "hours"), ("d", "days"))
_FIRST = {
    "match": "all",
    "groups": [{"match": "all", "conditions": [{"field": "status", "op": "any", "value": ["open"]}]}],
}


@dataclass
class Line:
    """One condition as the form shows it. `name` begins the names of its inputs."""

    name: str
    field: Field
    op: str
    value: Any
    error: str = ""

    @property
    def place(self) -> str:
        """`<group>-<condition>`."""
        return self.name.replace("g", "").replace("c", "")

    @property
    def ops(self) -> list[tuple[str, str]]:
        return [(op, str(OP_LABELS[op])) for op in self.field.ops]

    @property
    def input(self) -> str:
        """What the value is written in."""
        if self.op in {"set", "unset", "yes", "no"}:
            return ""
        if self.op in {"any", "none", "all"}:
            return "options"
        if self.op in {"newer", "older"}:
            return "span"
        if self.op in {"on", "from", "before"}:
            return "date"
        return "number" if self.field.kind == "number" else "text"

    @property
    def chosen(self) -> list[str]:
        return self.value if isinstance(self.value, list) else []

    @property
    def amount(self) -> str:
        return self.value[:-1] if isinstance(self.value, str) else ""

    @property
    def unit(self) -> str:
        return self.value[-1:] if isinstance(self.value, str) else ""


@agent_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, view_id: int | None = None) -> HttpResponse:
    user = signed_in(request)
    view = queries.get_saved_view(view_id, user) if view_id is not None else None
    fields = queries.condition_fields(user)
    if request.method == "GET":
        return _page(request, view, _form_of(view), fields)
    form, do = _read(request.POST, fields), request.POST.get("do", "")
    if do == "delete" and view is not None:
        delete_view(view, user)
        messages.success(request, _("Deleted."))
        return redirect("inbox:list")
    if do == "save":
        try:
            saved = save_view(view, user=user, **form)
        except AppError as error:
            return _page(request, view, form, fields, error)
        return redirect(f"/inbox/?view={saved.key}")
    _apply(form["conditions"], do)
    return _page(request, view, form, fields)


def _form_of(view: SavedView | None) -> dict[str, Any]:
    if view is None:
        return {
            "name": "",
            "visibility": Visibility.PERSONAL,
            "team_id": None,
            "sort": Sort.ACTIVITY,
            "conditions": _FIRST,
        }
    return {
        "name": view.name, "visibility": view.visibility, "team_id": view.team_id, "sort": view.sort,
        "conditions": view.conditions,
    }  # fmt: skip


# ---- From the form ---------------------------------------------------------------------------------------------------


def _read(post: QueryDict, fields: dict[str, Field]) -> dict[str, Any]:
    team = post.get("team", "")
    return {
        "name": post.get("name", ""),
        "visibility": post.get("visibility", ""),
        "team_id": int(team) if team.isascii() and team.isdecimal() and len(team) <= 18 else None,
        "sort": post.get("sort", ""),
        "conditions": {"match": post.get("match", "all"), "groups": _read_groups(post, fields)},
    }


def _read_groups(post: QueryDict, fields: dict[str, Field]) -> list[dict[str, Any]]:
    groups = []
    for number in range(10):
        if f"g{number}-match" not in post:
            break
        conditions = []
        for index in range(20):
            name = f"g{number}-c{index}"
            field = fields.get(post.get(f"{name}-field", ""))
            if field is None:
                break
            conditions.append(_read_line(post, name, field))
        groups.append({"match": post[f"g{number}-match"], "conditions": conditions})
    return groups


def _read_line(post: QueryDict, name: str, field: Field) -> dict[str, Any]:
    op = post.get(f"{name}-op", "")
    op = op if op in field.ops else field.ops[0]
    line = Line(name, field, op, None)
    # Another field was chosen: what was written for the one before means nothing to it.
    if post.get(f"{name}-was", field.key) != field.key:
        return {"field": field.key, "op": op, "value": None}
    value: Any
    match line.input:
        case "options":
            value = post.getlist(f"{name}-options")
        case "span":
            value = f"{post.get(f'{name}-amount', '').strip()}{post.get(f'{name}-unit', '')}"
        case "number":
            value = _number(post.get(f"{name}-value", ""))
        case "":
            value = None
        case _:
            value = post.get(f"{name}-value", "").strip()
    return {"field": field.key, "op": op, "value": value}


def _number(text: str) -> float | int | str:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def _apply(conditions: dict[str, Any], do: str) -> None:
    """A button beside the conditions: `group`, `add-<group>`, `drop-<group>-<condition>`."""
    groups, new = conditions["groups"], {"field": "status", "op": "any", "value": None}
    what, *places = do.split("-")
    numbers = [int(place) for place in places if place.isascii() and place.isdecimal() and len(place) < 3]
    if what == "group" and len(groups) < 10:
        groups.append({"match": "all", "conditions": [new]})
    elif what == "add" and numbers and numbers[0] < len(groups) and len(groups[numbers[0]]["conditions"]) < 20:
        groups[numbers[0]]["conditions"].append(new)
    elif what == "drop" and len(numbers) == 2 and numbers[0] < len(groups):
        del groups[numbers[0]]["conditions"][numbers[1] : numbers[1] + 1]
        if not groups[numbers[0]]["conditions"]:
            del groups[numbers[0]]


# ---- To the form -----------------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    view: SavedView | None,
    form: dict[str, Any],
    fields: dict[str, Field],
    refused: AppError | None = None,
) -> HttpResponse:
    user = signed_in(request)
    found, wrong = _find(form, fields, user)
    # A value that is not written yet is no mistake before somebody saves.
    error = refused or (wrong if request.method == "GET" else None)
    context = {
        "view": view,
        "may_change": view is None or may_change(view, user),
        "form": form,
        "groups": _groups(form["conditions"], fields, error),
        "fields": list(fields.values()),
        "units": [(unit, {"m": _("minutes"), "h": _("hours"), "d": _("days")}[unit]) for unit, _name in _UNITS],
        "sorts": Sort.choices,
        "visibilities": [choice for choice in Visibility.choices if choice[0] != Visibility.EVERYONE or user.is_admin],
        "teams": Team.objects.all() if user.is_admin else Team.objects.filter(members=user),
        "error": error,
        "found": found,
        "incomplete": wrong,
        "page_title": view.name if view else _("New view"),
    }
    response = render(request, "inbox/view.html", context, status=refused.status if refused else 200)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _find(form: dict[str, Any], fields: dict[str, Field], user: User) -> tuple[queries.Found | None, AppError | None]:
    """What the view shows as it stands; or why it shows nothing yet."""
    try:
        conditions = read_conditions(form["conditions"], fields)
    except InvalidInput as error:
        return None, error
    sort = form["sort"] if form["sort"] in Sort.values else Sort.ACTIVITY
    draft = SavedView(conditions=conditions.to_json(), sort=sort, owner=user)
    return queries.preview(queries.Selection(user, "v0", saved=draft)), None


def _groups(conditions: dict[str, Any], fields: dict[str, Field], error: AppError | None) -> list[dict[str, Any]]:
    where = error.field if error else ""
    groups = []
    for number, group in enumerate(conditions["groups"]):
        lines = []
        for index, condition in enumerate(group["conditions"]):
            key = condition["field"]
            # A field that was deleted stays to be seen and removed.
            field = fields.get(key) or Field(key, _("deleted field: %(key)s") % {"key": key}, "text")
            sentence = str(error) if where == f"conditions.{number}.{index}" else ""
            op = condition["op"] if condition["op"] in field.ops else field.ops[0]
            lines.append(Line(f"g{number}-c{index}", field, op, condition["value"], sentence))
        groups.append({"number": number, "name": f"g{number}-match", "match": group["match"], "lines": lines})
    return groups
