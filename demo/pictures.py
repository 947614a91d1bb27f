"""Draws the demo's pictures: several formats and sizes, and one that is broken."""

from __future__ import annotations

import io
import math
from pathlib import Path

from PIL import Image, ImageDraw

SIZES = {
    "sunrise.png": (1600, 900),
    "waves.jpg": (2400, 1600),
    "rings.webp": (800, 800),
    "tiles.gif": (640, 480),
    "hills.bmp": (500, 300),
    "stars.tiff": (1024, 768),
}


def draw(name: str, width: int, height: int) -> Image.Image:
    """Return a picture that only its name and size decide."""
    seed = sum(name.encode())
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    canvas = ImageDraw.Draw(picture)
    for step in range(24):
        angle = seed + step * 0.7
        x, y = width / 2 + math.cos(angle) * width / 3, height / 2 + math.sin(angle * 1.3) * height / 3
        radius = min(width, height) / (6 + step % 7)
        colour = ((seed * 7 + step * 31) % 256, (seed * 3 + step * 53) % 256, (seed * 11 + step * 17) % 256)
        canvas.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            outline=colour,
            width=max(2, width // 200),
            fill=colour if step % 3 == 0 else None,
        )
    return picture


def make(folder: Path) -> list[Path]:
    """Write the pictures that aren't there yet; return all of them, the broken one last."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (width, height) in SIZES.items():
        if not (folder / name).exists():
            draw(name, width, height).save(folder / name)
    broken = folder / "broken.jpg"
    if not broken.exists():
        data = io.BytesIO()
        draw("broken", 400, 400).save(data, "JPEG")
        broken.write_bytes(b"not a picture" + data.getvalue()[200:900])
    return [*(folder / name for name in SIZES), broken]
