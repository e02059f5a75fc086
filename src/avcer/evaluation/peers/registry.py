"""The table of peers. A new one is a function that makes a rater, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from avcer.errors import UsageError
from avcer.evaluation.peers import faces, voices
from avcer.evaluation.peers.record import Peer, Rater

PEERS: Final[Mapping[str, Peer]] = {
    peer.name: peer
    for peer in (
        Peer("fer", "faces", "fer", faces.load_fer),
        Peer("deepface", "faces", "deepface", faces.load_deepface),
        Peer("emotiefflib", "faces", "emotiefflib", faces.load_emotiefflib),
        Peer("hsemotion", "faces", "hsemotion-onnx", faces.load_hsemotion),
        Peer("py-feat", "faces", "py-feat", faces.load_pyfeat),
        Peer("emotion2vec", "voices", "funasr", voices.load_emotion2vec),
        Peer("speechbrain", "voices", "speechbrain", voices.load_speechbrain),
    )
}


def chosen_peers(words: Sequence[str]) -> list[Peer]:
    """The peers of these names.

    Raises:
        UsageError: an unknown name.
    """
    unknown = [word for word in words if word not in PEERS]
    if unknown:
        raise UsageError(f"unknown peer {unknown[0]!r}; the peers are {', '.join(PEERS)}, or none")
    return [PEERS[word] for word in words]


def loaded(peers: Sequence[Peer], note: Callable[[str], None]) -> Iterator[tuple[Peer, Rater]]:
    """Those of the ``peers`` that can be run here, each with its rater; of the others, why not, in a ``note``."""
    for peer in peers:
        try:
            rate = peer.load()
        except ImportError as error:
            note(f"peer {peer.name}: not installed ({error.name or error}); pip install {peer.package}")
        except Exception as error:  # whatever a foreign package does must not cost the others
            note(f"peer {peer.name}: cannot be run ({' '.join(str(error).split()) or type(error).__name__})")
        else:
            yield peer, rate
