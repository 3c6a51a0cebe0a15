"""The networks of inference_speed.py, and the ways to compute their features."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import MODELS

from reid_fusedloss.apis import FeatureExtractor, ReIDInferencer
from reid_fusedloss.apis.images import SampleReader
from reid_fusedloss.apis.sources import ImageSource
from reid_fusedloss.datasets.pedestrians import draw_pedestrian
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.export import OnnxModel, export_onnx

TORCH, CHANNELS_LAST, BFLOAT16 = 'PyTorch', 'PyTorch channels-last', 'PyTorch bfloat16'
RUNTIMES = {'ONNX Runtime': 'onnxruntime', 'OpenVINO': 'openvino'}
WAYS = (TORCH, CHANNELS_LAST, BFLOAT16, *RUNTIMES)
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


@dataclass(frozen=True)
class Network:
    """A network.

    Attributes:
        title: for the table.
        trained: its name among the trained networks of the package; '': see `config`.
        config: in configs/.
        weights: file for the config; None: random weights.
    """

    title: str
    trained: str = ''
    config: str = 'paper/fusedloss_r50.py'
    weights: Path | None = None

    def source(self, folder: Path) -> tuple[str, str | None]:
        """Return config and checkpoint as an inferencer takes them; writes random weights."""
        if self.trained:
            return self.trained, None
        config = str(CONFIGS / self.config)
        if self.weights:
            return config, str(self.weights)
        path = folder / 'random.pth'
        if not path.exists():
            cfg = load_config(config, options={'model.backbone.init_cfg': None})
            torch.manual_seed(0)
            torch.save(MODELS.build(cfg.model).state_dict(), path)
        return config, str(path)


NETWORKS = dict(
    mobilenetv2=Network('MobileNetV2', 'mobilenetv2_market1501'),
    osnet_x0_25=Network('OSNet x0.25', 'osnet_x0_25_market1501'),
    r50=Network('ResNet-50'),
)


def open_ways(
    network: Network,
    folder: Path,
    names: Sequence[str] = WAYS,
    int8_files: Mapping[str, Path] | None = None,
    batch_size: int = 64,
) -> Iterator[tuple[str, FeatureExtractor]]:
    """Open a network in each way, PyTorch in float32 first.

    Args:
        network: the network.
        folder: for random weights and the exported file.
        names: of `WAYS`.
        int8_files: name -> int8 file of this network, opened in both runtimes.
        batch_size: images per forward pass, of extractions from files.
    """
    source = network.source(folder)
    options: dict[str, Any] = dict(device='cpu', progress=False, batch_size=batch_size)
    plain = ReIDInferencer(*source, **options)
    yield TORCH, plain
    if CHANNELS_LAST in names:
        other = ReIDInferencer(*source, **options)
        layout: Any = torch.channels_last
        other.model.to(memory_format=layout)
        yield CHANNELS_LAST, other
    if BFLOAT16 in names:
        yield BFLOAT16, ReIDInferencer(*source, amp=True, **options)
    path = folder / f'{network.title}.onnx'
    export_onnx(plain, path, channel_order='bgr', input_type='uint8')
    files = {'': path, **{f' {name}': file for name, file in (int8_files or {}).items()}}
    for suffix, file in files.items():
        for title, runtime in RUNTIMES.items():
            if title in names:
                model = OnnxModel(file, runtime, batch_size=batch_size, progress=False)
                yield f'{title}{suffix}', model


def draw_samples(extractor: FeatureExtractor, number: int) -> list[Mapping[str, Any]]:
    """Draw pedestrians, and prepare them as an extractor's pipeline does."""
    reader = SampleReader(extractor.pipeline)
    loaded = [
        reader[pid, ImageSource(f'{pid}', draw_pedestrian(pid, pid % 6, 0))].sample
        for pid in range(number)
    ]
    return [sample for sample in loaded if not isinstance(sample, str)]
