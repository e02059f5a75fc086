"""Every error that avcer raises on purpose.

    AvcerError
    ├── UsageError          the call itself is wrong (an option, a vocabulary file, a fusion file)
    ├── InputError          a file that cannot be analysed (missing, a folder, empty, no picture in it)
    ├── ModelError          a model is missing, damaged, foreign, or not what its card says
    ├── MissingExtraError   an optional library is needed for what was asked
    └── OutputError         results cannot be written

'No face', 'no sound' and 'no compound expression' are results, not errors. Each message is one line that names the
file and the remedy.
"""


class AvcerError(Exception):
    """The root of the tree: catch it to catch everything that avcer raises on purpose."""


class UsageError(AvcerError):
    """The call itself is wrong: an unknown option, an unreadable vocabulary or fusion file."""


class InputError(AvcerError):
    """A file that cannot be analysed: missing, a folder, empty, not media, or without a picture."""


class ModelError(AvcerError):
    """A model is missing, damaged, foreign, or not what its card says."""


class MissingExtraError(AvcerError):
    """An optional library is needed for what was asked; the message names the extra to install."""


class OutputError(AvcerError):
    """Results cannot be written: the folder is not writable, or the disk is full."""
