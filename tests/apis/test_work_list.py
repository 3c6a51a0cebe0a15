"""What may be asked to be extracted."""

from pathlib import Path

import pytest

from reid_fusedloss.apis.work_list import WorkList


def test_paths_are_texts_or_paths(tmp_path, make_images):
    folder = make_images(tmp_path / 'photos', ['a.jpg', 'b.jpg'])
    names = [str(folder / name) for name in ('a.jpg', 'b.jpg')]
    assert list(WorkList([Path(folder)]).stamps) == list(WorkList([str(folder)]).stamps) == names
    for single in (str(folder), folder):
        with pytest.raises(TypeError, match='a sequence of paths, got one'):
            WorkList(single)
    with pytest.raises(TypeError, match='int'):
        WorkList([3])


def test_videos_are_refused(tmp_path):
    (tmp_path / 'street.MP4').write_text('')
    with pytest.raises(ValueError, match='street.MP4 is a video: use .* --boxes FILE'):
        WorkList([tmp_path / 'street.MP4'])
