"""Names of the rules by which a test split is evaluated; `ReIDMetric` has the rules."""

from collections.abc import Mapping
from typing import Any

PROTOCOLS = (
    'same_camera',
    'clothes_changing',
    'general',
    'camera_pairs',
    'leave_one_out',
    'single_gallery_shot',
    'vehicleid',
)
# never compare a query with its own image, also without cameras
OWN_IMAGE_OUT = ('leave_one_out', 'vehicleid')


def protocol_name(protocol: str | Mapping[str, Any]) -> Any:
    """Name of a protocol that is given as it is, or as dict(type=name, ...)."""
    return protocol.get('type') if isinstance(protocol, Mapping) else protocol
