"""Shapes of the REST API. Writes go through tickets.services; nothing here saves."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from tickets.models import (
    Attachment,
    Company,
    Contact,
    ContactAddress,
    CustomField,
    CustomStatus,
    Message,
    MessageKind,
    Priority,
    Status,
    Tag,
    Team,
    Ticket,
)


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["id", "name", "members"]


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class AddressSerializer(serializers.ModelSerializer[ContactAddress]):
    channel = serializers.UUIDField(source="channel_id", read_only=True)

    class Meta:
        model = ContactAddress
        fields = ["id", "channel", "address", "unreachable_reason", "last_inbound_at"]
        read_only_fields = fields


class ContactSerializer(serializers.ModelSerializer[Contact]):
    addresses = AddressSerializer(many=True, read_only=True)
    attributes = serializers.DictField(required=False)
    company = serializers.CharField(source="company_id", read_only=True, allow_null=True)
    company_name = serializers.CharField(
        required=False, write_only=True, allow_blank=True, max_length=200, help_text="Known or made now; empty: none."
    )

    class Meta:
        model = Contact
        fields = [
            "id", "name", "email", "phone", "language", "attributes", "company", "company_name", "notes", "is_blocked",
            "addresses", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "is_blocked", "created_at"]


class CompanySerializer(serializers.ModelSerializer[Company]):
    id = serializers.CharField(read_only=True)
    attributes = serializers.DictField(required=False)

    class Meta:
        model = Company
        fields = ["id", "name", "domain", "attributes", "notes", "created_at"]
        read_only_fields = ["id", "created_at"]
        # What is another's is said by services.
        extra_kwargs: dict[str, Any] = {"name": {"validators": []}, "domain": {"validators": []}}


class OtherContactSerializer(serializers.Serializer[Any]):
    contact = serializers.UUIDField()


class ErasureSerializer(serializers.Serializer[Any]):
    named = serializers.CharField(max_length=200)


class CustomStatusSerializer(serializers.ModelSerializer[CustomStatus]):
    class Meta:
        model = CustomStatus
        fields = ["id", "name", "category", "position", "is_active"]
        read_only_fields = fields


class CustomFieldSerializer(serializers.ModelSerializer[CustomField]):
    options = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = CustomField
        fields = ["id", "target", "key", "label", "type", "options", "pattern", "hint", "required_to_solve", "position"]
        read_only_fields = fields


class StateSerializer(serializers.ModelSerializer[CustomStatus]):
    class Meta:
        model = CustomStatus
        fields = ["id", "name"]


class RevealSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(max_length=18, help_text="`email`, `phone`, or the id of one of the addresses.")


class RevealedSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()


class BlockSerializer(serializers.Serializer[Any]):
    is_blocked = serializers.BooleanField(default=True)


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    id = serializers.CharField(read_only=True)
    number = serializers.CharField(read_only=True)
    contact = serializers.UUIDField(source="contact_id", read_only=True)
    channel = serializers.UUIDField(source="channel_id", read_only=True)
    assignee = serializers.UUIDField(source="assignee_id", read_only=True, allow_null=True)
    tags = serializers.SlugRelatedField[Tag](slug_field="name", many=True, read_only=True)
    custom_status = StateSerializer(read_only=True, allow_null=True)
    attributes = serializers.DictField(read_only=True)
    merged_into = serializers.CharField(source="merged_into_id", read_only=True, allow_null=True)

    class Meta:
        model = Ticket
        fields = [
            "id", "number", "subject", "status", "custom_status", "priority", "contact", "channel", "assignee", "team", "tags",
            "created_at", "last_activity_at", "waiting_since", "first_reply_at", "solved_at", "reopened_count",
            "handed_over_at", "handoff_reason", "attributes", "is_snoozed", "wakes_at", "is_spam",
            "merged_into", "incident",
        ]  # fmt: skip
        read_only_fields = fields


class TicketChangeSerializer(serializers.Serializer[Any]):
    """What PATCH may change; anything else is refused, not ignored."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
    # An id of `custom-statuses/`; null goes back to the plain name of the status.
    custom_status = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=10**9 - 1)
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    assignee = serializers.UUIDField(required=False, allow_null=True)
    team = serializers.IntegerField(required=False, allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=50)
    # By key of a custom field; the others stay as they are, null empties one.
    attributes = serializers.DictField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({name: [_("This field cannot be changed here.")] for name in unknown})
        return super().to_internal_value(data)


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    url = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = ["id", "kind", "name", "mime", "size", "state", "error", "url"]
        read_only_fields = fields

    def get_url(self, attachment: Attachment) -> str | None:
        return f"/files/{attachment.id}/" if attachment.state == Attachment.State.READY else None


class MessageSerializer(serializers.ModelSerializer[Message]):
    id = serializers.CharField(read_only=True)
    ticket = serializers.CharField(source="ticket_id", read_only=True)
    user = serializers.UUIDField(source="user_id", read_only=True, allow_null=True)
    reply_to = serializers.CharField(source="reply_to_id", read_only=True, allow_null=True)
    attachments = AttachmentSerializer(many=True, read_only=True)
    content = serializers.DictField(read_only=True)

    class Meta:
        model = Message
        fields = [
            "id", "ticket", "client_id", "kind", "author", "user", "text", "content", "reply_to", "attachments", "delivery",
            "delivery_error", "created_at", "sent_at", "edited_at", "deleted_at",
        ]  # fmt: skip
        read_only_fields = fields


class NewMessageSerializer(serializers.Serializer[Any]):
    """`client_id` (or the header Idempotency-Key) makes repeats safe: the same id is the same message."""

    client_id = serializers.UUIDField(required=False)
    text = serializers.CharField(allow_blank=True, default="", max_length=20_000, trim_whitespace=False)
    kind = serializers.ChoiceField(choices=MessageKind.choices, default=MessageKind.PUBLIC)
    attachments = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=10)
    reply_to = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    mentions = serializers.ListField(
        child=serializers.CharField(max_length=60),
        default=list,
        max_length=30,
        help_text="Whom a note calls: `u:<user id>`, `t:<team id>`; the text has their name after an @.",
    )
    seen = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**63 - 1,
        help_text="Id of the newest message that was read. A reply is refused (409 `added_since`) when others have added more.",
    )


class NewWordsSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=20_000, trim_whitespace=False)


class TranscriptFormSerializer(serializers.Serializer[Any]):
    form = serializers.ChoiceField(choices=["txt", "html"], default="txt")


class TranscriptLetterSerializer(serializers.Serializer[Any]):
    client_id = serializers.UUIDField(required=False)


class SearchSerializer(serializers.Serializer[Any]):
    """What `search/messages/` is asked. `after` comes from the `next` of the page before."""

    q = serializers.CharField(max_length=200, trim_whitespace=False)
    sort = serializers.ChoiceField(choices=["newest", "best"], default="newest")
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    channel = serializers.UUIDField(required=False)
    team = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    assignee = serializers.UUIDField(required=False)
    after = serializers.CharField(required=False, max_length=40)


class PieceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    hit = serializers.BooleanField()


class FoundSerializer(serializers.Serializer[Any]):
    """One conversation, its message that answers, and the words around the answer; no message where its number was asked."""

    ticket = TicketSerializer()
    message = serializers.CharField(source="message_id", allow_null=True)
    author = serializers.CharField(source="message.author", allow_null=True, default=None)
    at = serializers.DateTimeField(source="message.created_at", allow_null=True, default=None)
    fragment = PieceSerializer(many=True)


class FoundPageSerializer(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    results = FoundSerializer(many=True)


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()
