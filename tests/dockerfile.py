"""A Dockerfile's own commands, run in a clean directory: this machine's Debian and Python stand for the base image.

For machines without a container engine. Each stage has a root of its own, with its own /etc, /opt, /var ..., into which
/usr and Python are mounted read-only; RUN, and what a container would run, are run in it by chroot. Understood is what
the Dockerfiles of this project use; anything else is an error.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

OWN = ("app", "build", "data", "home", "opt", "root", "srv", "tmp", "var/tmp", "var/lib", "usr", "proc", "dev")
ETC = (
    "passwd", "group", "shadow", "gshadow", "login.defs", "nsswitch.conf", "hosts", "resolv.conf", "ld.so.cache",
    "ssl", "ca-certificates", "alternatives", "localtime", "protocols", "services", "default",
)  # fmt: skip
PYTHON = "/usr/local"  # where the official images have it
PASSED_ON = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT", "REQUESTS_CA", "http_proxy", "https_proxy")
NEW_MOUNTS = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user", "--map-auto"]


@dataclass
class Image:
    """A stage: its root, and what a container of it is started with."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)

    def words(self, command: Sequence[str], *, user: str | None = None) -> list[str]:
        """Return the words that run a command in this root, as its user, on read-only system folders."""
        mounts = [f"mount --rbind {folder} {self.root}{folder}" for folder in ("/usr", "/proc", "/dev")]
        mounts += [f"mount -o remount,bind,ro {self.root}/usr", f"mount --bind {sys.base_prefix} {self.root}{PYTHON}"]
        mounts += [f"mount -o remount,bind,ro {self.root}{PYTHON}"]
        inside = f"cd {shlex.quote(self.folder)} && exec {shlex.join(command)}"
        chroot = ["chroot", f"--userspec={user or self.user}", str(self.root), "/bin/sh", "-c", inside]
        return [*NEW_MOUNTS, "sh", "-c", " && ".join([*mounts, f"exec {shlex.join(chroot)}"])]

    def variables(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a container: the image's and what it is started with, nothing of this process."""
        return {"LD_LIBRARY_PATH": f"{PYTHON}/lib", "HOME": "/tmp"} | self.environment | more

    def start(
        self, *command: str, output: int | BinaryIO = subprocess.PIPE, **environment: str
    ) -> subprocess.Popen[str]:
        """Start a command, by default the image's own; what runs for long needs a file for its output."""
        return subprocess.Popen(
            self.words(command or self.command),
            env=self.variables(environment),
            stdout=output,
            stderr=output,
            text=True,
        )

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*command, **environment)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


