"""What a file holds; and one clear line for what is no video."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avcer.errors import InputError
from avcer.media import probe


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        probe(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_no_such_file_folder_and_empty(tmp_path: Path):
    (tmp_path / "empty.mp4").touch()
    assert "no such file" in refusal(tmp_path / "none.mp4")
    assert "folder" in refusal(tmp_path)
    assert "empty" in refusal(tmp_path / "empty.mp4")
    assert "regular file" in refusal(Path(os.devnull))
    assert "cannot be opened" in refusal(Path("a\0b.mp4"))


def test_no_permission(tmp_path: Path):
    path = tmp_path / "locked.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "permission" in refusal(path)


@pytest.mark.parametrize("name", ["text.mp4", "text.txt"])
def test_text_is_not_media(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_text("not a video\n" * 50)
    assert "not a video" in refusal(path)


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{clip}\n#EXT-X-ENDLIST\n",
    "list.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{clip}'\n",
    "clip.avi": "ffconcat version 1.0\nfile 'http://127.0.0.1:9/x.mp4'\n",
    "list.mpd": "<?xml version='1.0'?><MPD><Period><AdaptationSet><Representation><BaseURL>{clip}</BaseURL>"
    "</Representation></AdaptationSet></Period></MPD>",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_leads_nowhere(tmp_path: Path, make_clip, name: str):
    clip = make_clip("clip.mp4", range(5))
    playlist = tmp_path / name
    playlist.write_text(PLAYLISTS[name].format(clip=clip))
    told = refusal(playlist)
    assert "video file" in told or "no picture" in told or "no frame" in told or "holds no picture" in told


def test_a_cover_picture_is_no_video(tmp_path: Path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*sound.encode(frame), *sound.encode(None)])
    assert "no picture" in refusal(path)


def test_what_a_made_clip_holds(make_clip):
    clip = probe(make_clip("clip.mkv", range(50), sounds=[(0.0, np.zeros((2, 16_000), np.float32))]))
    assert (clip.width, clip.height, clip.rotation) == (64, 48, 0)
    assert clip.has_video
    assert clip.has_audio
    assert clip.average_rate == pytest.approx(25)
    assert clip.duration_s == pytest.approx(2, abs=0.05)


def test_a_stream_without_a_header_gets_the_usual_rate(make_clip):
    clip = probe(make_clip("raw.h264", range(10), codec="libx264", time_base=Fraction(1, 25)))
    assert (clip.frame_count, clip.duration_s, clip.average_rate) == (0, 0.0, 25.0)


def test_titles_in_an_old_encoding_do_not_matter(tmp_path: Path, make_clip):
    path = make_clip("clip.avi", range(3), codec="mjpeg")
    with av.open(str(path)) as source, av.open(str(tmp_path / "titled.avi"), "w") as target:
        target.metadata["title"] = "XXXXXX"
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    titled = tmp_path / "titled.avi"
    titled.write_bytes(titled.read_bytes().replace(b"XXXXXX", b"caf\xe9 \xff"))
    assert probe(titled).frame_count == 3
