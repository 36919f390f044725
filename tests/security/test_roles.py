"""The table of roles."""

import pytest

from caxton.domain.errors import Forbidden
from caxton.security.roles import PERMISSIONS, Permission, Principal, Role, authorize, is_allowed


@pytest.mark.parametrize("role", list(Role))
def test_what_the_table_lists_is_allowed_and_the_rest_is_denied(role: Role) -> None:
    principal = Principal("id", "name", role)
    for permission in Permission:
        assert is_allowed(principal, permission) is (permission in PERMISSIONS[role])
        if permission in PERMISSIONS[role]:
            authorize(principal, permission)
        else:
            with pytest.raises(Forbidden) as refused:
                authorize(principal, permission, "agent 7")
            assert refused.value.permission == permission
            assert refused.value.role == role
            assert refused.value.subject == "agent 7"


def test_an_admin_may_do_everything_and_nobody_else_may_manage_tokens() -> None:
    assert PERMISSIONS[Role.ADMIN] == set(Permission)
    managers = [role for role in Role if Permission.TOKEN_MANAGE in PERMISSIONS[role]]
    assert managers == [Role.ADMIN]


def test_who_only_looks_changes_nothing() -> None:
    assert PERMISSIONS[Role.VIEWER] == {Permission.MESSAGE_READ, Permission.METRICS_READ}


def test_the_words_are_those_of_the_contract() -> None:
    assert {str(permission) for permission in Permission} == {
        *("agent:deploy", "agent:remove", "agent:update", "message:send", "message:read"),
        *(
            "deployment:manage",
            "metrics:read",
            "config:modify",
            "cluster:manage",
            "audit:read",
            "token:manage",
        ),
    }
    assert {str(role) for role in Role} == {"admin", "operator", "developer", "viewer", "agent"}
