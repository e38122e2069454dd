"""The pages of docs/operations/ and their files, which are copied as they stand: they fit the program."""

import re

import pytest
from django.core.management import get_commands

from tests.helpers.machine import ROOT
from yiwu_vote.machine import questions, serving, unit
from yiwu_vote.middleware import LARGEST_BODY

FOLDER = ROOT / "docs" / "operations"
NGINX = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
CADDY = (FOLDER / "Caddyfile").read_text(encoding="utf-8")
# What the installer asks for beside the settings, and what others read.
OTHERS = {"ADMIN_USER", "OFFICE_USER", "OFFICE_NAME", "SITE_ENV", "ARGS", "SECRET_KEY_FILE"}


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.name)
def test_every_variable_that_a_page_sets_is_one_that_is_read(page):
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    named = set(re.findall(r"\b([A-Z][A-Z_]{3,})=", "".join(blocks)))

    assert named <= {*questions.KEPT, *OTHERS}


def test_no_proxy_writes_down_where_somebody_went_or_what_he_sent():
    (logged,) = re.findall(r"log_format \w+ '(.*)';", NGINX)
    quiet = re.findall(r"location ~\* (\S+) \{\s+access_log off;", NGINX)
    forbidden = {"$request", "$request_uri", "$uri", "$http_referer", "$body_bytes_sent"}

    assert forbidden.isdisjoint(logged.split())
    assert not any(word.endswith(("_length", "_sent", "addr")) for word in logged.split())
    for path in ("/k/abc/", "/K/abc/", "/screen/abc/", "/ballot/", "/ballot/review/"):
        assert any(re.match(pattern, path, re.IGNORECASE) for pattern in quiet), path
    # An error of the site would be written with its whole address.
    assert re.findall(r"error_log \S+ (\w+);", NGINX) == ["crit"]
    assert not re.search(r"^\s+log$|^\s+log \{(?!\s+exclude)", CADDY, re.MULTILINE)
    assert "exclude http.log.error http.handlers.reverse_proxy" in CADDY


def test_a_proxy_says_what_it_has_decrypted_and_for_whom_and_compresses_nothing():
    assert "proxy_set_header X-Forwarded-Proto https;" in NGINX
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX
    assert "gzip off;" in NGINX
    assert not re.search(r"^\s*encode\b", CADDY, re.MULTILINE)


def test_a_proxy_holds_forms_in_memory_and_takes_the_largest_of_ours():
    for name in ("client_max_body_size", "client_body_buffer_size"):
        (megabytes,) = re.findall(rf"{name} (\d+)m;", NGINX)
        assert int(megabytes) * 1024 * 1024 >= LARGEST_BODY
    assert "proxy_request_buffering on;" in NGINX
    assert "proxy_max_temp_file_size 0;" in NGINX
    assert "max_size 3MB" in CADDY


def test_nothing_is_sent_on_without_encryption_but_to_the_first_page():
    assert re.findall(r"return 30\d (\S+);", NGINX) == ["https://vote.example.cn/"]


def test_the_proxies_ask_where_a_site_listens():
    assert "server 127.0.0.1:8000;" in NGINX
    assert "reverse_proxy 127.0.0.1:8000" in CADDY


def test_the_page_on_towns_names_the_unit_that_is_written():
    page = (FOLDER / "towns.md").read_text(encoding="utf-8")

    assert f"var/{unit.name(for_towns=True)}" in page
    assert unit.TOWN_USER.replace("%i", "fotang") in page
    assert {"install", "serve", "service"} <= get_commands().keys()


def test_the_manual_gives_the_very_line_that_serves_a_site():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\.venv/bin/granian (.*)$", text, re.MULTILINE)

    served = serving.command("127.0.0.1", 8000)

    # Where the program lies is said by the folder that the line is typed in.
    at = served.index("--working-dir")
    assert line.split() == served[3:at] + served[at + 2 :]
