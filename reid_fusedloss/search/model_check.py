"""Features of two models are never compared."""


def check_same_model(own: str | None, model: str | None) -> None:
    """Refuse features of another model; None matches any model.

    Args:
        own: id of the model of a gallery.
        model: id of the model that made the features.

    Raises:
        ValueError: if both models are known and differ.
    """
    if model is None or own is None or model == own:
        return
    reason = 'distances between them mean nothing; build a gallery for each'
    if model.startswith('v2-') and not own.startswith('v'):
        reason = 'an older version named models otherwise; build the gallery again'
    elif model.startswith('v2-') and model.split('-')[1] in own.split('-')[1:2]:
        reason = f'one model in two precisions, or changed after its export; {reason}'
    raise ValueError(
        f'the gallery holds features of model {own!r}, these are of {model!r}: {reason}'
    )
