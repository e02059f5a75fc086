"""Arrays in few bytes: rounded to a step, differences from row to row, the bytes of the numbers in planes, deflated.

The file is a NumPy archive (``.npz``) of byte arrays; nothing in it is ever unpickled.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from avcer.types import Double

_LEVEL: Final = 1
"""Of deflate: higher levels take three times as long for a tenth less."""
_LARGEST: Final = 2**31
"""Bytes that an archive may unpack to; an analysis of a whole day has less."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Of every member, so that the same analysis gives the same bytes."""


def pack(values: NDArray[Any], step: float) -> NDArray[np.uint8]:
    """``values (T, ...)`` as multiples of ``step`` -> ``(P, K, T)``: the P lowest bytes of the differences in each of
    the K columns, the sign in the lowest bit. Values must be finite.
    """
    columns = int(np.prod(values.shape[1:], dtype=np.int64))
    multiples = np.rint(values.reshape(len(values), columns) / step).astype(np.int64)
    changes = np.diff(multiples, axis=0, prepend=np.zeros((1, multiples.shape[1]), np.int64)).T
    unsigned = ((changes << 1) ^ (changes >> 63)).astype("<u8")
    bytes_ = np.ascontiguousarray(unsigned).view(np.uint8).reshape(*unsigned.shape, 8)
    used = max((int(unsigned.max(initial=0)).bit_length() + 7) // 8, 1)
    return np.ascontiguousarray(np.moveaxis(bytes_[..., :used], -1, 0))


def unpack(planes: NDArray[np.uint8], step: float) -> Double:
    """The values ``(T, K)`` that ``pack`` was given, to half a step."""
    if planes.dtype != np.uint8 or planes.ndim != 3 or not 1 <= len(planes) <= 8:
        raise ValueError("an array of it is not packed")
    if not 0 < step <= 1:
        raise ValueError(f"a step of {step}, which is not between 0 and 1")
    bytes_ = np.zeros((*planes.shape[1:], 8), np.uint8)
    bytes_[..., : len(planes)] = np.moveaxis(planes, 0, -1)
    unsigned = bytes_.view("<u8")[..., 0]
    changes = (unsigned >> np.uint64(1)).astype(np.int64) ^ -(unsigned & np.uint64(1)).astype(np.int64)
    # A division by a whole number gives the decimal that was meant; a product with 1e-6 would be off in the last bit.
    return np.asarray(np.cumsum(changes, axis=1).T / round(1 / step), np.float64)


def rounded(values: NDArray[Any], step: float) -> Double:
    """The values that ``unpack`` will give, in their own shape."""
    return np.asarray(np.rint(values / step) / round(1 / step), np.float64)


def write_archive(arrays: Mapping[str, NDArray[np.uint8]], file: BinaryIO) -> None:
    """Writes the arrays by their names."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, array in arrays.items():
            text = io.BytesIO()
            np.lib.format.write_array(text, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), text.getvalue(), zipfile.ZIP_DEFLATED, _LEVEL)


def read_archive(content: bytes) -> dict[str, NDArray[np.uint8]]:
    """The arrays by their names.

    Raises:
        ValueError: it is no such archive, damaged, or unreasonably large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise ValueError("it would unpack to more than an analysis can be")
            return {
                member.filename.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(archive.read(member)), allow_pickle=False
                )
                for member in archive.infolist()
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"it is damaged ({error})") from error
