"""The attributes in which lazy loaders and galleries keep the real file of a picture.

No standard names them. The table follows lazysizes, lozad, vanilla-lazyload, jQuery Lazy, Jetpack, WooCommerce,
Cloudflare Mirage, mod_pagespeed, elevateZoom, Magnific Popup and lightGallery; a new loader is a new line here.
"""

from __future__ import annotations

# The largest file that the site has, shown by a zoom or a lightbox.
FULL_SIZE = frozenset(
    {
        "data-full",
        "data-full-src",
        "data-full-url",
        "data-fullsize",
        "data-hi-res-src",
        "data-high-res-src",
        "data-highres",
        "data-hires",
        "data-large",
        "data-large-file",
        "data-large-image",
        "data-large-src",
        "data-large_image",
        "data-mfp-src",
        "data-orig-file",
        "data-original-src",
        "data-zoom",
        "data-zoom-image",
        "data-zoom-src",
    }
)
# The file that a script puts into src once the picture is near the screen.
LAZY = frozenset(
    {
        "data-actualsrc",
        "data-cfsrc",
        "data-defer-src",
        "data-echo",
        "data-image",
        "data-image-src",
        "data-img",
        "data-img-src",
        "data-img-url",
        "data-lazy",
        "data-lazy-src",
        "data-lazyload",
        "data-ll-src",
        "data-original",
        "data-pagespeed-lazy-src",
        "data-real-src",
        "data-src",
    }
)
# The same for srcset.
LAZY_SRCSET = frozenset({"data-lazy-srcset", "data-ll-srcset", "data-original-srcset", "data-srcset"})
# Backgrounds of any element: a URL, or CSS with url().
LAZY_BACKGROUND = frozenset(
    {
        "data-background",
        "data-background-image",
        "data-bg",
        "data-bg-image",
        "data-bg-src",
        "data-bg-url",
        "data-lazy-background",
        "data-lazy-bg",
        "data-parallax-image",
    }
)
LAZY_BACKGROUND_SRCSET = frozenset({"data-bgset"})
