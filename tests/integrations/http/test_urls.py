import pytest

from integrations.http.errors import BadRequest
from integrations.http.urls import check_base_url, join_url


@pytest.mark.parametrize("base", ["http://h:1/workstudio/DDOProtocol", "http://h:1/workstudio/DDOProtocol/"])
@pytest.mark.parametrize("path", ["GETVIEWDATA", "/GETVIEWDATA"])
def test_slashes_are_counted_once_and_the_prefix_is_kept(base: str, path: str) -> None:
    assert join_url(base, path) == "http://h:1/workstudio/DDOProtocol/GETVIEWDATA"


def test_an_empty_path_is_the_base_as_given() -> None:
    assert join_url("http://h/v1/", "") == "http://h/v1/"


def test_a_trailing_slash_and_a_query_of_the_path_stay() -> None:
    assert join_url("http://h/v1", "users/?page=2&next=/a/../b") == "http://h/v1/users/?page=2&next=/a/../b"


def test_a_path_that_looks_like_a_host_stays_below_the_base() -> None:
    assert join_url("http://h/v1", "//evil.example/x") == "http://h/v1/evil.example/x"


@pytest.mark.parametrize("path", ["../admin", "a/../../b", "./a", "a/%2e%2E/b"])
def test_dot_segments_are_refused(path: str) -> None:
    with pytest.raises(BadRequest, match="dot segment"):
        join_url("http://h/v1", path)


@pytest.mark.parametrize("link", ["https://h.example/v1/next?page=2", "https://H.example:443/v1/next?page=2"])
def test_an_absolute_link_of_the_same_host_is_taken(link: str) -> None:
    assert join_url("https://h.example/v1", link) == link


@pytest.mark.parametrize(
    "link",
    [
        "https://other.example/v1",
        "http://h.example/v1",
        "https://h.example:8443/v1",
        "https://user@h.example/v1",
        "https://h.example:port/v1",
    ],
)
def test_an_absolute_link_elsewhere_is_refused(link: str) -> None:
    with pytest.raises(BadRequest, match="another host"):
        join_url("https://h.example/v1", link)


@pytest.mark.parametrize("url", ["http://h", "https://h.example:8443/a/b/", "http://127.0.0.1:80"])
def test_a_base_url_may_have_a_port_and_a_prefix(url: str) -> None:
    assert check_base_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "h.example/v1", "ftp://h", "http://", "http://h/?a=1", "http://h/#x", "https://user:pw-here@h"],
)
def test_other_base_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ValueError, match="a base URL") as caught:
        check_base_url(url)
    assert "pw-here" not in str(caught.value)
