"""Quantise an exported file to int8, and compare its features with the float file's."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..apis.images import SampleReader
from ..apis.sources import ImageSource, list_sources
from ..checks import check_choice, check_int, check_number
from ..optional import require
from ..whole_file import PathLike, whole_file
from .card import ModelCard
from .identity import graph_digest, precision_of
from .onnx_model import OnnxModel
from .quantisers import QUANTISERS

LEAST_IMAGES = 16  # that can be read, calibration and comparison together
# numbers of first convolutions in float32 that are tried until the median cosine is close enough:
# at Market-1501, 0.98 cost 1.0 mAP, 0.987 0.4, 0.992 0.2
FLOAT_CONVS, CLOSE = (0, 5), 0.99
HELD_OUT = 100  # images that are compared and not calibrated with, at most a quarter of all


class Agreement(NamedTuple):
    """How close the features of an int8 file are to the float file's.

    Attributes:
        images: number of images compared.
        median: cosine of the two features of an image, median of the images.
        worst: the smallest.
    """

    images: int
    median: float
    worst: float


class Quantised(NamedTuple):
    """The result of a quantisation.

    Attributes:
        card: of the file.
        calibration: agreement on the images that it was calibrated with.
        held_out: agreement on other images of the folder.
        unreadable: name -> reason, of images that could not be read.
    """

    card: ModelCard
    calibration: Agreement
    held_out: Agreement
    unreadable: dict[str, str]


def quantise_onnx(
    source: PathLike,
    path: PathLike,
    calibrate: Any,
    *,
    num_images: int = 300,
    seed: int = 0,
    quantiser: str = 'onnxruntime',
    float_convs: int | None = None,
    least_cosine: float = 0.95,
) -> Quantised:
    """Write an int8 copy of an exported file: whole and compared, or not at all.

    Activations are quantised by what they are on images of the user, weights per channel. The
    copy is read like any exported file, and is another model: its features are near the float
    file's, not equal to them.

    Args:
        source: file that `export_onnx` wrote.
        path: of the file to write, .onnx; its folder is created.
        calibrate: images such as the gallery's, usually a folder; see `ImageStream`.
        num_images: to calibrate with, drawn from them; up to 100 others are compared.
        seed: of the draw.
        quantiser: 'onnxruntime', or 'nncf', whose files are fast in OpenVINO alone.
        float_convs: number of first convolutions that stay in float32, since they may lose most by
            int8; None: 0, or 5 if the median cosine is below 0.99.
        least_cosine: between the two features of an image, in the median of the images that were
            not calibrated with; with less, nothing is written.

    Raises:
        ImportError: if a package is missing, with the command that installs it.
        FileNotFoundError, TypeError, ValueError: if an argument is wrong, too few images can be
            read, the file is not one of this package or int8 already, or the features are too far
            from the float file's.
    """
    path = Path(path)
    _check_arguments(path, num_images, seed, quantiser, least_cosine)
    numbers = FLOAT_CONVS if float_convs is None else (float_convs,)
    check_int('float_convs', numbers[0], least=0)
    runtime = QUANTISERS[quantiser].runtime
    reference = OnnxModel(source, runtime, progress=False)
    model = require('onnx', 'an ONNX model').load(os.fspath(source))
    if precision_of(model) != 'float32':
        raise ValueError(f'{source} is {precision_of(model)} already: give the float32 file')
    files = _Comparison(reference, calibrate, num_images, seed)
    for number in numbers:
        quantised, card, found = _quantise(model, files, quantiser, number)
        if found[-1].median >= CLOSE:
            break
    if not found[-1].median >= least_cosine:  # `not >=` also refuses NaN
        raise ValueError(
            f'{path} is not written: the cosine of its features and the float32 ones is '
            f'{found[-1].median:.3f} in the median, less than {least_cosine:g}: calibrate with '
            'images like those it will see, or leave more first convolutions in float32'
        )
    with whole_file(path) as file:
        file.write(quantised.SerializeToString())
    return Quantised(card, *found, files.unreadable)


def _quantise(
    model: Any, files: '_Comparison', quantiser: str, float_convs: int
) -> tuple[Any, ModelCard, tuple[Agreement, Agreement]]:
    """Quantise an `onnx.ModelProto` and compare it: it, its card, which it has, and agreement."""
    card, used = files.reference.card, QUANTISERS[quantiser]
    quantised = used.run(model, _Inputs(card, files.calibration), float_convs)
    card = replace(
        card,
        source=_identity(files.reference, quantised, card),
        int8=_facts(quantiser, float_convs, files),
    )
    _seal(quantised, card)
    found = files.compare(quantised, used.runtime)
    measured = dict(zip(('calibration', 'held_out'), (_rounded(part) for part in found)))
    card = _seal(quantised, replace(card, int8={**(card.int8 or {}), **measured}))
    return quantised, card, found


def _check_arguments(
    path: Path, num_images: int, seed: int, quantiser: str, least_cosine: float
) -> None:
    if path.suffix != '.onnx':
        raise ValueError(f'path must end in .onnx, got {path}')
    check_int('num_images', num_images, least=LEAST_IMAGES // 2)
    check_int('seed', seed, least=0)
    check_choice('quantiser', quantiser, QUANTISERS)
    check_number('least_cosine', least_cosine)
    if not 0 <= least_cosine <= 1:
        raise ValueError(f'least_cosine must be from 0 to 1, got {least_cosine}')
    require(QUANTISERS[quantiser].package, 'int8')


class _Comparison:
    """The images, with the float file's features of them.

    Attributes:
        reference: the float file.
        calibration, held_out: images.
        unreadable: name -> reason.
        folder: name of the folder, '' if the images are not one.
    """

    def __init__(self, reference: OnnxModel, images: Any, number: int, seed: int) -> None:
        one = isinstance(images, (str, os.PathLike))
        self.folder = Path(os.path.abspath(images)).name if one else ''
        self.reference, self.seed = reference, seed
        listed = list_sources(images)
        held_out = min(HELD_OUT, len(listed) // 4)
        order = np.random.default_rng(seed).permutation(len(listed))[: number + held_out]
        drawn = [listed[place] for place in order]
        extraction = reference(drawn)
        self.unreadable = extraction.unreadable
        if len(extraction) < LEAST_IMAGES:
            raise ValueError(
                f'{len(extraction)} of {len(drawn)} images can be read, which are too few to '
                f'calibrate with and compare on: give {LEAST_IMAGES} or more, better 300'
            )
        readable = [drawn[place] for place in extraction.indices]
        held_out = max(len(readable) - number, len(readable) // 4)
        self.calibration, self.held_out = readable[:-held_out], readable[-held_out:]
        self._features = extraction.features

    def compare(self, model: Any, runtime: str) -> tuple[Agreement, Agreement]:
        """Compare an `onnx.ModelProto` with the float file, on both sets of images."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, 'int8.onnx')
            file.write_bytes(model.SerializeToString())
            found = OnnxModel(file, runtime, progress=False)(self.calibration + self.held_out)
        cosines = (found.features * self._features).sum(1)
        parts = np.split(cosines, [len(self.calibration)])
        first, second = (
            Agreement(len(part), float(np.median(part)), float(part.min())) for part in parts
        )
        return first, second


