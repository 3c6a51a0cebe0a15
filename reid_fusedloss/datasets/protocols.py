"""Names of the protocols of a test split; `ReIDMetric` has the rules."""

from collections.abc import Mapping
from typing import Any

PROTOCOLS = (
    'same_camera',
    'clothes_changing',
    'same_clothes',
    'general',
    'camera_pairs',
    'leave_one_out',
    'single_gallery_shot',
    'vehicleid',
)
# never compare a query with its own image, also without cameras
OWN_IMAGE_OUT = ('leave_one_out', 'vehicleid')


def protocol_name(protocol: str | Mapping[str, Any]) -> Any:
    """Return the name of a protocol given as a name or as dict(type=name, ...)."""
    return protocol.get('type') if isinstance(protocol, Mapping) else protocol
