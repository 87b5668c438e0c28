"""The album that ships: one rendered person's portraits in one file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from poisonlib import atomic
from studio.people import store
from studio.people.pack import people_in


def pack_album(folder: Path | str, out: Path | str) -> int:
    """Pack the portraits of the first person in a rendered folder; returns how many.

    The same folder gives the same bytes; the file is written whole or not at all.

    Raises:
        FileNotFoundError: nobody is in the folder.
    """
    place, _, numbers = people_in(folder, identities=1)[0]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in numbers:
            name = store.file_of(number)
            member = zipfile.ZipInfo(name)  # of 1980, so that the same pictures are the same bytes
            archive.writestr(member, (place / name).read_bytes())
    atomic.write(out, content.getvalue())
    return len(numbers)
