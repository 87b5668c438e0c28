"""What happened, dated and sourced: tools, evaluations and breaks, law.

Facts of other people, in one place, so that a chapter can draw and list them. ``source`` is a key
of the book's ``references.bib``. Nothing here is a result of this package.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["tool", "evaluation or break", "law"]
Confidence = Literal["source", "report"]

CHECKED = datetime.date(2026, 11, 22)
"""When the entries were last compared with their sources, or with stored copies of them."""


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        dated: ISO date, ``"2022-03-09"``, or month, ``"2026-09"``, where no day is known.
        kind: of event. Tools perturb pictures; evaluations and breaks test such tools.
        title: a few words, unique.
        what: in a sentence or two; numbers in it are those of the source.
        by: whose word it is, in short.
        source: key of ``references.bib``, such as ``Shan-et-al-2020``.
        confidence: ``"source"`` if compared with the source's own words (for a paper, its
            abstract), ``"report"`` if only with what others wrote about it.
        against: titles of earlier tools that the source names among those it tests.

    Raises:
        ValueError: a date that does not parse, an unknown kind or confidence.

    Example:
        >>> from poisonlib import history
        >>> first = history.EVENTS[0]
        >>> first.title, first.kind, first.day
        ('Fawkes', 'tool', 'July 2020')
        >>> [event.title for event in history.EVENTS if "Glaze" in event.against]
        ["Artists' tools", 'LightShed']
    """

    dated: str
    kind: Kind
    title: str
    what: str
    by: str
    source: str
    confidence: Confidence
    against: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.confidence not in get_args(Confidence):
            raise ValueError(
                f"kind is one of {get_args(Kind)} and confidence one of {get_args(Confidence)}, "
                f"got {self.kind!r} and {self.confidence!r}"
            )
        _ = self.date

    @property
    def date(self) -> datetime.date:
        """The day; the middle of the month where no day is known."""
        return datetime.date.fromisoformat(self.dated if self.to_the_day else f"{self.dated}-15")

    @property
    def to_the_day(self) -> bool:
        """Whether the day is known, and not only the month."""
        return len(self.dated) > len("2026-09")

    @property
    def day(self) -> str:
        """The date in words, ``"9 March 2022"``, or ``"September 2026"``."""
        return f"{self.date.day} {self.date:%B %Y}" if self.to_the_day else f"{self.date:%B %Y}"


def _tool(dated: str, title: str, what: str, by: str, source: str, confidence: Confidence) -> Event:
    return Event(dated, "tool", title, what, by, source, confidence)


def _test(
    dated: str,
    title: str,
    what: str,
    by: str,
    source: str,
    confidence: Confidence,
    against: tuple[str, ...] = (),
) -> Event:
    return Event(dated, "evaluation or break", title, what, by, source, confidence, against)


def _law(dated: str, title: str, what: str, by: str, source: str, confidence: Confidence) -> Event:
    return Event(dated, "law", title, what, by, source, confidence)


