"""What is said of a file that cannot be read: one line, with what is wrong and what helps."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer.errors import InputError
from avcer.media import Source, probe
from avcer.media.remedies import indexes, why_no_frame, why_not_media
from recordings import AudioTrack, VideoTrack, grey, pid_of, tone, ts_packets, write

VIDEO = VideoTrack([grey(number) for number in range(25)], "libx264")
SOUND = AudioTrack(tone(1), "aac")


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        probe(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def animated_webp() -> bytes:
    """The header of an animation, and one frame of nothing."""
    chunks = b"VP8X" + (10).to_bytes(4, "little") + bytes([2, 0, 0, 0, 63, 0, 0, 47, 0, 0])
    chunks += b"ANIM" + (6).to_bytes(4, "little") + bytes(6)
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


def test_an_animated_picture_that_has_no_decoder(tmp_path):
    path = tmp_path / "animated.webp"
    path.write_bytes(animated_webp())
    assert "convert it to MP4 first" in refusal(path)


def test_an_animated_picture_is_known_by_its_first_bytes_whatever_ffmpeg_takes_it_for():
    told = "is an animated WebP picture"
    assert told in why_no_frame(io.BytesIO(animated_webp()), "image2")
    assert told in why_no_frame(io.BytesIO(bytes(100)), "webp_pipe")
    assert told not in why_no_frame(io.BytesIO(animated_webp().replace(b"WEBP", b"AVI ")), "avi")
    assert told not in why_no_frame(io.BytesIO(animated_webp().replace(b"RIFF", b"RIFX")), "avi")


def test_an_encrypted_mp4(tmp_path):
    key = "00112233445566778899aabbccddeeff"
    path = write(tmp_path / "clip.mp4", VIDEO, SOUND, encryption_scheme="cenc-aes-ctr", encryption_key=key,
                 encryption_kid=key)  # fmt: skip
    assert refusal(path).endswith("is encrypted; give a copy without protection")


def test_a_scrambled_broadcast(tmp_path):
    path = write(tmp_path / "clip.ts", VIDEO, replace(SOUND, codec="mp2"))
    random = np.random.default_rng(0)
    made = bytearray()
    for packet in ts_packets(path.read_bytes()):
        if pid_of(packet) in (256, 257):
            begin = 4 + (packet[4] + 1 if packet[3] & 0x20 else 0)
            packet[3] |= 0x80
            packet[begin:] = random.integers(0, 256, 188 - begin, dtype=np.uint8).tobytes()
        made += packet
    path.write_bytes(made)
    assert refusal(path).endswith("is encrypted; give a copy without protection")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (bytes.fromhex("fbb31122 23bdd211 b4b700a0 c955fc6e"), "asf"),
        (b"\x62\x40\x8a\x50\x35\x87\x47\xe1\x01\x05", "matroska,webm"),
        (b"\0\0\0\x10drmi", "mov,mp4,m4a,3gp,3g2,mj2"),
    ],
)
def test_other_protections(head, kind):
    assert why_no_frame(io.BytesIO(bytes(100) + head + bytes(100)), kind) == (
        "is encrypted; give a copy without protection"
    )
    assert "is encrypted" not in why_no_frame(io.BytesIO(bytes(300)), kind)


@pytest.mark.parametrize("head", [b"Salted__12345678", b"-----BEGIN PGP MESSAGE-----"])
def test_an_encrypted_file(tmp_path, head):
    path = tmp_path / "clip.mp4"
    path.write_bytes(head + os.urandom(5000))
    assert "is encrypted" in refusal(path)


def test_what_was_encrypted_as_a_whole(tmp_path):
    """As the parts of a protected stream are."""
    path = tmp_path / "clip.ts"
    path.write_bytes(np.random.default_rng(0).bytes(100_000))
    assert "is encrypted; give a copy without protection" in refusal(path)


def test_an_archive(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"PK\x03\x04" + os.urandom(5000))
    assert "is an archive; unpack it first" in refusal(path)


def test_an_unfinished_copy(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(100_000))
    assert "nothing but zeros" in refusal(path)
    assert "copy or download it again" in refusal(path)


@pytest.fixture
def parts(tmp_path) -> tuple[bytes, bytes]:
    """What an MP4 holds before its index, up to the data and from there on."""
    stored = write(tmp_path / "whole.mp4", VIDEO).read_bytes()
    data, index = stored.index(b"mdat") - 4, stored.index(b"moov") - 4
    assert data < index
    return stored[:data], stored[data:index]


@pytest.mark.parametrize("length", [None, 0, 1])
def test_an_unfinished_recording(tmp_path, parts, length):
    """Its index is missing; the length of the data may not have been filled in."""
    head, data = parts
    path = tmp_path / "clip.mp4"
    path.write_bytes(head + (data if length is None else length.to_bytes(4, "big") + b"mdat" + bytes(8) + data[16:]))
    message = refusal(path)
    assert "unfinished recording" in message
    assert "untrunc" in message
    assert "download" not in message


def test_a_download_that_broke_off_before_the_index(tmp_path, parts):
    path = tmp_path / "clip.mp4"
    for missing in (300, 1):
        path.write_bytes(b"".join(parts)[:-missing])
        message = refusal(path)
        assert "cut short" in message
        assert "copy or download it again" in message


def test_a_damaged_index(tmp_path, parts):
    path = tmp_path / "clip.mp4"
    path.write_bytes(parts[0] + parts[1] + b"\0\0\0\x10moov" + bytes(8))
    assert "copy or download it again" in refusal(path)


@pytest.mark.parametrize("kind", [b"moov", b"moof"])
def test_an_index_that_is_there_but_cannot_be_read_is_damaged(kind):
    stored = b"".join((8).to_bytes(4, "big") + one for one in (b"ftyp", kind, b"mdat"))
    assert why_not_media(io.BytesIO(stored)) == "its index is damaged; copy or download it again"


@pytest.mark.parametrize("address", ["https://example.org/a/clip.mp4", "rtsp://10.0.0.1/live", "s3://bucket/clip.mp4"])
def test_an_address(address):
    assert refusal(Path(address)) == (
        f"{address}: is an address, not a file; download the recording first, and give its path"
    )


def test_an_address_of_a_file():
    assert "give the path alone" in refusal(Path("file:///videos/clip.mp4"))


def test_a_drive_letter_is_no_address():
    assert "no such file" in refusal(Path("C:/videos/clip.mp4"))


def test_a_recording_without_a_picture(tmp_path):
    assert "has sound but no picture" in refusal(write(tmp_path / "clip.m4a", SOUND))


def test_a_text_file_object_is_refused():
    with pytest.raises(InputError, match="mode 'rb'"):
        Source(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("scrambled", "clear", "empty", "told"), [(3, 2, 0, True), (2, 2, 0, False), (2, 1, 9, True)])
def test_a_broadcast_is_scrambled_where_most_packets_that_carry_something_are(scrambled, clear, empty, told):
    """The head may begin within a packet."""
    kinds = [0x90] * scrambled + [0x10] * clear + [0x2F] * empty
    packets = b"".join(bytes([0x47, 0, 100, control]) + bytes(184) for control in (*kinds, 0x20, 0x20, 0x20, 0x20))
    assert ("is encrypted" in why_no_frame(io.BytesIO(bytes(50) + packets), "mpegts")) is told
    assert "is encrypted" not in why_no_frame(io.BytesIO(bytes(5000)), "mpegts")


def test_what_only_looks_a_little_random_is_not_called_encrypted():
    """A coded picture uses some bytes more often than others; and a few bytes tell nothing."""
    random = np.random.default_rng(0)
    for made, told in (
        (random.bytes(40_000), True),
        (random.bytes(20_000), False),
        (bytes(np.minimum(random.integers(0, 262, 40_000), 255).astype(np.uint8)), False),
    ):
        assert ("is encrypted" in why_not_media(io.BytesIO(made))) is told


def test_recordings_in_one_file_are_counted_and_a_box_without_length_is_the_last():
    def box(kind: bytes, size: int) -> bytes:
        return (size + 8).to_bytes(4, "big") + kind + bytes(size)

    large = (1).to_bytes(4, "big") + b"mdat" + (16 + 40).to_bytes(8, "big") + bytes(40)
    for stored, count in (
        (box(b"ftyp", 8) + box(b"moov", 20), 1),
        (box(b"ftyp", 8) + large + box(b"moov", 20) + box(b"ftyp", 8) + box(b"moov", 0), 2),
        (box(b"ftyp", 8) + bytes(4) + b"mdat" + box(b"moov", 20), 0),
        (box(b"ftyp", 8) + b"moov", 0),
    ):
        assert indexes(io.BytesIO(stored)) == count
