"""CUHK03's release, made up as MATLAB writes it, becomes Market-1501's layout."""

import runpy
import sys

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from reid_fusedloss.datasets import CUHK03
from reid_fusedloss.datasets.cuhk03_release import write_cuhk03
from tests.tiny import REPOSITORY

# by name in the protocol: identity there; images 1 to 5 are of view 1
NAMES = {'1_001_1_01.png': 3, '1_001_2_06.png': 3, '1_002_1_05.png': 4, '2_001_1_02.png': 9}


@pytest.fixture
def files(tmp_path):
    """Two camera pairs, and the first images to train on."""
    h5py = pytest.importorskip('h5py')
    release, protocol = tmp_path / 'cuhk-03.mat', tmp_path / 'protocol.mat'
    rng = np.random.default_rng(0)
    images = {}
    with h5py.File(release, 'w') as file:
        kind = h5py.ref_dtype
        pairs = file.create_dataset('detected', (1, 2), dtype=kind)
        for pair in range(2):
            people = file.create_dataset(f'pair{pair}', (10, 2), dtype=kind)  # (image, person)
            for (image, person), _ in np.ndenumerate(np.zeros((10, 2))):
                name = f'{pair + 1}_{person + 1:03d}_{1 + (image > 4)}_{image + 1:02d}.png'
                pixels = rng.integers(0, 256, (8, 4, 3), dtype=np.uint8)
                if name in NAMES:
                    images[name] = pixels
                else:
                    pixels = np.zeros(2, dtype=np.uint64)  # an empty cell
                key = f'image{pair}_{image}_{person}'
                people[image, person] = file.create_dataset(key, data=pixels.T).ref
            pairs[0, pair] = people.ref
    cells = np.empty((4, 1), dtype=object)
    cells[:, 0] = list(NAMES)
    indices = dict(train_idx=[[1], [3]], query_idx=[[2]], gallery_idx=[[4]])
    labels = np.array(list(NAMES.values()))[:, None]
    savemat(protocol, dict(filelist=cells, labels=labels, **indices))
    return release, protocol, images


def test_the_layout_of_market1501(files, tmp_path):
    release, protocol, images = files
    out = tmp_path / 'out'
    counts = write_cuhk03(release, protocol, 'detected', out)
    assert counts == dict(bounding_box_train=2, query=1, bounding_box_test=1)
    train = CUHK03(str(out), 'train')
    assert [(record['pid'], record['camid']) for record in train] == [(3, 1), (4, 1)]
    tested = CUHK03(str(out), 'test')
    assert [(record['pid'], record['camid']) for record in tested] == [(3, 2), (9, 1)]
    written = cv2.imread(train.get_data_info(1)['img_path'])[..., ::-1]
    np.testing.assert_array_equal(written, images['1_002_1_05.png'])


def test_files_that_are_wrong(files, tmp_path):
    release, protocol, _ = files
    with pytest.raises(ValueError, match="kind must be 'detected' or 'labeled', got 'both'"):
        write_cuhk03(release, protocol, 'both', tmp_path)
    with pytest.raises(ValueError, match='cuhk-03.mat: no image for 0003_c1_1_001_01.png'):
        write_cuhk03(release, protocol, 'labeled', tmp_path)
    with pytest.raises(ValueError, match='protocol.mat is not an HDF5 file'):
        write_cuhk03(protocol, protocol, 'detected', tmp_path)
    with pytest.raises(ValueError, match='cuhk-03.mat is not a file of the new protocol'):
        write_cuhk03(release, release, 'detected', tmp_path)
    with pytest.raises(FileNotFoundError, match='none.mat'):
        write_cuhk03(release, tmp_path / 'none.mat', 'detected', tmp_path)


def test_the_tool(files, tmp_path, monkeypatch, capsys):
    tool = REPOSITORY / 'tools' / 'make_cuhk03.py'
    words = [tool, *files[:2], 'detected', tmp_path / 'out']
    monkeypatch.setattr(sys, 'argv', list(map(str, words)))
    runpy.run_path(str(tool), run_name='__main__')
    assert capsys.readouterr().out.splitlines()[0] == 'bounding_box_train: 2 images'
