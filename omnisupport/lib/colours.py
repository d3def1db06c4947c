"""Contrast by WCAG's relative luminance, so that any accent of a workspace stays readable. Colours are `#rrggbb`."""

# 4.5:1 for text of usual size.
_READABLE = 4.5
_STEPS = 20


def contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(colour: str) -> str:
    """Black or white, whichever is clearer on it."""
    return max(("#ffffff", "#000000"), key=lambda ink: contrast(colour, ink))


def readable_on(ground: str, colour: str, towards: str) -> str:
    """The colour for words on this ground: as it is, or mixed with `towards` (black or white) until it can be read."""
    for step in range(_STEPS):
        mixed = _mix(colour, towards, step / _STEPS)
        if contrast(mixed, ground) >= _READABLE:
            return mixed
    return towards


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