class Build:
    """Builds stages of one Dockerfile, each once; users are those of the base image, by number.

    Commands of apt-get are left out: what they would install must be this machine's, for /usr is.
    """

    def __init__(
        self,
        file: Path,
        *,
        context: Path,
        folder: Path,
        arguments: Mapping[str, str] | None = None,
        users: Mapping[str, int] | None = None,
    ) -> None:
        self._context = context
        self._folder = folder
        self._given = arguments or {}
        self._users = users or {}
        self._globals: dict[str, str] = {}
        self._stages: dict[str, list[tuple[str, str]]] = {}
        self._bases: dict[str, str] = {}
        self._built: dict[str, Image] = {}
        self._read(file.read_text(encoding="utf-8"))

    def image(self, name: str) -> Image:
        """Return a stage, built with all that it needs."""
        if name not in self._built:
            base = self._bases[name]
            image = self._copy_of(self.image(base), name) if base in self._stages else self._base_image(name)
            for instruction, rest in self._stages[name]:
                getattr(self, f"_{instruction.lower()}")(image, rest)
            self._built[name] = image
        return self._built[name]

    def _read(self, text: str) -> None:
        text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
        current: list[tuple[str, str]] | None = None
        for line in filter(None, map(str.strip, text.splitlines())):
            instruction, _, rest = line.partition(" ")
            if instruction == "FROM":
                base, _, name = rest.partition(" AS ")
                current = self._stages.setdefault(name or "final", [])
                self._bases[name or "final"] = base
            elif current is None:
                assert instruction == "ARG", line
                name, _, default = rest.partition("=")
                self._globals[name] = default
            else:
                current.append((instruction, rest.strip()))

    def _base_image(self, name: str) -> Image:
        root = self._folder / name
        for folder in OWN:
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        (root / "etc").mkdir()
        for entry in ETC:
            if (source := Path("/etc") / entry).is_dir():
                shutil.copytree(source, root / "etc" / entry, symlinks=True)
            elif source.exists():
                shutil.copyfile(source, root / "etc" / entry)
        for user, number in self._users.items():
            for file, line in (
                ("passwd", f"{user}:x:{number}:{number}::/:/bin/sh\n"),
                ("group", f"{user}:x:{number}:\n"),
            ):
                known = (root / "etc" / file).read_text(encoding="utf-8").splitlines(keepends=True)
                others = [one for one in known if not one.startswith(f"{user}:")]
                (root / "etc" / file).write_text("".join([*others, line]), encoding="utf-8")
        for link in ("bin", "sbin", "lib", "lib64"):
            (root / link).symlink_to(f"usr/{link}")
        passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        return Image(root=root, environment={"PATH": f"{PYTHON}/bin:/usr/sbin:/usr/bin"} | passed)

    def _copy_of(self, image: Image, name: str) -> Image:
        _run(["cp", "--archive", "--link", str(image.root), str(self._folder / name)])
        return Image(
            root=self._folder / name, environment=dict(image.environment), folder=image.folder, user=image.user
        )

    def _arg(self, image: Image, rest: str) -> None:
        name, _, default = rest.partition("=")
        image.arguments[name] = self._given.get(name, default)

    def _env(self, image: Image, rest: str) -> None:
        for word in shlex.split(rest):
            name, _, value = word.partition("=")
            image.environment[name] = value.replace("$PATH", image.environment["PATH"])

    def _workdir(self, image: Image, rest: str) -> None:
        image.folder = rest
        (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _user(self, image: Image, rest: str) -> None:
        image.user = rest

    def _copy(self, image: Image, rest: str) -> None:
        options = dict(word[2:].split("=", 1) for word in rest.split() if word.startswith("--"))
        *sources, target = (word for word in rest.split() if not word.startswith("--"))
        assert options.keys() <= {"from", "chmod"}, rest
        origin = self.image(options["from"]).root if "from" in options else self._context
        where = image.root / (Path(image.folder) / target).relative_to("/")
        if target.endswith("/"):
            where.mkdir(parents=True, exist_ok=True)
        for source in sources:
            self._copy_one(origin / source.lstrip("/"), where, linked="from" in options)
            if "chmod" in options:
                (where / Path(source).name if where.is_dir() else where).chmod(int(options["chmod"], 8))

    def _copy_one(self, source: Path, where: Path, *, linked: bool) -> None:
        """A folder's contents go into the target, a file goes into a target that is a folder, as Docker does."""
        assert source.exists(), f"COPY: {source} does not exist"
        where.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            if linked:
                _run(["cp", "--archive", "--link", "--no-target-directory", str(source), str(where)])
            else:
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")  # .dockerignore
                shutil.copytree(source, where, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy(source, where)

    def _run(self, image: Image, rest: str) -> None:
        if rest.startswith("apt-get "):
            return
        done = subprocess.run(
            image.words(["/bin/sh", "-c", rest], user="0:0"),
            env=image.variables(image.arguments),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout}{done.stderr}"

    def _cmd(self, image: Image, rest: str) -> None:
        image.command = json.loads(rest)

    def _healthcheck(self, image: Image, rest: str) -> None:
        image.health = json.loads(rest.partition("CMD ")[2])

    def _entrypoint(self, image: Image, rest: str) -> None:
        assert rest == "[]", rest  # none, in place of the base image's

    def _nothing(self, image: Image, rest: str) -> None:
        """What only a container engine reads."""

    _volume = _expose = _stopsignal = _nothing


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True)
