"""Crops of a video whose frames are known colours."""

import cv2
import numpy as np
import pytest

from reid_fusedloss import logs
from reid_fusedloss.apis import Extraction, pool_tracks, read_boxes, video_crops
from reid_fusedloss.apis.feature_files import save_extraction
from reid_fusedloss.commands import start

WIDTH, HEIGHT, FRAMES = 64, 48, 6


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Six frames: grey of 40 x number on the left, black on the right."""
    path = tmp_path_factory.mktemp('video') / 'street.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 5, (WIDTH, HEIGHT))
    for number in range(1, FRAMES + 1):
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        frame[:, : WIDTH // 2] = 40 * number
        writer.write(frame)
    writer.release()
    return path


def test_crops_are_those_of_the_frames(video):
    boxes = np.array([[5, 2, 4, 8, 16, 30], [2, 7, 0, 0, 32, 48], [5, 1, 40, 8, 10.4, 20.6]])
    crops = list(video_crops(video, boxes))
    assert [crop.name for crop in crops] == [
        f'{video}#frame2/id7',
        f'{video}#frame5/id2',
        f'{video}#frame5/id1',
    ]
    assert [crop.image.shape for crop in crops] == [(48, 32, 3), (30, 16, 3), (21, 10, 3)]
    for crop, value in zip(crops, (80, 200, 0)):
        assert np.abs(crop.image.astype(int) - value)[:, 4:-4].max() <= 8
    wanted = list(video_crops(video, boxes, only={crops[1].name}))
    assert len(wanted) == 1 and np.array_equal(wanted[0].image, crops[1].image)


def test_boxes_are_cut_to_the_frame_and_empty_ones_reported(video):
    boxes = [
        [1, 1, -10, -10, 20, 30],
        [1, 2, 60, 40, 99, 99],
        [1, 3, 64, 0, 5, 5],
        [1, 4, 3, 3, 0, 9],
        [1, 5, 3, 3, -2, 9],
        [1, 6, np.nan, 0, 5, 5],
        [9, 7, 0, 0, 5, 5],
    ]
    crops = list(video_crops(str(video), np.array(boxes)))
    assert [None if crop.image is None else crop.image.shape[:2] for crop in crops] == [
        (20, 10),
        (8, 4),
        None,
        None,
        None,
        None,
        None,
    ]
    assert all('no pixel in the frame of 64 x 48' in crop.problem for crop in crops[2:5])
    assert 'not finite' in crops[5].problem and 'ends after 6' in crops[6].problem


def test_indices_are_the_rows_of_the_boxes(video, inferencer):
    """Frames in any order, some unreadable: each feature is that of its own box."""
    rng = np.random.default_rng(0)
    boxes = np.array(
        [
            [frame, number, x, 4, 12, 30]
            for number, (frame, x) in enumerate(
                zip(rng.integers(1, 9, 30), rng.integers(-14, 60, 30))
            )
        ],
        float,
    )
    found = inferencer(video_crops(video, boxes))
    assert len(set(found.indices)) == len(found) and len(found) + len(found.unreadable) == 30
    assert found.indices != sorted(found.indices) and found.unreadable
    frames = list(read_frames(video))
    for row, name, feature in zip(found.indices, found.names, found.features):
        frame, identity, x, y, w, h = boxes[row].astype(int).tolist()
        assert name == f'{video}#frame{frame}/id{identity}'
        crop = frames[frame - 1][y : y + h, max(x, 0) : x + w]
        np.testing.assert_allclose(inferencer(crop.copy()).features[0], feature, atol=1e-5)
    for row in sorted(set(range(30)) - set(found.indices)):
        frame, _, x = boxes[row, :3]
        assert frame > FRAMES or x + 12 <= 0
    listed = list(video_crops(video, boxes))[::-1]
    assert inferencer(listed).indices == found.indices[::-1]
    wanted = {found.names[3], found.names[7]}
    assert inferencer(video_crops(video, boxes, wanted)).indices == [
        found.indices[3],
        found.indices[7],
    ]


def read_frames(video):
    capture = cv2.VideoCapture(str(video))
    while (frame := capture.read())[0]:
        yield frame[1]


@pytest.mark.parametrize('corners, said', [(True, True), (False, False)])
def test_corners_in_place_of_a_size_are_said(corners, said, video, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda text, **_: lines.append(text))
    rng = np.random.default_rng(1)
    x, y = rng.integers(5, 40, 20), rng.integers(5, 20, 20)
    w, h = (rng.integers(8, 20, 20) for _ in range(2))
    boxes = np.column_stack(
        [np.arange(20) % 6 + 1, np.arange(20), x, y, *((x + w, y + h) if corners else (w, h))]
    )
    video_crops(video, boxes)
    assert bool(lines) == said
    if said:
        outside = ((2 * x + w > WIDTH) | (2 * y + h > HEIGHT)).sum()
        assert (
            lines[0].startswith(f'{outside} of 20 boxes reach out') and 'x1, y1, x2, y2' in lines[0]
        )


def test_a_video_of_huge_frames_is_not_decoded(video, monkeypatch):
    monkeypatch.setattr('reid_fusedloss.apis.video.MAX_PIXELS', WIDTH * HEIGHT - 1)
    with pytest.raises(ValueError, match=f'frames of {WIDTH} x {HEIGHT}, more than'):
        video_crops(video, np.array([[1, 1, 0, 0, 5, 5]]))


def test_a_file_of_boxes(video, tmp_path, inferencer):
    path = tmp_path / 'det.txt'
    path.write_text(
        '1,-1,0,0,10,20,0.9,-1,-1,-1\n1,-1,5,5,10,20,0.8,-1,-1,-1\n'
        '3,4,0,0,10,20,1,-1,-1,-1\n3,4,1,0,10,20,1,-1,-1,-1\n3,5,80,0,9,9,1,-1,-1,-1\n'
    )
    assert read_boxes(path).shape == (5, 10)
    extraction = inferencer(video_crops(video, path))
    assert extraction.names == [
        f'{video}#frame{end}' for end in ('1/box1', '1/box2', '3/id4', '3/box4')
    ]
    assert list(extraction.unreadable) == [f'{video}#frame3/id5']
    assert extraction.features.shape == (4, inferencer.feat_dims)
    path.write_text('')
    with pytest.warns(UserWarning, match='no data'):
        assert list(video_crops(video, path)) == []


@pytest.mark.parametrize(
    'boxes, error',
    [
        (np.zeros((2, 5)), r'shape \(N, 6 or more\), got \(2, 5\)'),
        (np.zeros(6), r'got \(6,\)'),
        (np.zeros((1, 6)), 'box 1 has frame 0'),
        ([[1, 0, 0, 0, 1, 1], [1.5, 0, 0, 0, 1, 1]], 'box 2'),
        ([[np.nan, 0, 0, 0, 1, 1]], 'box 1 has frame nan'),
        ([['a'] * 6], 'array of numbers'),
        (None, r'array of numbers|shape'),
    ],
)
def test_wrong_boxes(video, boxes, error):
    with pytest.raises(ValueError, match=error):
        video_crops(video, boxes)


def test_wrong_files(video, tmp_path):
    box = np.array([[1, 1, 0, 0, 5, 5]])
    (tmp_path / 'text.avi').write_text('no video')
    (tmp_path / 'boxes.txt').write_text('1,1,0,0,5,5\n2,x,0,0,5,5\n')
    for name, error in (('text.avi', 'cannot be opened'), ('gone.avi', 'no video at')):
        with pytest.raises((ValueError, FileNotFoundError), match=error):
            video_crops(tmp_path / name, box)
    with pytest.raises(ValueError, match='boxes.txt is not a text file of boxes'):
        video_crops(video, tmp_path / 'boxes.txt')
    with pytest.raises(FileNotFoundError, match='no boxes at'):
        video_crops(video, tmp_path / 'gone.txt')


def test_tracks_are_pooled(video):
    boxes = np.array(
        [[1, 3, 0, 0, 9, 9], [2, 7, 0, 0, 9, 9], [2, 3, 0, 0, 9, 9], [5, 3, 0, 0, 9, 9]]
    )
    features = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    order = [0, 1, 2, 3]
    names = [crop.name for crop in video_crops(video, boxes)]
    crops = Extraction(features, names, {'x': 'no pixel'}, order)
    pooled = pool_tracks(crops)
    assert pooled.names == [f'{video}#id3', f'{video}#id7']
    assert (pooled.indices, pooled.unreadable) == ([0, 1], {'x': 'no pixel'})
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    mean = units[[0, 2, 3]].mean(axis=0)
    np.testing.assert_allclose(
        pooled.features[0] / np.linalg.norm(pooled.features[0]),
        mean / np.linalg.norm(mean),
        rtol=1e-5,
    )
    np.testing.assert_array_equal(pooled.features[1], features[1])
    best = pool_tracks(crops, how='best', quality=[0.1, 0.5, 0.9, 0.2])
    np.testing.assert_allclose(best.features[0], features[2], rtol=1e-5)
    crops.names[1] = f'{video}#frame2/box2'
    with pytest.raises(ValueError, match="1 of 4 images are no boxes of tracks, '.*box2'"):
        pool_tracks(crops)


def test_reassociation_of_extracted_tracks(video, tmp_path, capsys):
    boxes = np.array([[f, t, 0, 0, 9, 9] for f in (1, 4, 6) for t in (3, 7)])
    names = [crop.name for crop in video_crops(video, boxes)]
    features = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 1, 0]]  # at last they are mixed up
    save_extraction(tmp_path / 'f.npz', Extraction(features, names, {}))
    command = [str(tmp_path / 'f.npz'), '--reassociate']
    assert start('evaluate', [*command, 'gap=3']) == 0
    text = capsys.readouterr().out
    assert '"R1": 100.0' in text and '"num_queries": 2.0' in text
    assert start('evaluate', [*command, 'gap=2']) == 0
    assert '"R1": 50.0' in capsys.readouterr().out
    assert start('evaluate', [*command, 'frames=2']) == 2
    assert 'gap=FRAMES' in capsys.readouterr().err
