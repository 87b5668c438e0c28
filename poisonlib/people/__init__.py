"""Synthetic people: nobody's face, so nobody's consent is needed.

`load` gives the packaged photographs, `album` one person's as files. `identity`, `nuisance` and
`render` make new ones; they need the optional extra ``people`` (``pip install -e '.[people]'``).
"""

from poisonlib.people.albums import album
from poisonlib.people.packaged import attributes, load
from poisonlib.people.sheet import contact_sheet

__all__ = ["album", "attributes", "contact_sheet", "load"]
