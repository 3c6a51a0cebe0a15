"""What NumPy raises of a file of arrays that is corrupt or truncated, or none."""

import zipfile
import zlib

NOT_NPZ = (
    *(ValueError, OSError, EOFError, KeyError, AttributeError, TypeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
