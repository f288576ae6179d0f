"""Finding the wall, the floor or the background of a picture by colour. Pure: Pillow and numpy.

The picture is reduced, its colours are grouped, connected groups become patches, and the patch that
lies where a wall (a floor, …) lies is taken together with those of the same colour. The edge is
then refined at full size, pixel by pixel.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from emulator.prompts import Region, Side

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

SMALL_SIDE: Final = 192
GROUPS: Final = 8
ROUNDS: Final = 8
# Lightness counts less than hue: shading must not split a wall.
LIGHTNESS_WEIGHT: Final = 0.5
# Neighbouring patches whose common border is fainter than this are one surface in uneven light.
FAINT_BORDER: Final = 4.5
SAME_CHROMA: Final = 9.0
SAME_LIGHTNESS: Final = 20.0
EDGE_PIXELS: Final = 2
MEAN_RADIUS: Final = 7


def find(picture: Image.Image, region: Region, side: Side) -> Mask:
    """True where the region is, (height, width) of an RGB picture; a half when a side is named."""
    width, height = picture.size
    if region is Region.PICTURE:
        mask = np.ones((height, width), dtype=np.bool_)
    else:
        scale = min(1.0, SMALL_SIDE / max(width, height))
        small = picture.resize(
            (max(8, round(width * scale)), max(8, round(height * scale))), Image.Resampling.BOX
        )
        mask = _refine(picture, small, _small_mask(small, region))
    return mask & half(width, side)[None, :]


def half(width: int, side: Side) -> Mask:
    """True for the columns of a side."""
    columns = np.arange(width)
    if side is Side.LEFT:
        return columns < width // 2
    if side is Side.RIGHT:
        return columns >= width // 2
    return columns >= 0


def to_lab(rgb: NDArray[np.uint8]) -> Floats:
    """CIE L*a*b* (D65) of sRGB, (…, 3)."""
    linear = rgb.astype(np.float32) / 255.0
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32
    )
    xyz = linear @ matrix.T / np.array([0.9505, 1.0, 1.089], np.float32)
    cube = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack(
        [
            116 * cube[..., 1] - 16,
            500 * (cube[..., 0] - cube[..., 1]),
            200 * (cube[..., 1] - cube[..., 2]),
        ],
        axis=-1,
    )
    return lab.astype(np.float32)


def _small_mask(small: Image.Image, region: Region) -> Mask:
    lab = to_lab(np.asarray(small.filter(ImageFilter.MedianFilter(3))))
    patches = _join_faint(label_patches(_group(lab)), lab)
    area = np.bincount(patches.ravel())
    means = np.stack(
        [np.bincount(patches.ravel(), lab[..., axis].ravel()) / area for axis in range(3)], axis=1
    )
    score = np.bincount(patches.ravel(), _where(lab.shape[:2], region).ravel())
    seed = int(np.argmax(score))
    chroma = np.hypot(means[:, 1] - means[seed, 1], means[:, 2] - means[seed, 2])
    alike = (chroma < SAME_CHROMA) & (np.abs(means[:, 0] - means[seed, 0]) < SAME_LIGHTNESS)
    chosen = alike & (score > 0)
    chosen[seed] = True
    mask: Mask = chosen[patches]
    return mask


def _join_faint(patches: NDArray[np.int64], lab: Floats) -> NDArray[np.int64]:
    """Patches joined across borders that are hardly visible."""
    count = int(patches.max()) + 1
    total: dict[int, float] = {}
    length: dict[int, int] = {}
    for one, other, first, second in (
        (patches[:, 1:], patches[:, :-1], lab[:, 1:], lab[:, :-1]),
        (patches[1:], patches[:-1], lab[1:], lab[:-1]),
    ):
        border = one != other
        low, high = np.minimum(one, other)[border], np.maximum(one, other)[border]
        step = np.linalg.norm(first[border] - second[border], axis=1)
        keys, where = np.unique(low * count + high, return_inverse=True)
        for key, contrast, pixels in zip(
            keys.tolist(), np.bincount(where, step), np.bincount(where), strict=True
        ):
            total[key] = total.get(key, 0.0) + float(contrast)
            length[key] = length.get(key, 0) + int(pixels)
    parent = list(range(count))
    for key, contrast in total.items():
        if contrast / length[key] < FAINT_BORDER:
            _unite(parent, key // count, key % count)
    roots = np.array([_root(parent, one) for one in range(count)])
    joined: NDArray[np.int64] = np.unique(roots[patches], return_inverse=True)[1]
    return joined.reshape(patches.shape)


def _root(parent: list[int], one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


def _unite(parent: list[int], one: int, other: int) -> None:
    first, second = _root(parent, one), _root(parent, other)
    parent[max(first, second)] = min(first, second)


def _where(shape: tuple[int, int], region: Region) -> NDArray[np.float64]:
    """How much a pixel speaks for a patch being the region."""
    height, width = shape
    rows = np.repeat((np.arange(height) + 0.5)[:, None] / height, width, axis=1)
    match region:
        case Region.WALL:
            return np.where(rows < 0.62, 1.0, -1.6) * np.where(rows < 0.12, 0.5, 1.0)
        case Region.SKY:
            return np.where(rows < 0.5, 1.0, -1.5)
        case Region.CEILING:
            return np.where(rows < 0.16, 1.0, -0.8)
        case Region.FLOOR:
            return np.where(rows > 0.72, 1.0, -1.2)
        case _:
            border = np.full(shape, 0.001)
            border[[0, -1], :] = border[:, [0, -1]] = 1.0
            return border


def _group(lab: Floats) -> NDArray[np.int64]:
    """The colour group of each pixel: k-means that starts from colours far apart."""
    points = (lab * np.array([LIGHTNESS_WEIGHT, 1.0, 1.0], np.float32)).reshape(-1, 3)
    bins = np.unique(np.round(points / 4) * 4, axis=0, return_counts=True)
    common = bins[0][bins[1] >= max(2, len(points) // 400)]
    candidates = common if len(common) else bins[0]
    centres = [bins[0][int(np.argmax(bins[1]))]]
    while len(centres) < min(GROUPS, len(candidates)):
        nearest = np.min([np.linalg.norm(candidates - centre, axis=1) for centre in centres], 0)
        centres.append(candidates[int(np.argmax(nearest))])
    middle = np.array(centres, np.float32)
    groups = _nearest(points, middle)
    for _ in range(ROUNDS):
        count = np.bincount(groups, minlength=len(middle))
        for axis in range(3):
            total = np.bincount(groups, points[:, axis], minlength=len(middle))
            middle[:, axis] = np.where(count > 0, total / np.maximum(count, 1), middle[:, axis])
        groups = _nearest(points, middle)
    return groups.reshape(lab.shape[:2])


def _nearest(points: Floats, centres: Floats) -> NDArray[np.int64]:
    distance = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    nearest: NDArray[np.int64] = np.argmin(distance, axis=1)
    return nearest


def label_patches(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers 0… for the connected patches of equal values (four neighbours)."""
    height, width = groups.shape
    number = np.arange(height * width).reshape(height, width)
    beside = groups[:, 1:] == groups[:, :-1]
    below = groups[1:, :] == groups[:-1, :]
    parent = list(range(height * width))
    pairs = (
        (number[:, 1:][beside], number[:, :-1][beside]),
        (number[1:, :][below], number[:-1, :][below]),
    )
    for later, earlier in pairs:
        for one, other in zip(later.tolist(), earlier.tolist(), strict=True):
            _unite(parent, one, other)
    roots = np.array([_root(parent, one) for one in range(height * width)])
    patches: NDArray[np.int64] = np.unique(roots, return_inverse=True)[1]
    return patches.reshape(height, width)


