"""Where the labelled files come from: one row per (package, folder), the label being that of the whole folder.

Nothing was labelled file by file, except that files which plainly do not belong to a folder's kind are excluded by
name, with the same words for both halves. Packages marked unseen took no part in choosing any threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

WHEEL = "wheel:"  # a package that pip installs instead of a Debian package


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one kind: a glob below the unpacked package, at most `limit` of them, taken evenly in name order."""

    kind: str
    package: str
    pattern: str
    limit: int = 1000
    unseen: bool = False
    only: str = ""
    exclude: str = ""
    minimum_side: int = 0


_HELP = "usr/share/gimp/2.0/help/en/images/"
_ACTIVITIES = "gcompris/src/activities/"
_CLIP_ART = "usr/share/openclipart/png/"
_OPENCV = "usr/share/doc/opencv-doc/examples/"
_PLASMA = "usr/share/wallpapers/"
_PLASMA_PHOTOS = "/(BytheWater|ColdRipple|ColorfulCups|EveningGlow|FallenLeaf|Grey|Kite|OneStandsOut|Path|summer_1am)/"
_OPENCV_PHOTOS = (
    "/(plant|aero1|aloeL|apple|baboon|board|box_in_scene|building|butterfly|chicky_512|fruits|graf1|home|left01|left02|"
    "leuvenA|licenseplate_motion|messi5|orange|rubberwhale1|squirrel_cls|stuff|smarties|00[012]|scenetext0[1-6])\\."
)
_WHEEL_PHOTOS = "/(astronaut|brick|camera|chelsea|coffee|coins|grass|gravel|motorcycle_left|rocket|china|flower)\\."

