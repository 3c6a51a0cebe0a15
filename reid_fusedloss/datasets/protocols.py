"""Names of the rules by which a test split is evaluated; `ReIDMetric` has the rules."""

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