@dataclass(frozen=True)
class _Inputs:
    """The images as inputs of the graph, one by one, as often as they are asked for."""

    card: ModelCard
    sources: Sequence[ImageSource]

    def __iter__(self) -> Iterator[np.ndarray]:
        reader = SampleReader(self.card.pipeline())
        for number, source in enumerate(self.sources):
            sample = reader[number, source].sample
            if isinstance(sample, str):
                raise ValueError(f'{source.name} could be read before, and now cannot: {sample}')
            yield self.card.prepare(sample['inputs'].numpy()[None])


def _identity(reference: OnnxModel, quantised: Any, card: ModelCard) -> dict[str, Any] | None:
    """Identify the int8 file: its source, and how it was quantised."""
    if card.source is None:  # of an older version: the bytes of the file identify it
        return None
    before = reference.fingerprint()
    options = {**before['options'], 'precision': 'int8'}
    return {**before, 'options': options, 'quantised': graph_digest(quantised)}


def _facts(quantiser: str, float_convs: int, files: _Comparison) -> dict[str, Any]:
    used = QUANTISERS[quantiser]
    return dict(
        quantiser=quantiser,
        version=version(used.package),
        ranges=used.ranges,
        float_convs=float_convs,
        folder=files.folder,
        images=len(files.calibration),
        seed=files.seed,
        runtime=used.runtime,
    )


def _rounded(part: Agreement) -> dict[str, Any]:
    return dict(images=part.images, median=round(part.median, 6), worst=round(part.worst, 6))


def _seal(model: Any, card: ModelCard) -> ModelCard:
    """Write a card into an `onnx.ModelProto`; return it with the digest of both."""
    set_props = require('onnx', 'an ONNX model').helper.set_model_props
    set_props(model, replace(card, graph='').to_props())
    card = replace(card, graph=graph_digest(model))
    set_props(model, card.to_props())
    return card
