"""Features of images by another project, in a process of that project's Python.

    PYTHON peer_driver.py NAME WEIGHTS FOLDER

inference_peers.py starts it. FOLDER/paths.json lists the images; WEIGHTS is torchreid's file of
OSNet x0.25. The first line on standard output names the versions. Then each line on standard input
starts a run over all images: features go to FOLDER/features.npy, seconds to standard output. All of
a project's own output goes to standard error. Nothing of reid_fusedloss is imported.
"""

import collections
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 64
NETWORK = 'osnet_x0_25'

Extract = Callable[[list[str]], np.ndarray]


def open_torchreid(weights: str, folder: Path) -> Extract:
    """Open the FeatureExtractor of KaiyangZhou/deep-person-reid."""
    extractor = import_module('torchreid.utils').FeatureExtractor(
        NETWORK, weights, device='cpu', verbose=False
    )
    return lambda paths: extractor(paths).numpy()


def open_fastreid(weights: str, folder: Path) -> Extract:
    """Open the DefaultPredictor of JDAI-CV/fast-reid, with images read as in its demo."""
    import cv2
    import torch

    vars(collections)['Mapping'] = Mapping  # it imports the name that Python 3.10 removed
    cfg = import_module('fastreid.config').get_cfg()
    cfg.MODEL.DEVICE = 'cpu'
    cfg.MODEL.BACKBONE.NAME = 'build_osnet_backbone'
    cfg.MODEL.BACKBONE.DEPTH = 'x0_25'
    cfg.MODEL.BACKBONE.FEAT_DIM = 128
    cfg.MODEL.HEADS.EMBEDDING_DIM = 512
    cfg.MODEL.HEADS.WITH_BNNECK = True
    cfg.MODEL.HEADS.NUM_CLASSES = 1
    cfg.INPUT.SIZE_TEST = [256, 128]
    cfg.MODEL.WEIGHTS = str(folder / 'fastreid.pth')
    state = fastreid_weights(torch.load(weights, map_location='cpu'))
    torch.save(dict(model=state), cfg.MODEL.WEIGHTS)
    predictor = import_module('fastreid.engine').DefaultPredictor(cfg)

    def read(path: str) -> Any:
        bgr: Any = cv2.imread(path)
        image = cv2.resize(bgr[:, :, ::-1], (128, 256), interpolation=cv2.INTER_CUBIC)
        return torch.as_tensor(image.astype('float32').transpose(2, 0, 1))

    def extract(paths: list[str]) -> np.ndarray:
        # torchreid's network ends with this ReLU, FastReID's head without one
        return predictor(torch.stack([read(path) for path in paths])).relu_().numpy()

    return extract


def fastreid_weights(state: dict[str, Any]) -> dict[str, Any]:
    """Rename torchreid's OSNet for FastReID, whose head has no bias before its BN."""
    head = {
        f'heads.bottleneck.1.{key}': state[f'fc.1.{key}']
        for key in ('weight', 'bias', 'running_mean', 'running_var')
    }
    head['heads.bottleneck.1.running_mean'] = state['fc.1.running_mean'] - state['fc.0.bias']
    head['heads.bottleneck.0.weight'] = state['fc.0.weight'][:, :, None, None]
    rest = {key: value for key, value in state.items() if not key.startswith(('fc.', 'classifier'))}
    return head | {f'backbone.{key}': value for key, value in rest.items()}


def open_boxmot(weights: str, folder: Path) -> Extract:
    """Open the ONNX back end of mikel-brostrom/boxmot on the file that its exporter writes."""
    copy = folder / f'{NETWORK}_market1501.pt'  # it reads network and classes from the name
    shutil.copy(weights, copy)
    command = [sys.executable, '-m', 'boxmot.engine.cli', 'export', '--weights', str(copy)]
    subprocess.run(
        [*command, '--include', 'onnx', '--dynamic', '--device', 'cpu'],
        check=True,
        stdout=sys.stderr,
    )
    limit_threads(import_module('onnxruntime'))
    return import_module('boxmot.reid.core').ReID(copy.with_suffix('.onnx'), device='cpu')


def limit_threads(runtime: Any) -> None:
    """Give sessions OMP_NUM_THREADS threads, as the others here have: the runtime ignores it.

    Otherwise a second thread that waits for work counts in the CPU time.
    """
    threads, session = os.environ.get('OMP_NUM_THREADS'), runtime.InferenceSession
    if threads is None:
        return

    def open_session(path: str, sess_options: Any = None, **options: Any) -> Any:
        sess_options = sess_options or runtime.SessionOptions()
        sess_options.intra_op_num_threads = int(threads)
        return session(path, sess_options, **options)

    runtime.InferenceSession = open_session


def open_reid(weights: str, folder: Path) -> Extract:
    """Open the ReIDModel of Roboflow's package reid."""
    model = import_module('reid').ReIDModel.from_pretrained(
        weights, architecture=NETWORK, device='cpu'
    )
    return lambda paths: model.extract_embeddings_from_paths(paths, batch_size=BATCH)


# how to open each project, and the packages whose versions count
PEERS: dict[str, tuple[Callable[[str, Path], Extract], list[str]]] = dict(
    torchreid=(open_torchreid, ['torch', 'pillow']),
    fastreid=(open_fastreid, ['torch', 'opencv-python']),
    boxmot=(open_boxmot, ['boxmot', 'onnxruntime', 'opencv-python']),
    reid=(open_reid, ['reid', 'torch', 'pillow']),
)


def normalised(extract: Extract, paths: list[str]) -> np.ndarray:
    """Extract in batches, and scale to unit length."""
    parts = [extract(paths[start : start + BATCH]) for start in range(0, len(paths), BATCH)]
    features = np.concatenate(parts)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def main() -> None:
    """Answer each line of standard input with a run."""
    # the benchmark's modules must not hide a project's, which may have the same names
    sys.path.remove(str(Path(__file__).resolve().parent))
    answers = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(2, 1)
    name, weights, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    paths = json.loads((folder / 'paths.json').read_text())
    opener, packages = PEERS[name]
    extract = opener(weights, folder)
    normalised(extract, paths[:BATCH])
    print(', '.join(f'{package} {version(package)}' for package in packages), file=answers)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        features = normalised(extract, paths)
        seconds = dict(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
        np.save(folder / 'features.npy', features)
        print(json.dumps(seconds), file=answers)


if __name__ == '__main__':
    main()
