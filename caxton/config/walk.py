"""All settings one after the other: their keys, shapes, defaults and values."""

from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from caxton.config.sections import Config
from caxton.config.setting import Shape, shapes_of


@cache
def setting_shapes() -> Mapping[str, Shape]:
    """Return the shape of every setting by its full key, in the order of declaration."""
    return dict(_walk(Config, ""))


def _walk(section: type[msgspec.Struct], prefix: str) -> Iterator[tuple[str, Shape]]:
    for name, shape in shapes_of(section).items():
        if shape.kind == "section" and shape.section is not None:
            yield from _walk(shape.section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", shape


def flat_values(config: Config) -> Iterator[tuple[str, object]]:
    """Yield every setting's key and value, in the order of declaration."""
    for key in setting_shapes():
        yield key, value_at(config, key)


def value_at(config: Config, key: str) -> object:
    """Return the value of a setting by its full key."""
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


@cache
def _defaults() -> Config:
    return Config()


def setting_default(key: str) -> object:
    """Return the value that a setting has when nobody sets it."""
    return value_at(_defaults(), key)