def _refine(picture: Image.Image, small: Image.Image, mask: Mask) -> Mask:
    """The mask at full size; near its edge a pixel joins the side whose local colour is nearer."""
    width, height = picture.size
    rows = np.minimum(np.arange(height) * mask.shape[0] // height, mask.shape[0] - 1)
    columns = np.minimum(np.arange(width) * mask.shape[1] // width, mask.shape[1] - 1)
    full: Mask = mask[rows[:, None], columns[None, :]]
    edge = grow(mask, EDGE_PIXELS) & grow(~mask, EDGE_PIXELS)
    where_y, where_x = np.nonzero(edge[rows[:, None], columns[None, :]])
    if not len(where_y):
        return full
    colours = np.asarray(small, dtype=np.float32)
    inside, outside = _local_mean(colours, mask), _local_mean(colours, ~mask)
    pixels = np.asarray(picture)[where_y, where_x].astype(np.float32)
    low_y, low_x = rows[where_y], columns[where_x]
    near = ((pixels - inside[low_y, low_x]) ** 2).sum(axis=1)
    far = ((pixels - outside[low_y, low_x]) ** 2).sum(axis=1)
    full[where_y, where_x] = near < far
    return full


def grow(mask: Mask, steps: int) -> Mask:
    """`mask` grown by `steps` pixels to all sides."""
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = (
            padded[1:-1, 1:-1]
            | padded[:-2, 1:-1]
            | padded[2:, 1:-1]
            | padded[1:-1, :-2]
            | padded[1:-1, 2:]
        )
    return mask


def _local_mean(colours: Floats, mask: Mask) -> Floats:
    """Mean colour of the masked pixels around each pixel; the overall mean where there are none."""
    weight = mask.astype(np.float64)
    count = _box_sum(weight)
    overall = colours[mask].mean(axis=0) if mask.any() else colours.mean(axis=(0, 1))
    means = [
        np.where(count > 0, _box_sum(colours[..., c] * weight) / np.maximum(count, 1), overall[c])
        for c in range(3)
    ]
    return np.stack(means, axis=-1).astype(np.float32)


def _box_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    radius = MEAN_RADIUS
    padded = np.pad(values, ((radius + 1, radius), (radius + 1, radius)))
    total: NDArray[np.float64] = padded.cumsum(axis=0).cumsum(axis=1)
    size = 2 * radius + 1
    return total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
