"""The user's package index: the same one that pip or uv uses, reached with the same certificates and credentials."""

from __future__ import annotations

import configparser
import contextlib
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import requests


def index_urls() -> list[str]:
    """Index addresses to try, the user's main one first, then extra ones that are reached by HTTP.

    Read from `PIP_INDEX_URL`, `UV_DEFAULT_INDEX`, `UV_INDEX_URL`, pip's configuration files and, with none of
    them, pypi-simple's default. Extra indexes are safe here: every file is pinned by its sha256.
    """
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    main = (
        _setting("PIP_INDEX_URL", "index-url")
        or os.environ.get("UV_DEFAULT_INDEX")
        or os.environ.get("UV_INDEX_URL")
        or PYPI_SIMPLE_ENDPOINT
    )
    extra = _setting("PIP_EXTRA_INDEX_URL", "extra-index-url") or ""
    urls = [main, *(url for url in extra.split() if url.startswith(("http://", "https://")))]
    return list(dict.fromkeys(url.strip() for url in urls))


def make_session(index: str = "") -> requests.Session:
    """An HTTP session with the user's certificates; credentials in the address of `index` go to that host only."""
    import requests
    from requests.adapters import HTTPAdapter

    from bench_lipsync.harness.util.telemetry import restore_user_proxy

    restore_user_proxy()
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=1))
    certificates = _setting("PIP_CERT", "cert") or os.environ.get("SSL_CERT_FILE")
    if certificates:
        session.verify = certificates
    if urlsplit(index).username:
        session.auth = _host_auth(index)
    return session


def without_credentials(url: str) -> str:
    """`url` as it may be printed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _host_auth(index: str) -> requests.auth.AuthBase:
    """Basic authentication for the host of `index` and for no other."""
    from urllib.parse import unquote

    from requests.auth import AuthBase, HTTPBasicAuth

    parts = urlsplit(index)
    basic = HTTPBasicAuth(unquote(parts.username or ""), unquote(parts.password or ""))

    class HostAuth(AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            if urlsplit(request.url or "").hostname == parts.hostname:
                return basic(request)
            return request

    return HostAuth()


def _setting(variable: str, key: str) -> str | None:
    """One pip setting: the environment before the configuration files, as pip does it."""
    return os.environ.get(variable) or _pip_configuration().get(key) or None


@lru_cache(maxsize=1)
def _pip_configuration() -> dict[str, str]:
    """`[global]` and `[install]` of pip's configuration files, later ones winning (uv's environments have no pip)."""
    from platformdirs import site_config_path, user_config_path

    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    files = [site_config_path("pip", appauthor=False) / name, Path("/etc") / name]
    with contextlib.suppress(RuntimeError):  # A user without a home folder.
        files += [Path.home() / ".pip" / name, user_config_path("pip", appauthor=False, roaming=True) / name]
    files.append(Path(sys.prefix) / name)
    if override := os.environ.get("PIP_CONFIG_FILE"):
        files = [] if override == os.devnull else [*files, Path(override)]
    settings: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself reports a broken file of its own.
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update(parser.items(section))
    return settings
