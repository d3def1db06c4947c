"""Our transport for Redis: a channel whose connection is gone fails like a broken connection, which workers live through."""

import pytest

from omnisupport.celery import app


def test_a_closed_channel_is_a_broken_connection():
    with app.connection_for_read() as connection:
        channel = connection.channel()
        broken = connection.connection_errors
        connection.collect()
    with pytest.raises(broken):
        channel.basic_ack("a message of before")
