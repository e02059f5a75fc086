from __future__ import annotations

import errno
from pathlib import Path

import pytest

from avcer.errors import OutputError
from avcer.files import atomic, atomic_text, check_writable, make_folder


def write_half(target: Path, failure: BaseException) -> None:
    with atomic_text(target) as file:
        file.write("half")
        raise failure


def test_replaces_the_file_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
        assert part.parent == tmp_path
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError("x")])
def test_an_interrupted_write_leaves_the_earlier_file(tmp_path: Path, failure: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(failure)):
        write_half(target, failure)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free some space"), (errno.EACCES, "may write"), (errno.EIO, "another folder")],
)
def test_a_failing_disk_is_named_with_a_remedy(tmp_path: Path, number: int, remedy: str) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(OutputError, match=remedy) as caught:
        write_half(target, OSError(number, "what the system says"))
    assert str(caught.value).startswith(f"{target}: cannot be written (what the system says)")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_found_out_only_when_the_file_is_closed(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic(tmp_path / "a.txt"), Path("/dev/full").open("w") as full:
            full.write("x")

    with pytest.raises(OutputError, match="free some space"):
        fill()


def test_a_folder_that_has_gone_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"), atomic_text(tmp_path / "gone" / "a.txt"):
        pass


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        make_folder(tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be created"):
        make_folder(tmp_path / "out" / "below")


def test_text_keeps_the_bytes_of_odd_file_names(tmp_path: Path) -> None:
    with atomic_text(tmp_path / "a.txt") as file:
        file.write("\udcff\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xff\n"


def test_an_impossible_folder_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_writable(tmp_path / "new" / "deeper")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        check_writable(tmp_path / "file" / "below")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="may not be written to"):
        check_writable(tmp_path)
