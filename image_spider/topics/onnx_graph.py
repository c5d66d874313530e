"""An ONNX file, run by onnxruntime on the CPU.

The only module that imports onnxruntime, an optional dependency, and only when a model is loaded.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from image_spider.exceptions import LabelModelError, UsageError
from image_spider.topics.model_card import SETTING

EXTRA = "an ONNX file, for which onnxruntime must be there; install image_spider's extra: "
EXTRA += "pip install -c constraints.txt '.[ai]'"
NAME_CHARACTERS = 100  # of the file's name; the column has 120
DIGEST_CHARACTERS = 12
ERROR_CHARACTERS = 300


class OnnxGraph:
    """A graph with one input. Runs block, let other threads run meanwhile, and are safe from several at once."""

    def __init__(self, *, name: str, session: Any, output: str) -> None:
        (self.input,) = session.get_inputs()  # it has name, shape and type
        self.name = name
        self.runs = 0
        self._session = session
        self._output = output

    @classmethod
    def load(cls, path: Path, *, threads: int, output: str | None) -> Self:
        """Load an ONNX file; threads compute within one run, output names what it returns (None: the first).

        The graph's name is the file's, without its extension, and the first digits of the file's SHA-256. Raises
        UsageError.
        """
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_CHARACTERS]
        except OSError as error:
            raise UsageError(SETTING, path, f"a readable ONNX file ({error.strerror})") from error
        session = _session(path, threads)
        inputs, outputs = session.get_inputs(), [node.name for node in session.get_outputs()]
        if len(inputs) != 1:
            names = ", ".join(node.name for node in inputs)
            raise UsageError(SETTING, path, f"a model with one input, the pictures; it has {len(inputs)}: {names}")
        if output and output not in outputs:
            raise UsageError(SETTING, path, f"its output {output!r} is none of {', '.join(outputs)}")
        return cls(name=f"{path.stem[:NAME_CHARACTERS]}@{digest}", session=session, output=output or outputs[0])

    def run(self, tensor: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the output for a tensor of pictures, one row for each; raises LabelModelError."""
        try:
            (output,) = self._session.run([self._output], {self.input.name: tensor})
        except Exception as error:  # its errors have no base of their own
            raise LabelModelError(f"the label model {self.name} failed: {_one_line(error)}") from error
        self.runs += 1
        if not isinstance(output, np.ndarray) or output.ndim < 2 or len(output) != len(tensor):
            shape = list(getattr(output, "shape", ())) or type(output).__name__
            raise LabelModelError(f"the label model {self.name} returned {shape} for {len(tensor)} pictures")
        return output.reshape(len(output), -1).astype(np.float32, copy=False)


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(SETTING, path, EXTRA) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; warnings about a graph are for its maker
    # Threads that wait for the next run by spinning would take the time of those that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise UsageError(SETTING, path, f"an ONNX file that onnxruntime can load ({_one_line(error)})") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:ERROR_CHARACTERS]
