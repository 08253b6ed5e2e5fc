"""What only the environment says: allowed hosts, variables that may hold keys, the folder that may be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router_core.errors import SettingsError
from router_core.settings import ProviderSettings, Settings
from router_core.settings.environment import (
    allowed_hosts,
    data_folder,
    may_hold_key,
    require_key_variables,
    settings_file,
    within,
)
from router_core.settings.hosts import Host
from router_core.settings.providers import KNOWN

SECRETS = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "DATABASE_URL", "PGPASSWORD", "SECRET_KEY",
    "SSH_PRIVATE_KEY", "STRIPE_SECRET_KEY", "DJANGO_SECRET_KEY", "NPM_TOKEN", "HOME", "PATH",
    "OPENAI_API_KEY_PATH", "API_KEY_FILE", "AZURE_CLIENT_SECRET", "KUBECONFIG", "ROUTER_STORE",
)  # fmt: skip


def file_with(folder: Path, document: object) -> dict[str, str]:
    """An environment whose settings file says this."""
    path = folder / "settings.json"
    path.write_text(json.dumps(document))
    return {"ROUTER_SETTINGS": str(path)}


def test_hosts_come_from_the_file_and_the_variable(tmp_path: Path) -> None:
    """Both count; the rest of the file is settings as ever, which do not have them."""
    environ = file_with(tmp_path, {"seed": 3, "access": {"allowed_hosts": ["a.example"]}})
    environ["ROUTER_ALLOWED_HOSTS"] = " b.example:8501 , ,::1"
    assert [one.host for one in allowed_hosts(environ)] == [
        Host("a.example"),
        Host("b.example", 8501),
        Host("::1"),
    ]
    settings, _ = settings_file(environ)
    assert settings == Settings(seed=3)
    assert "access" not in json.loads(settings.document())
    assert allowed_hosts({}) == ()


def test_a_host_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    """In the variable it ends the start; in the file it is the file's error, and allows nothing."""
    with pytest.raises(SettingsError, match=r"^ROUTER_ALLOWED_HOSTS: 'http://a' is not a host; write name"):
        allowed_hosts({"ROUTER_ALLOWED_HOSTS": "http://a"})
    environ = file_with(tmp_path, {"access": {"allowed_hosts": ["*"]}})
    with pytest.raises(SettingsError, match=r"^access\.allowed_hosts: '\*' is too wide"):
        settings_file(environ)
    assert allowed_hosts(environ) == ()
    assert allowed_hosts({"ROUTER_SETTINGS": str(tmp_path / "none.json")}) == ()


def test_a_version_of_the_settings_has_no_access() -> None:
    """So none that is saved, imported or brought back can let others in."""
    with pytest.raises(SettingsError, match=r"^access is not a setting"):
        Settings.from_document('{"access": {"allowed_hosts": ["evil.example"]}}')


def test_other_secrets_hold_no_keys() -> None:
    """The variables of known providers do."""
    assert not [name for name in SECRETS if may_hold_key(name, {})]
    assert all(may_hold_key(one.api_key_env or "", {}) for one in KNOWN.values())
    assert may_hold_key("MY_TEAM_API_KEY", {})


def test_the_environment_names_the_variables() -> None:
    """Its list goes in place of the usual pattern, to widen it or to narrow it."""
    environ = {"ROUTER_KEY_VARIABLES": "OPENAI_API_KEY, HF_TOKEN,TEAM_*"}
    allowed = [
        one for one in ("OPENAI_API_KEY", "HF_TOKEN", "TEAM_A", "GROQ_API_KEY") if may_hold_key(one, environ)
    ]
    assert allowed == ["OPENAI_API_KEY", "HF_TOKEN", "TEAM_A"]


def test_settings_that_name_a_secret_are_not_saved() -> None:
    """The sentence has the place, what is allowed and the remedy; what is in force already is not asked again."""
    wanted = Settings(providers={"openai": ProviderSettings(api_key_env="GITHUB_TOKEN")})
    with pytest.raises(SettingsError) as refused:
        require_key_variables(wanted, Settings(), {})
    assert str(refused.value) == (
        "providers.openai.api_key_env: GITHUB_TOKEN may not hold a provider's key; allowed names: *API_KEY. Choose"
        " one of them, or start with ROUTER_KEY_VARIABLES=*API_KEY,GITHUB_TOKEN to allow it"
    )
    require_key_variables(wanted, wanted, {})
    require_key_variables(wanted, Settings(), {"ROUTER_KEY_VARIABLES": "GITHUB_TOKEN"})


def test_no_folder_unless_it_is_named(tmp_path: Path) -> None:
    """And links in its own path are followed once."""
    (tmp_path / "link").symlink_to(tmp_path)
    assert data_folder({}) is None
    assert data_folder({"ROUTER_DATA_FOLDER": " "}) is None
    assert data_folder({"ROUTER_DATA_FOLDER": str(tmp_path / "link")}) == tmp_path.resolve()


@pytest.mark.parametrize("path", ["a.csv", "./sub/../a.csv", "sub/b.csv", "in-link.csv"])
def test_files_inside_the_folder(path: str, tmp_path: Path) -> None:
    """Relative to it, through links that stay inside, and by their whole path; whether they are there or not."""
    folder = tmp_path.resolve()
    (folder / "sub").mkdir()
    (folder / "in-link.csv").symlink_to(folder / "a.csv")
    assert within(folder, path).is_relative_to(folder)
    assert within(folder, str(folder / path)) == within(folder, path)


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "out/x", "out-file", "sub/../../x", "~root/../../x", ".."]
)
def test_nothing_outside_the_folder(path: str, tmp_path: Path) -> None:
    """Upwards, by a whole path, through a link; the sentence does not say whether something is there."""
    folder = (tmp_path / "folder").resolve()
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "out-file").symlink_to("/etc/passwd")
    with pytest.raises(SettingsError, match="leads out of the folder"):
        within(folder, path)


def test_a_folder_with_a_longer_name_is_another(tmp_path: Path) -> None:
    """Names are compared part by part."""
    (tmp_path / "data").mkdir()
    with pytest.raises(SettingsError, match="leads out of the folder"):
        within((tmp_path / "data").resolve(), str(tmp_path / "data-of-others" / "x.csv"))