# fmt: off
EVENTS: tuple[Event, ...] = (
    _tool("2020-07", "Fawkes",
          "A program for everybody that cloaks photographs before they are shared.",
          "Shan et al., USENIX Security 2020; month of the first public versions",
          "Shan-et-al-2020", "source"),
    _tool("2020-12", "FoggySight",
          "Protects people together: users upload decoys for each other.",
          "Evtimov et al., arXiv", "Evtimov-et-al-2020", "source"),
    _tool("2021-01", "LowKey",
          "A web tool against whole pipelines, with face detection and large databases.",
          "Cherepanova et al., ICLR 2021", "Cherepanova-et-al-2021", "source"),
    _test("2021-02", "Oriole",
          "Trains on many cloaked versions of each picture, and keeps its accuracy despite Fawkes.",
          "Chen et al., arXiv", "Chen-et-al-2021", "source", ("Fawkes",)),
    _tool("2021-04", "Fawkes v1.0",
          "A new version of the tool, with other networks and another objective.",
          "Wikipedia, in a copy", "Wikipedia-2022", "report"),
    _test("2021-06-28", "The paper",
          "A trainer who adapts, or merely waits, recognises the users of both tools. First "
          "version; the final one appeared at ICLR in 2022.",
          "Radiya-Dixit et al., arXiv and ICLR 2022", "Radiya-Dixit-et-al-2022", "source",
          ("Fawkes", "LowKey", "Fawkes v1.0")),
    _test("2021-12-08", "SoK",
          "Fawkes' own laboratory orders the field by the stages of face recognition, and lists "
          "what no tool has solved for the long term.",
          "Wenger et al., IEEE S&P 2023", "Wenger-et-al-2023", "source"),
    _law("2022-03-09", "Italian fine",
         "The data protection authority publishes its decision of 10 February: 20 million euros "
         "against Clearview AI, and an order to erase.",
         "Garante, decision 50/2022", "Garante-2022", "source"),
    _law("2022-05-09", "Clearview–ACLU",
         "Settlement in Illinois: no access to the database for most private parties in the US, "
         "none for Illinois' authorities for five years.",
         "National Law Review", "National-Law-Review-2022", "report"),
    _law("2022-05", "UK fine",
         "The Information Commissioner fines Clearview AI 7.5 million pounds.",
         "ICO, in its news of 8 October 2025", "ICO-2025", "source"),
    _tool("2022-05-24", "OPOM",
          "One mask for each person, which fits all of their pictures.",
          "Zhong and Deng, arXiv", "Zhong-and-Deng-2022", "source"),
    _law("2022-07-13", "Greek fine",
         "20 million euros against Clearview AI, and an order to erase.",
         "GDPRhub on HDPA 35/2022", "GDPRhub-2022", "report"),
    _law("2022-10", "French fine",
         "20 million euros against Clearview AI. For not complying, 5.2 million were added in "
         "April 2023.",
         "Willkie Farr & Gallagher", "Willkie-Farr-Gallagher-2023", "report"),
    _test("2022-12-01", "The blog post",
          "Sums up this book's paper for a wider public, and asks whether law is the answer.",
          "anonymous, ICLR Blogposts 2023", "Anonymous-2022", "source"),
    _test("2023-01-18", "CLIP recognisers",
          "Tests CLIP models as face recognisers that nobody trained for it, and before poisoned "
          "pictures.",
          "Bhat and Jain, arXiv", "Bhat-and-Jain-2023", "source"),
    _tool("2023-02-08", "Glaze",
          "Cloaks for paintings, against generators that imitate an artist's style.",
          "Shan et al., USENIX Security 2023", "Shan-et-al-2023", "source"),
    _law("2023-10-17", "UK fine struck",
         "The First-tier Tribunal holds that the Commissioner had no jurisdiction over Clearview "
         "AI's services to foreign authorities.",
         "AWO, for an intervener", "AWO-2025", "report"),
    _tool("2023-10-20", "Nightshade",
          "Poisons chosen concepts of image generators that train on scraped pictures.",
          "Shan et al., IEEE S&P 2024", "Shan-et-al-2024", "source"),
    _tool("2023-10-24", "Segue",
          "A network makes the perturbation at once, and is trained to survive JPEG and "
          "adversarial training.",
          "Zhang et al., arXiv", "Zhang-et-al-2023", "source"),
    _test("2024-06-04", "PuFace",
          "A purifier before training. Its author reports that two cloaking attacks' success "
          "falls from 69.84 to 7.61 per cent on average.",
          "Wen, arXiv", "Wen-2024", "source"),
    _test("2024-06", "Artists' tools",
          "Noise, upscaling and purification undo Glaze and two other tools for artists; two of "
          "the authors are also authors of this book's paper.",
          "Hönig et al., ICLR 2025, read in reprints", "Hönig-et-al-2025", "report",
          ("Glaze",)),
    _tool("2024-07-19", "Chameleon",
          "One mask for each user, made on an ensemble. Its authors report resilience to "
          "adaptive adversaries.",
          "Chow et al., ECCV 2024", "Chow-et-al-2024", "source"),
    _law("2024-07-30", "Texas–Meta",
         "Meta settles for 1.4 billion dollars over face recognition without consent.",
         "Attorney General of Texas", "Texas-Attorney-General-2024", "source"),
    _law("2024-08-01", "EU AI Act",
         "The regulation enters into force; most of it applies later.",
         "Regulation (EU) 2024/1689, as reported by Holla", "Holla-2025", "report"),
    _law("2024-08-02", "Illinois: BIPA cut",
         "An amendment of the Biometric Information Privacy Act allows at most one recovery for "
         "each person and method of collection.",
         "Seyfarth Shaw, quoting the text", "Seyfarth-Shaw-2024", "report"),
    _law("2024-09-03", "Dutch fine",
         "30.5 million euros against Clearview AI, and up to 5.1 million more for not complying. "
         "The authority studies whether directors are liable.",
         "Privacy Laws & Business", "Privacy-Laws-Business-2024", "report"),
    _test("2025-01", "DynTracker",
          "A tracker that adds what it recognises to its gallery. Its authors report that all "
          "protections before theirs, DivTrackee, fail.",
          "Fan et al., arXiv", "Fan-et-al-2025", "source"),
    _law("2025-02-02", "EU: ban applies",
         "Article 5(1)(e): no AI systems that build face databases by untargeted scraping of the "
         "internet or of CCTV footage.",
         "Regulation (EU) 2024/1689", "European-Union-2024", "source"),
    _law("2025-03-20", "US: settlement",
         "A federal court approves that Clearview AI gives a class 23 per cent of its equity. "
         "Objectors appealed in April; we found no decision on that.",
         "Bloomberg Law; Biometric Update", "Bloomberg-Law-2025", "report"),
    _tool("2025-08-04", "Protego",
          "A mask that follows pose and expression; protected pictures do not match each other "
          "either.",
          "Wang et al., CVPR 2026", "Wang-et-al-2026", "source"),
    _test("2025-08", "LightShed",
          "Learns the fingerprint of public tools, detects and then removes it. Its authors "
          "report that it detects 99.98 per cent of Nightshade's pictures.",
          "Foerster et al., USENIX Security 2025", "Foerster-et-al-2025", "source",
          ("Glaze", "Nightshade")),
    _test("2025-09-14", "PerceptFace",
          "Finds a false sense of privacy in small perturbations, and draws another face instead.",
          "Wang et al., arXiv", "Wang-et-al-2025", "source"),
    _law("2025-10-06", "UK reversal",
         "The Upper Tribunal holds that the Commissioner does have jurisdiction over Clearview "
         "AI. The fine itself goes back to the lower tribunal.",
         "[2025] UKUT 319 (AAC)", "Upper-Tribunal-2025", "source"),
    _law("2025-10-28", "Austria: noyb",
         "The organisation noyb asks prosecutors to act against Clearview AI's managers; it says "
         "that the fines of four EU countries are unpaid.",
         "The Register", "The-Register-2025", "report"),
    _law("2026-04", "Illinois: appeal",
         "The Seventh Circuit holds that the amendment of 2024 applies to pending cases, too.",
         "LawSnap", "LawSnap-2026", "report"),
    _tool("2026-05-18", "FaceCloak",
          "A mask for each person from a single picture.",
          "Yahn et al., arXiv", "Yahn-et-al-2026", "source"),
    _law("2026-06-29", "EU AI Act eased",
         "The Council adopts later dates for high-risk systems. The bans that apply since 2025 "
         "stay.",
         "AI Governance Brief", "AI-Governance-Brief-2026", "report"),
    _tool("2026-09", "Fawkes 2",
          "A rewrite by others, on modern networks with transformers among them. It says itself "
          "that it promises nothing against future or adaptive models.",
          "hedgeho, README", "hedgeho-2026", "source"),
)
"""All events, oldest first."""
# fmt: on
