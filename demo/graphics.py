"""The drawn pictures of the demo site: logo, icons, map, animations and scientific grey."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw

from demo.media import Media, encode, photograph, published, source

INK, LEAF, SAND, SKY = "#1d2b2f", "#2f7d5b", "#f2c879", "#8fc1d4"
ICONS = ("camera-photo", "weather-few-clouds", "utilities-terminal", "applications-graphics", "go-home")
LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" width="180" height="48" viewBox="0 0 180 48">
  <rect width="180" height="48" rx="6" fill="#1d2b2f"/>
  <circle cx="30" cy="20" r="9" fill="#f2c879"/>
  <path d="M6 40 L24 20 L36 32 L46 16 L66 40 Z" fill="#2f7d5b"/>
  <path d="M78 14 h14 M78 24 h10 M78 14 v20 M104 34 l8 -20 l8 20 M107 28 h10 M132 34 v-20 h8 a5 5 0 0 1 0 11 h-8 l12 9"
        fill="none" stroke="#ffffff" stroke-width="3"/>
</svg>
"""


def graphics() -> list[Media]:
    """Return every drawn picture; the icons are the sources' own bytes."""
    return [
        Media("/media/logo.svg", LOGO.encode(), "svg", 180, 48),
        Media("/media/seagull.svg", source("seagull.svg"), "svg", 128, 128),
        *(Media(f"/media/icons/{name}.svg", source(f"{name}.svg"), "svg", 48, 48) for name in VECTOR_ICONS),
        *(Media(f"/media/icons/{name}.png", source(f"{name}.png"), "png", 32, 32) for name in ICONS),
        _favicon(),
        published("/media/badge.png", _badge(64).quantize(16), alternative=True),
        published("/media/badge-2x.png", _badge(128).quantize(16)),
        published("/media/route-map.png", _map().quantize(8), optimize=True),
        published("/media/icons/sunrise.bmp", _mark(96)),
        published("/media/horse.png", _horse()),
        published("/media/elevation-16bit.png", _elevation()),
        published("/media/shop/basket-button.png", _button()),
        published("/media/shop/label.webp", _badge(200), lossless=True),
        published("/media/pixel.gif", Image.new("P", (1, 1))),
        _turning_clock(),
        _fading_dandelions(),
        camera_in_the_page(),
    ]


VECTOR_ICONS = ("emblem-favorite", "face-smile-big")


def camera_in_the_page() -> Media:
    """A picture that has no file: the pages carry it as a data: URI."""
    body = source("camera-photo-16.png")
    media = Media("", body, "png", 16, 16)
    return Media("", body, "png", 16, 16, address=f"data:image/png;sha256={media.sha256}")


def _mark(side: int) -> Image.Image:
    """The logo's sun over hills, in a square."""
    picture = Image.new("RGB", (side, side), SKY)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((side * 0.3, side * 0.15, side * 0.7, side * 0.55), fill=SAND)
    pen.polygon(((0, side), (side * 0.35, side * 0.45), (side * 0.7, side)), fill=LEAF)
    pen.polygon(((side * 0.35, side), (side * 0.7, side * 0.55), (side, side)), fill=INK)
    return picture


def _favicon() -> Media:
    """Three sizes in one file; the largest is the picture."""
    body = encode(_mark(48), "ico", sizes=[(16, 16), (32, 32), (48, 48)])
    return Media("/favicon.ico", body, "ico", 48, 48)


def _badge(side: int) -> Image.Image:
    """A round badge on a transparent ground."""
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((1, 1, side - 2, side - 2), fill=LEAF, outline=INK, width=side // 20)
    points = []
    for step in range(10):
        angle, reach = math.pi * step / 5 - math.pi / 2, side * (0.36 if step % 2 == 0 else 0.16)
        points.append((side / 2 + reach * math.cos(angle), side / 2 + reach * math.sin(angle)))
    pen.polygon(points, fill=SAND)
    return picture


def _button() -> Image.Image:
    picture = Image.new("RGBA", (132, 40), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, 131, 39), 12, fill=LEAF)
    pen.text((24, 14), "Add to basket", fill="white")
    return picture


def _map() -> Image.Image:
    """A large map in flat colours: the only picture of the site wider than 2000 pixels."""
    side = 2048
    picture = Image.new("RGB", (side, side), SKY)
    pen = ImageDraw.Draw(picture)
    coast = []
    for degree in range(0, 360, 4):
        angle, reach = math.radians(degree), side * (0.36 + 0.05 * math.sin(degree / 17) + 0.03 * math.cos(degree / 7))
        coast.append((side / 2 + reach * math.cos(angle), side / 2 + reach * math.sin(angle)))
    pen.polygon(coast, fill=LEAF)
    route = [(500 + 18 * step, 1300 - 14 * step + 160 * math.sin(step / 6)) for step in range(60)]
    pen.line(route, fill=SAND, width=18, joint="curve")
    for point in route[::12]:
        pen.ellipse((point[0] - 30, point[1] - 30, point[0] + 30, point[1] + 30), fill=INK)
    return picture


def _horse() -> Image.Image:
    """The silhouette in a palette of two colours."""
    with Image.open(io.BytesIO(source("horse.png"))) as picture:
        return picture.convert("L").convert("P", palette=Image.Palette.ADAPTIVE, colors=2)


def _elevation() -> Image.Image:
    """Hills as 16-bit grey values, as elevation models are published."""
    width, height = 256, 192
    values = bytearray()
    for y in range(height):
        for x in range(width):
            height_here = 0.5 + 0.25 * math.sin(x / 23) * math.cos(y / 31) + 0.2 * math.sin((x + 2 * y) / 61)
            values += int(height_here * 65535).to_bytes(2, "little")
    return Image.frombytes("I;16", (width, height), bytes(values))


def _turning_clock() -> Media:
    frames = []
    for hour in range(12):
        face = Image.new("RGB", (120, 120), "white")
        pen = ImageDraw.Draw(face)
        pen.ellipse((6, 6, 113, 113), outline=INK, width=5)
        angle = math.radians(30 * hour - 90)
        pen.line((60, 60, 60 + 40 * math.cos(angle), 60 + 40 * math.sin(angle)), fill=LEAF, width=6)
        frames.append(face.quantize(8))
    body = encode(frames[0], "gif", save_all=True, append_images=frames[1:], duration=120, loop=0)
    return Media("/media/icons/turning-clock.gif", body, "gif", 120, 120, frames=len(frames))


def _fading_dandelions() -> Media:
    colour = photograph("dandelions", (240, 135))
    grey = colour.convert("L").convert("RGB")
    frames = [Image.blend(colour, grey, step / 5) for step in range(6)]
    body = encode(frames[0], "webp", save_all=True, append_images=frames[1:], duration=200, loop=0, quality=60)
    return Media("/media/icons/fading-dandelions.webp", body, "webp", 240, 135, frames=len(frames))
