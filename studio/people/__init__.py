"""The renderer: characters who do not exist, and their photographs.

``identity`` draws a character, ``nuisance`` the circumstances of a photograph, ``render`` the
picture. They need the optional extra ``people``.
"""

from studio.people.pack import aligned

__all__ = ["aligned"]
