"""One person's photographs as files: an album to try out tools that work on folders.

Unlike the packaged splits these are whole portraits of 224 pixels, not aligned, as they would come
from a camera. The person is in neither split, and no extractor was trained on them.
"""

from __future__ import annotations

import zipfile
from importlib import resources
from pathlib import Path

from poisonlib import atomic


def _archive() -> Path:
    path = Path(str(resources.files("poisonlib") / "data" / "people-album.zip"))
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; reinstall the book, or make it with `python -m poisonlib people "
            "render --identities 1 --photos 24 --first-identity 20000` and `people album`"
        )
    return path


def album(folder: Path | str) -> list[Path]:
    """Write the packaged person's portraits into a folder, as ``000.jpg`` and so on.

    Args:
        folder: created if necessary. Existing files stay, including those of the album.

    Returns:
        the album's files, in order.

    Raises:
        FileNotFoundError: the package was installed without its data.

    Example:
        >>> import tempfile
        >>> from poisonlib import people
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     portraits = people.album(folder)
        >>> len(portraits), portraits[0].name
        (24, '000.jpg')
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with zipfile.ZipFile(_archive()) as archive:
        for name in sorted(archive.namelist()):
            file = folder / Path(name).name
            if not file.exists():
                atomic.write(file, archive.read(name))
            files.append(file)
    return files
