"""Files that are there whole or not at all."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from ...whole_file import whole_file

BACKEND = 'reid_fusedloss_atomic'


class AtomicLocalBackend(LocalBackend):
    """MMEngine's local files, with a `put` that a kill or a full disk cannot cut short.

    The bytes go into a file beside the target, to the disk, and only then take the target's name.
    To be chosen by name: `CheckpointHook(backend_args=dict(backend=BACKEND))`.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Raises:
            OSError: if they cannot be written; what stood at `filepath` before still does.
        """
        target = Path(filepath)
        try:
            with whole_file(target) as file:
                file.write(obj)
        except OSError as error:
            raise OSError(
                error.errno,
                f'{target} ({len(obj) / 2**20:.1f} MiB) was not written: '
                f'{error.strerror}. Checkpoints from before are whole: make room, then '
                'go on with --resume',
            ) from error


register_backend(BACKEND, AtomicLocalBackend, force=True)
