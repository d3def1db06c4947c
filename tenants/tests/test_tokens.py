"""A JWT is bound to its workspace, a refresh token works once, reuse ends the login."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import AccessToken

from tenants.accounts.models import User
from tenants.accounts.tokens import authenticate_access_token, issue_tokens, refresh_tokens
from tenants.db import tenant_context


def test_an_access_token_opens_its_own_workspace_only(shop, rival):
    tokens = issue_tokens(shop.agent)
    assert authenticate_access_token(tokens["access"]) == shop.agent
    with rival.enter():
        # The same id exists there too: only the binding protects.
        User.objects.filter(id=rival.agent.id).delete()
        User(id=shop.agent.id, email="twin@example.com", name="Twin").save(force_insert=True)
        with pytest.raises(InvalidToken):
            authenticate_access_token(tokens["access"])
        with pytest.raises(InvalidToken):
            refresh_tokens(tokens["refresh"])


def test_a_forged_tenant_claim_is_refused(shop, rival):
    token = AccessToken(issue_tokens(shop.agent)["access"])
    token["tid"] = str(rival.uuid)
    with rival.enter(), pytest.raises(InvalidToken):
        authenticate_access_token(str(token))


def test_a_refresh_token_works_once_and_reuse_ends_the_login(shop):
    first = issue_tokens(shop.agent)
    second = refresh_tokens(first["refresh"])
    with pytest.raises(InvalidToken):
        refresh_tokens(first["refresh"])
    with pytest.raises(InvalidToken):
        refresh_tokens(second["refresh"])
    with pytest.raises(InvalidToken):
        authenticate_access_token(second["access"])


def test_of_parallel_refreshes_exactly_one_wins(live_shop):
    refresh = issue_tokens(live_shop.agent)["refresh"]

    def attempt(_number: int) -> bool:
        with tenant_context(live_shop.schema):
            try:
                refresh_tokens(refresh)
            except InvalidToken:
                return False
            else:
                return True
            finally:
                connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(20))) == 1


def test_somebody_who_left_is_refused(shop):
    token = issue_tokens(shop.agent)["access"]
    User.objects.filter(id=shop.agent.id).update(is_active=False)
    with pytest.raises(Exception, match=r"."):
        authenticate_access_token(token)


@pytest.mark.parametrize("claim", ["sub", "fam"])
def test_garbage_claims_are_refused_not_crashing(shop, claim):
    token = AccessToken(issue_tokens(shop.agent)["access"])
    token[claim] = {"a": [1]}
    with pytest.raises(Exception) as caught:
        authenticate_access_token(str(token))
    assert getattr(caught.value, "status_code", None) == 401
