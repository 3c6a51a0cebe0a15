"""Put configs, tools and model index into the package as `.mim`, where MMEngine looks."""

import os
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PARTS = ('configs', 'tools', 'model-index.yml')
IGNORED = shutil.ignore_patterns('__pycache__', 'benchmark')


class BuildWithMim(build_py):
    """Copy the parts into a wheel; link to them from an editable installation."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            link(ROOT / 'reid_fusedloss' / '.mim')
        else:
            copy(Path(self.build_lib) / 'reid_fusedloss' / '.mim')

    def get_outputs(self, *args: object, **kwargs: object) -> list[str]:
        mim = Path(self.build_lib) / 'reid_fusedloss' / '.mim'
        own = [] if self.editable_mode else [str(path) for path in mim.rglob('*') if path.is_file()]
        return super().get_outputs(*args, **kwargs) + own


def copy(mim: Path) -> None:
    """Copy the parts."""
    shutil.rmtree(mim, ignore_errors=True)
    mim.mkdir(parents=True)
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, mim / name, ignore=IGNORED)
        else:
            shutil.copyfile(source, mim / name)


def link(mim: Path) -> None:
    """Link to the parts, or copy them where links are not allowed."""
    shutil.rmtree(mim, ignore_errors=True)
    mim.mkdir()
    try:
        for name in PARTS:
            (mim / name).symlink_to(os.path.relpath(ROOT / name, mim))
    except OSError:
        copy(mim)


setup(cmdclass=dict(build_py=BuildWithMim))
