"""Where this copy of the book is published: one address, for the site's buttons and for Colab.

The address stands in ``_config.yml`` (``repository: url``). As a Sphinx extension, this module
shows the repository's buttons where there is an address, that of git's ``origin`` if the config
names none, and Colab's button where the setup cells of the notebooks install from that address.

    python tools/poisonlib_repository.py [ADDRESS]       # or: make address REPOSITORY=...

writes the address, or that of ``origin``, into ``_config.yml`` and into the setup cells, which are
copies of ``tools/setup-cell.ipy``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORGES = ("github", "gitlab", "bitbucket")
"""Those that the theme has buttons for, by a part of their host's name."""

REMOTE = re.compile(
    r"(?:(?:https?|ssh)://)?(?:[^@/]*@)?([\w-]+\.[\w.-]+)(?::\d+/|[:/])/*([^:]+?)(\.git)?/*"
)


def web_address(remote: str) -> str | None:
    """The page of a repository on a forge, without user names and passwords.

    Args:
        remote: as git writes it: ``https://...``, ``ssh://...`` or ``git@host:owner/name.git``.

    Returns:
        None for a path, and for a host that is no known forge.

    Example:
        >>> web_address("git@github.com:somebody/book.git")
        'https://github.com/somebody/book'
    """
    match = REMOTE.fullmatch(remote.strip())
    if match is None or "/" not in match[2] or not any(forge in match[1] for forge in FORGES):
        return None
    return f"https://{match[1]}/{match[2]}"


def origin(root: Path) -> str | None:
    """The address of git's ``origin``, where ``root`` is a checkout that has one on a forge."""
    if not (root / ".git").exists():
        return None  # a folder inside of another project's checkout
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        return web_address(subprocess.run(command, capture_output=True, text=True).stdout)
    except FileNotFoundError:
        return None


def write(address: str, root: Path) -> list[Path]:
    """Write an address into ``_config.yml`` and into all setup cells; returns what has changed."""
    config, cell = root / "_config.yml", root / "tools" / "setup-cell.ipy"
    code = _put(r'^BOOK = ".*?"', f'BOOK = "git+{address}"', cell)
    texts = {config: _put(r"^  url: \S+", f"  url: {address}", config), cell: code}
    for file in sorted((root / "book").glob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        for setup in notebook["cells"]:
            if "setup" in setup["metadata"].get("tags", ()):
                setup["source"] = code.strip().splitlines(keepends=True)
        texts[file] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    changed = [file for file in texts if texts[file] != file.read_text(encoding="utf-8")]
    for file in changed:
        file.write_text(texts[file], encoding="utf-8", newline="\n")
    return changed


def _put(pattern: str, line: str, file: Path) -> str:
    text, count = re.subn(
        pattern, lambda match: line, file.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    if count != 1:
        raise ValueError(f"{file} has {count} lines like {pattern}, expected one")
    return text


def buttons(theme: dict, root: Path) -> dict:
    """The theme's options with the buttons that this copy of the book can have.

    Args:
        theme: ``html_theme_options``, left as it is.
        root: the book's folder.
    """
    address = theme.get("repository_url") or origin(root)
    cell = (root / "tools" / "setup-cell.ipy").read_text(encoding="utf-8")
    on_colab = (address or "").startswith("https://github.com/") and f'"git+{address}"' in cell
    return theme | {
        "repository_url": address or "",
        "use_repository_button": bool(address),
        "use_issues_button": bool(address) and "bitbucket" not in address,
        "launch_buttons": theme.get("launch_buttons", {}) if on_colab else {},
    }


def _set_buttons(app, config) -> None:
    config.html_theme_options = buttons(config.html_theme_options, Path(app.srcdir))


def main(given: str = "") -> str | None:
    """Write an address, or that of ``origin``; returns what is wrong."""
    address = web_address(given) if given else origin(ROOT)
    if address is None:
        found = f"{given!r} is no repository" if given else "git's origin is no repository"
        return f"{found} on GitHub, GitLab or Bitbucket; give its address, https://github.com/..."
    for file in write(address, ROOT):
        print(f"{file.relative_to(ROOT)}: {address}")
    return None


def setup(app) -> dict[str, object]:
    app.connect("config-inited", _set_buttons, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
