"""What all tests share: the order they run in."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first, then the notebooks, then the site: the cheapest failure shows first."""

    def rank(item: pytest.Item) -> int:
        if item.get_closest_marker("site"):
            return 2
        return int(item.path.suffix == ".ipynb")

    items.sort(key=rank)  # stable: the order within a group stays
