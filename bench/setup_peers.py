"""Make the environment that the peers run in: Keras on TensorFlow apart, ONNX Runtime beside torch."""

import subprocess
import sys
import venv
from pathlib import Path

KERAS = ("tensorflow-cpu==2.21.0", "keras==3.15.0")
HERE = ("onnx>=1.19", "onnxruntime>=1.23")


def main(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *KERAS], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *HERE], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
