"""Peers that listen to voices. Each is given a whole recording, mono at 16 kHz."""

from __future__ import annotations

from avcer.evaluation.peers.record import Rater, of_words
from avcer.types import Double, Float

EMOTION2VEC = "iic/emotion2vec_plus_base"
IEMOCAP = "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"


def load_emotion2vec() -> Rater:
    """emotion2vec+ (base) through ``funasr``; the weights are those in the cache of ModelScope."""
    from funasr import AutoModel

    model = AutoModel(model=EMOTION2VEC, disable_update=True, disable_pbar=True)

    def rate(samples: Float) -> Double | None:
        (said, *_) = model.generate(samples, granularity="utterance", extract_embedding=False)
        return of_words(dict(zip(said["labels"], map(float, said["scores"]), strict=True)))

    return rate


def load_speechbrain() -> Rater:
    """wav2vec 2.0 learned from IEMOCAP, four emotions, through ``speechbrain``; the weights are those in the cache of
    Hugging Face, whose own interface file is run.
    """
    import torch
    from speechbrain.inference.interfaces import foreign_class

    model = foreign_class(
        source=IEMOCAP, pymodule_file="custom_interface.py", classname="CustomEncoderWav2vec2Classifier"
    )
    encoder = model.hparams.label_encoder

    def rate(samples: Float) -> Double | None:
        shares, *_ = model.classify_batch(torch.from_numpy(samples)[None])
        words = encoder.decode_ndim(list(range(shares.shape[1])))
        return of_words(dict(zip(words, shares[0].tolist(), strict=True)))

    return rate