SOURCES = (
    # photo: taken with a camera
    Source("photo", "gcompris-qt-data", _ACTIVITIES + "explore_*/**/*.webp", exclude="tuxhelp|background"),
    Source("photo", "gcompris-qt-data", _ACTIVITIES + "erase/**/*.webp"),
    Source("photo", "gcompris-qt-data", _ACTIVITIES + "categorization/**/*.webp", exclude="/(alphabets|numbers)/"),
    Source("photo", "lomiri-wallpapers-16.04", "usr/share/backgrounds/*.jpg", exclude="analogpattern"),
    Source("photo", "lomiri-wallpapers-20.04", "usr/share/backgrounds/Kleiber*.jpg"),
    Source("photo", "mate-backgrounds", "usr/share/backgrounds/mate/nature/*.jpg"),
    Source("photo", "palapeli-data", "usr/share/palapeli/collection/*.jpg"),
    Source("photo", "plasma-workspace-wallpapers", _PLASMA + "*/contents/images/2560x1600.jpg", only=_PLASMA_PHOTOS),
    Source("photo", "opencv-doc", _OPENCV + "**/*.[jp][pn]g", only=_OPENCV_PHOTOS),
    Source("photo", WHEEL + "skimage", "data/*.png", only=_WHEEL_PHOTOS),
    Source("photo", WHEEL + "sklearn", "datasets/images/*.jpg", only=_WHEEL_PHOTOS),
    Source("photo", "kphotoalbum", "usr/share/kphotoalbum/demo/**/*.jpg", unseen=True),
    # illustration: drawn or painted pictures of things: clip art, game art, wallpapers made with a computer
    *(
        Source("illustration", "openclipart-png", _CLIP_ART + f"{theme}/**/*.png", 30)
        for theme in ("animals", "people", "food", "plants", "buildings", "tools", "geography")
    ),
    Source("illustration", "openclipart-png", _CLIP_ART + "transportation/**/*.png", 20, exclude="sign|symbol"),
    Source("illustration", "gcompris-qt-data", _ACTIVITIES + "lang/**/*.webp", 50),
    Source("illustration", "wesnoth-1.16-data", "usr/share/games/wesnoth/1.16/data/**/portraits/**/*.png", 50),
    Source("illustration", "plasma-workspace-wallpapers", _PLASMA + "*/contents/images/*0.png"),
    Source("illustration", "mate-backgrounds", "usr/share/backgrounds/mate/abstract/*", exclude="5640|3840"),
    Source("illustration", "gnome-backgrounds", "usr/share/backgrounds/gnome/*.webp"),
    Source("illustration", "tuxpaint-stamps-default", "usr/share/tuxpaint/stamps/**/cartoon/*.png", 60, unseen=True),
    Source("illustration", "ukui-wallpapers", "usr/share/backgrounds/*", unseen=True),
    # graphic: charts, diagrams, flags, logos, seals: flat colours, lines and words
    Source("graphic", "python-scipy-doc", "usr/share/doc/python-scipy-doc/html/_images/*.png", 60, exclude="gitpod"),
    Source("graphic", "python-pandas-doc", "usr/share/doc/python-pandas-doc/html/_images/*.png", 40, exclude="qual"),
    Source(
        "graphic",
        "python-sklearn-doc",
        "usr/share/doc/python-sklearn-doc/html/_images/sphx_glr_plot*_00?.png",
        50,
        exclude="face|china|denois|coin|_image_",
    ),
    Source("graphic", "asymptote-doc", "usr/share/doc/asymptote/html/*.png", 40),
    Source("graphic", "graphviz-doc", "usr/share/doc/graphviz/html/info/*", 40, only="gif$|png$", minimum_side=32),
    Source("graphic", "iso-flags-png-320x240", "usr/share/**/*.png", 50),
    Source("graphic", "libgphoto2-dev-doc", "usr/share/doc/**/*__*.png", 40, unseen=True),
    Source(
        "graphic",
        "debian-handbook",
        "usr/share/doc/debian-handbook/html/en-US/images/*.png",
        unseen=True,
        only="autobuilder|case-study|existing-setup|mail-server|netfilter|lifecycle|release-cycle|selinux|ssh-|startup|"
        "virtual-package|openlogo",
    ),
    # screenshot: a screen, a window or a dialog of a program
    *(
        Source(
            "screenshot",
            "gimp-help-en",
            _HELP + f"{part}/**/*.png",
            35,
            minimum_side=120,
            exclude="examples|icons|-ex[0-9]",
        )
        for part in ("dialogs", "menus", "preferences", "tool-options", "filters/artistic")
    ),
    Source(
        "screenshot",
        "debian-edu-doc-en",
        "usr/share/doc/debian-edu-doc-en/debian-edu-bookworm-manual-images/*.png",
        minimum_side=200,
        exclude="Network\\.png|logo",
    ),
    Source(
        "screenshot",
        "fotoxx-common",
        "usr/share/fotoxx/images/*.jpg",
        110,
        minimum_side=120,
        only="images/(KB|adjust|batch|add|edit|manage|search|select|print|file|find|image|index|rename|resize|save|show|"
        "slide|trim|undo|update|view|export|copy-move|custom|delete|draw|permissions|preferences|plugins)",
        exclude="images/(image-diffs|show-RGB)|calibrate-chart",
    ),
    Source(
        "screenshot",
        "debian-handbook",
        "usr/share/doc/debian-handbook/html/en-US/images/*.png",
        only="/(aptitude|cinnamon|evolution|firefox|fwbuilder|gnome|gnome-packagekit|inst-.*|kde|kmail|lxde|lxqt|mate|"
        "synaptic|testkvm|thunderbird|webmin|wireshark|xfce|debian)\\.",
    ),
    Source("screenshot", "kodi-data", "usr/share/kodi/addons/skin.*/resources/*.jpg"),
    *(
        Source("screenshot", package, "usr/share/doc/HTML/en/**/*.png", 30, unseen=True, minimum_side=150)
        for package in ("kig", "krusader", "konsole", "kwave", "kstars-data")
    ),
    # icon: a pictogram of an icon theme
    *(
        Source("icon", f"{theme}-icon-theme", "usr/share/icons/**/*.png", 45)
        for theme in ("gnome", "mate", "oxygen", "tango", "faenza")
    ),
    Source("icon", "lxde-icon-theme", "usr/share/icons/**/*.png", 60, unseen=True),
    # document: a page of text; the benchmark renders PDF pages, see pages.py
    Source("document", "texlive-latex-base-doc", "usr/share/doc/**/*.pdf", 130),
    Source("document", "camlidl-doc", "usr/share/doc/**/*.pdf", 10),
    Source("document", WHEEL + "skimage", "data/page.png"),
    Source("document", "opencv-doc", _OPENCV + "data/imageText*.png"),
    Source("document", "c++-annotations-pdf", "usr/share/doc/**/cplusplusus.pdf", 30, unseen=True),
)

BLANK_PACKAGES = tuple(sorted({source.package for source in SOURCES if not source.package.startswith(WHEEL)}))
"""Packages searched for files whose visible pixels are all one colour: that alone labels a file blank."""
