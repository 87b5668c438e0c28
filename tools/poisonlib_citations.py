"""Sphinx extension: citations that read as citations wherever a notebook is opened.

``{footcite:p}`(Shan et al., 2020)` `` and ``{footcite:t}`Shan et al. (2020)` `` become footnotes on
the page. JupyterLab knows neither role and shows the words in it. The key of ``references.bib``
follows from the words: ``Shan-et-al-2020``. Several works are set apart by semicolons.

``{bibliography}``, a directive that JupyterLab accepts, lists a chapter's footnotes in a fold; a
link into it opens it (``folds.js``).
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinxcontrib.bibtex.directives import BibliographyDirective
from sphinxcontrib.bibtex.foot_directives import FootBibliographyDirective
from sphinxcontrib.bibtex.foot_roles import FootCiteRole

FOLD = '<details class="poisonlib-sources"><summary>What this page cites</summary>'
ROLE = re.compile(r"\{footcite:([pt])\}`([^`]+)`")


def keys(citation: str) -> list[str]:
    """The keys of the works in a citation.

    Example:
        >>> keys("(Shan et al., 2020; Fridrich and Kodovský, 2012)")
        ['Shan-et-al-2020', 'Fridrich-and-Kodovský-2012']
    """
    return [re.sub(r"\W+", "-", work).strip("-") for work in citation.split(";")]


class Citation(FootCiteRole):
    """sphinxcontrib-bibtex's role, which takes keys, for citations in words."""

    def run(self):
        self.text = ",".join(keys(self.text))
        return super().run()


class Bibliography(BibliographyDirective):
    """The footnotes of a page that has some; otherwise what sphinxcontrib-bibtex does."""

    def run(self):
        if self.env.temp_data.get("bibtex_foot_new_refs"):
            listed = FootBibliographyDirective.run(self)
            begin, end = (nodes.raw("", html, format="html") for html in (FOLD, "</details>"))
            return [begin, *listed, end]
        return super().run()


def setup(app) -> dict[str, object]:
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_directive("bibliography", Bibliography, override=True)
    for name in ("p", "t"):
        app.add_role_to_domain("footcite", name, Citation(), override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
