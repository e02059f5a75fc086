"""Miniatures of corpora in the layouts in which they are handed out; the files empty, or real clips of a second."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import soundfile

from avcer.demo import photograph, voice
from avcer.types import Float, Image
from made_up import utterance

FRAMES, RATE, SAMPLE_RATE = 25, 25, 16_000
ENTERS = 13
"""The frame from which on the person on the right of ``two_people`` is there."""
CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".avi": ("mpeg4", "mp3"),
    ".flv": ("flv", "aac"),
}


@dataclass(frozen=True)
class Miniature:
    """A corpus: the places of its clips below its folder, and its texts by their places."""

    clips: tuple[str, ...]
    texts: Mapping[str, str] = field(default_factory=dict)


def lay_out(root: Path, miniature: Miniature) -> Path:
    """Makes the folder ``root``: its texts, and empty files for its clips."""
    root.mkdir(exist_ok=True)
    for name, text in {**dict.fromkeys(miniature.clips, ""), **miniature.texts}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def fill(root: Path, miniature: Miniature, media: Mapping[str, Path]) -> Path:
    """The same with real clips: each is a copy of the one of ``media`` with its suffix."""
    lay_out(root, miniature)
    for name in miniature.clips:
        shutil.copyfile(media[Path(name).suffix], root / name)
    return root


def make_media(folder: Path) -> dict[str, Path]:
    """One file a suffix: a calm person who speaks for a second, a tone, a grey crop of a face as in FER+."""
    media = {suffix: folder / f"clip{suffix}" for suffix in (*CODECS, ".wav", ".png")}
    for suffix in CODECS:
        write_clip(media[suffix], one_person())
    soundfile.write(media[".wav"], utterance("angry", 0), SAMPLE_RATE)
    face = cv2.cvtColor(photograph()[20:180, 150:310], cv2.COLOR_BGR2GRAY)
    cv2.imwrite(str(media[".png"]), cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA))
    return media


def one_person() -> list[Image]:
    """A second of pictures ``(240, 320, 3)``: a face that moves sideways."""
    return [np.ascontiguousarray(photograph()[:240, 60 + number : 380 + number]) for number in range(FRAMES)]


def two_people() -> list[Image]:
    """A second of pictures ``(240, 640, 3)``: one person on the left, on the right another from ``ENTERS`` on."""
    nobody = np.full((240, 320, 3), 128, np.uint8)
    rights = [nobody if number < ENTERS else picture[:, ::-1] for number, picture in enumerate(one_person())]
    return [np.concatenate([left, right], axis=1) for left, right in zip(one_person(), rights, strict=True)]


def write_clip(path: Path, pictures: Iterable[Image]) -> Path:
    """``pictures`` at 25 a second, with a second of a voice, in the codecs of the suffix."""
    pictures = list(pictures)
    seen, heard = CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(seen, rate=RATE)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt, video.bit_rate = "yuv420p", 4_000_000
        audio: Any = container.add_stream(heard, rate=SAMPLE_RATE, layout="mono")
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(_sound(voice(len(pictures) / RATE))))
        container.mux(audio.encode(None))
    return path


def _sound(samples: Float) -> av.AudioFrame:
    sound = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[np.newaxis], format="s16", layout="mono")
    sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    return sound


RAVDESS = Miniature((
    "Actor_12/02-01-06-01-02-01-12.mp4",
    "Actor_12/01-01-06-01-02-01-12.mp4",
    "Actor_12/03-01-06-01-02-01-12.wav",
    "Actor_12/03-02-05-01-02-01-12.wav",
    "audio/Actor_03/03-01-02-01-01-01-03.wav",
    "audio/again/Actor_03/03-01-02-01-01-01-03.wav",
    "Actor_03/03-01-09-01-01-01-03.wav",
))  # fmt: skip

CREMA_D = Miniature((
    "VideoFlash/1001_DFA_ANG_XX.flv",
    "AudioWAV/1001_DFA_ANG_XX.wav",
    "AudioWAV/1002_IEO_HAP_LO.wav",
    "AudioWAV/1040_ITH_SAD_X.wav",
    "VideoFlash/1040_ITH_SAD_XX.flv",
    "AudioWAV/1040_ITH_BOR_XX.wav",
))  # fmt: skip

SAVEE = Miniature((
    "AudioVisualClip/DC/a1.avi",
    "AudioData/DC/a01.wav",
    "AudioData/DC/sa03.wav",
    "AudioData/JE/su15.wav",
    "flat/KL_n30.wav",
    "AudioData/XX/a01.wav",
    "AudioData/JK/b01.wav",
))  # fmt: skip

EMODB = Miniature(("wav/03a01Fa.wav", "wav/16b10Wb.wav", "wav/08a02La.wav", "wav/11b03T.wav", "wav/other.wav"))

AFEW = Miniature((
    "Train_AFEW/Angry/000046280.avi",
    "Val_AFEW/Happy/000046280.avi",
    "Val_AFEW/Happy/000046280.wav",
    "Val_AFEW/AlignedFaces/Happy/000046280/001.png",
    "Test_AFEW/000000001.avi",
))  # fmt: skip

TRACK = "6th ABAW Annotations/EXPR_Recognition_Challenge"
EXPRESSIONS = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n"
ALONE = "0\n4\n-1\n7\n6\n"
LEFT, RIGHT = 24 * "1\n" + "-1\n", 2 * "5\n" + 38 * "0\n"
"""A face on the left that is angry in all frames but the last; one on the right, sad in two frames and then neutral,
whose annotation is longer than the video."""
AFFWILD2 = Miniature(
    ("batch1/1-30-1280x720.mp4", "batch2/video10_1.avi"),
    {
        f"{TRACK}/Train_Set/1-30-1280x720.txt": EXPRESSIONS + ALONE,
        f"{TRACK}/Validation_Set/video10_1_left.txt": EXPRESSIONS + LEFT,
        f"{TRACK}/Validation_Set/video10_1_right.txt": EXPRESSIONS + RIGHT,
        f"{TRACK}/Validation_Set/video11.txt": EXPRESSIONS + "1\n",
        "6th ABAW Annotations/VA_Estimation_Challenge/Train_Set/1-30-1280x720.txt": "valence,arousal\n0.1,0.2\n",
    },
)

UTTERANCES = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def utterance_row(emotion: str, dialogue: int, number: int, speaker: str = "Monica") -> str:
    """A row of a table of MELD."""
    return f'1,"Well, no\x85",{speaker},{emotion},neutral,{dialogue},{number},8,21,"00:16:16,059","00:16:21,731"\n'


MELD = Miniature(
    (
        "train/train_splits/dia0_utt0.mp4",
        "dev/dev_splits_complete/dia0_utt0.mp4",
        "test/output_repeated_splits_test/dia0_utt0.mp4",
        "test/output_repeated_splits_test/._dia0_utt0.mp4",
    ),
    {
        "train_sent_emo.csv": UTTERANCES + utterance_row("joy", 0, 0),
        "dev_sent_emo.csv": UTTERANCES + utterance_row("sadness", 0, 0, "The Interviewer"),
        "test_sent_emo.csv": UTTERANCES + utterance_row("anger", 0, 0) + utterance_row("fear", 125, 3),
        "train_sent_emo_dya.csv": UTTERANCES + utterance_row("anger", 0, 0),
    },
)

BLENDS = (
    "filename,video_id,gender,mix,emotion_1,version,intensity_level,situation,emotion_2,emotion_1_salience,"
    "emotion_2_salience,fold\n"
)
SINGLE = "A102_disg_int1_ver1,A102,f,0,disg,1,1.0,,,,,1\n"
BLEND = "A411_mix_ang_hap_30_70_ver1,A411,m,1,ang,1,,,hap,30.0,70.0,0\n"
BLEMORE = Miniature(
    ("train/A102_disg_int1_ver1.mov", "train/A411_mix_ang_hap_30_70_ver1.mov", "test/A300_x.mp4"),
    {"train_metadata.csv": BLENDS + SINGLE + BLEND, "test_metadata.csv": "filename\nA300_x.mp4\n"},
)

VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
FERPLUS = Miniature(
    tuple(f"FER2013{part}/fer000000{number}.png" for number, part in enumerate(2 * ("Train",) + 2 * ("Valid",)))
    + tuple(f"FER2013Test/fer000000{number}.png" for number in (4, 5)),
    {
        "fer2013new.csv": VOTES
        + "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n"
        + "Training,fer0000001.png,0,6,0,1,1,0,0,0,2,0\n"
        + "PublicTest,fer0000002.png,0,0,5,0,0,0,0,5,0,0\n"
        + "PublicTest,fer0000003.png,0,0,0,0,0,0,6,4,0,0\n"
        + "PrivateTest,fer0000004.png,0,0,0,0,0,0,0,10,0,0\n"
        + "PrivateTest,fer0000005.png,0,0,0,0,0,10,0,0,0,0\n"
        + "PrivateTest,fer0000006.png,0,0,0,0,10,0,0,0,0,0\n"
        + "Training,,0,0,0,0,0,0,0,0,0,10\n"
    },
)

EMOVO = Miniature(("EMOVO/f1/dis-f1-b1.wav", "EMOVO/m3/gio-m3-n5.wav", "EMOVO/m3/neu-m3-l1.wav", "EMOVO/xyz-f1-b1.wav"))

TUREV = Miniature((
    "Sound Source/Angry/1157_kz_acik.wav",
    "Sound Source/Calm/1234_sk_algi.wav",
    "Sound Source/Happy/7895_mt_dil.wav",
    "Sound Source/Other/7895_mt_dil.wav",
    "again/Angry/1157_kz_acik.wav",
))  # fmt: skip

ASED = Miniature((
    "05Angry/a5-01-01-02-50.wav",
    "01Neutral/n1-02-02-01-07.wav",
    "04Sad/S4-02-02-01-29.wav",
    "02Fearful/f2-04-01-01-09.wav",
))  # fmt: skip

URDU = Miniature(("Angry/SM1_F10_A010.wav", "Sad/SF12_F3_S0103.wav", "Neutral/SM4_F1_N012.wav", "Angry/notes.wav"))

NEMO = Miniature(
    ("samples/WR0_surprised_64.wav", "samples/KD0_anger_1.wav", "samples/TP0_neutral_9.wav"),
    {"data.tsv": "file_id\temotion\nWR0_surprised_64.wav\tsurprised\n"},
)

CLASSES = Miniature((
    "train/happy/1.png",
    "val/happy/1.png",
    "val/Anger/2.jpg",
    "val/contempt/3.jpg",
    "val/3.jpg",
))  # fmt: skip
