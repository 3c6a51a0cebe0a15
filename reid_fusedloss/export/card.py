"""The card of an exported file: its preprocessing, output and origin, stored in its metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..checks import check_choice, check_int
from ..datasets.load_image import BACKENDS
from ..functional.distance import DISTANCES

PLACES = ('inside', 'outside')
CHANNEL_ORDERS = ('rgb', 'bgr')
INPUT_TYPES = ('float32', 'uint8')
OPTIONAL = ('source', 'graph', 'int8')  # not in every file
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')  # of mmcv's Resize


@dataclass(frozen=True)
class ModelCard:
    """The entries of the file's `metadata_props`.

    Attributes:
        normalise: 'inside': the graph takes pixels, 0 to 255, and computes (pixels - mean) / std
            itself; 'outside': it takes the result.
        channel_order: of the graph's input, 'rgb' or 'bgr'; also of `mean` and `std`.
        mean: of the channels, on the scale 0 to 255.
        std: of the channels, on the scale 0 to 255.
        input_type: of the graph's input, 'float32' or 'uint8'.
        image_size: (H, W) of the graph's input.
        interpolation: of the resize to `image_size`, which ignores the aspect ratio.
        resize_backend: library that resizes, 'cv2' or 'pillow'.
        decoder: library that decoded the files in training, 'cv2' or 'pillow'.
        feature_dims: C of the graph's output (B, C).
        l2: whether the output has unit length.
        distance: that the model's test ranks by, 'cosine' or 'euclidean'.
        config: name of the config file.
        package: 'reid_fusedloss'.
        package_version: its version.
        source: fingerprint of the model that was exported; None in files of older versions.
        graph: digest of the graph and the other entries, see `export.identity`; '' in files of
            older versions.
        int8: how the file was quantised, and how near its features are to those of the float file,
            see `export.int8`; None in float files.
    """

    normalise: str
    channel_order: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    input_type: str
    image_size: tuple[int, int]
    interpolation: str
    resize_backend: str
    decoder: str
    feature_dims: int
    l2: bool
    distance: str
    config: str
    package: str
    package_version: str
    source: dict[str, Any] | None = None
    graph: str = ''
    int8: dict[str, Any] | None = None

    def to_props(self) -> dict[str, str]:
        """Convert to the entries of a file: text unchanged, other values as JSON."""
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in asdict(self).items()
            if value not in (None, '') or name not in OPTIONAL
        }

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> 'ModelCard':
        """Read the entries of a file.

        Raises:
            ValueError: if an entry is missing or invalid.
        """
        missing = [
            field.name
            for field in fields(cls)
            if field.name not in props and field.name not in OPTIONAL
        ]
        if missing:
            raise ValueError(f'metadata lacks {missing}: write it with `reid-fusedloss export`')
        try:
            values: dict[str, Any] = {
                field.name: props[field.name]
                if field.type is str
                else json.loads(props[field.name])
                for field in fields(cls)
                if field.name in props
            }
            for name in ('mean', 'std', 'image_size'):
                values[name] = tuple(values[name])
        except (ValueError, TypeError) as error:
            raise ValueError(f'metadata cannot be read: {error}') from error
        return cls(**values)._checked()

    def _checked(self) -> 'ModelCard':
        check_choice('normalise', self.normalise, PLACES)
        check_choice('channel_order', self.channel_order, CHANNEL_ORDERS)
        check_choice('input_type', self.input_type, INPUT_TYPES)
        check_choice('interpolation', self.interpolation, INTERPOLATIONS)
        check_choice('resize_backend', self.resize_backend, BACKENDS)
        check_choice('decoder', self.decoder, BACKENDS)
        for name, length in dict(mean=3, std=3, image_size=2).items():
            if len(getattr(self, name)) != length:
                raise ValueError(f'{name} must be {length} numbers, got {getattr(self, name)}')
        for side in self.image_size:
            check_int('image_size', side)
        if self.source is not None and not (
            isinstance(self.source, dict) and isinstance(self.source.get('options'), dict)
        ):
            raise ValueError(f'source must be the fingerprint of a model, got {self.source!r:.80}')
        if self.int8 is not None and not isinstance(self.int8, dict):
            raise ValueError(f'int8 must be a JSON object, got {self.int8!r:.80}')
        check_choice('distance', self.distance, DISTANCES)
        return self

    def pipeline(self) -> list[dict[str, Any]]:
        """Make the config of the transforms from an image to `inputs`, (3, H, W), uint8, BGR.

        It is built from the entries, not stored in the file: a config from a file could call any
        function of any package.
        """
        return [
            dict(type='reid_fusedloss.LoadReIDImage', backend=self.decoder),
            dict(
                type='mmpretrain.Resize',
                scale=self.image_size[::-1],
                backend=self.resize_backend,
                interpolation=self.interpolation,
            ),
            dict(type='mmpretrain.PackInputs'),
        ]

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Convert images (B, 3, H, W), uint8, BGR, to the input of the graph."""
        if self.channel_order == 'rgb':
            images = images[:, ::-1]
        images = np.ascontiguousarray(images, self.input_type)
        if self.normalise == 'inside':
            return images
        mean, std = (
            np.array(value, np.float32).reshape(3, 1, 1) for value in (self.mean, self.std)
        )
        return (images - mean) / std
