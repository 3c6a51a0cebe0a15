"""A file backend of MMEngine that writes atomically."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from ...whole_file import whole_file

BACKEND = 'reid_fusedloss_atomic'


class AtomicLocalBackend(LocalBackend):
    """MMEngine's local backend with an atomic `put`: a kill or a full disk leaves no partial file.

    The bytes are written to a file beside the target and synced to disk; then it is renamed.
    Choose it by name: `CheckpointHook(backend_args=dict(backend=BACKEND))`.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a file, atomically.

        Raises:
            OSError: if they cannot be written; an existing file at `filepath` is unchanged.
        """
        target = Path(filepath)
        try:
            with whole_file(target) as file:
                file.write(obj)
        except OSError as error:
            raise OSError(
                error.errno,
                f'{target} ({len(obj) / 2**20:.1f} MiB) was not written: '
                f'{error.strerror}. Earlier checkpoints are intact: free some space, then '
                'continue with --resume',
            ) from error


register_backend(BACKEND, AtomicLocalBackend, force=True)
