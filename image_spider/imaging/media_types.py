"""What image format a Content-Type names: the registered names, and the unregistered ones that servers send."""

from __future__ import annotations

FORMATS = {
    "image/apng": "png",
    "image/avif": "avif",
    "image/avif-sequence": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/heic-sequence": "heic",
    "image/heif": "heic",
    "image/heif-sequence": "heic",
    "image/ico": "ico",
    "image/icon": "ico",
    "image/jfif": "jpeg",
    "image/jp2": "jp2",
    "image/jpe": "jpeg",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/jxl": "jxl",
    "image/mpo": "jpeg",
    "image/ms-bmp": "bmp",
    "image/pjpeg": "jpeg",
    "image/png": "png",
    "image/svg": "svg",
    "image/svg+xml": "svg",
    "image/tif": "tiff",
    "image/tiff": "tiff",
    "image/vnd.adobe.photoshop": "psd",
    "image/vnd.microsoft.icon": "ico",
    "image/vnd.mozilla.apng": "png",
    "image/webp": "webp",
    "image/x-apng": "png",
    "image/x-bmp": "bmp",
    "image/x-citrix-jpeg": "jpeg",
    "image/x-citrix-png": "png",
    "image/x-gif": "gif",
    "image/x-icon": "ico",
    "image/x-jpeg": "jpeg",
    "image/x-jpg": "jpeg",
    "image/x-ms-bmp": "bmp",
    "image/x-png": "png",
    "image/x-tif": "tiff",
    "image/x-tiff": "tiff",
    "image/x-webp": "webp",
    "image/x-windows-bmp": "bmp",
}


def media_type(content_type: str) -> str:
    """Return the type of a Content-Type header in lower case, without its parameters: "image/png"."""
    return content_type.partition(";")[0].strip().lower()


def declared_format(content_type: str) -> str:
    """Return the image format that a Content-Type header names, or "" when it names none that is known.

    application/octet-stream, text/plain and unknown image types say nothing about the format, so they give "".
    """
    return FORMATS.get(media_type(content_type), "")
