"""The live lab in a browser: it computes what torch does, and a photograph stays in the page."""

from __future__ import annotations

import base64
import functools
import io
import json
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from poisonlib import extractors, people
from poisonlib.alignment import TEMPLATE
from poisonlib.attacks import FawkesV03, FawkesV1, LowKey
from poisonlib.attacks.base import noise_like, round_to_8_bits
from poisonlib.defenses import JPEG, Blur, Resize
from poisonlib.statistics import wilson
from poisonlib.tools import surrogates
from studio.lab import contents, files
from tests.site.conftest import SITE

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("lab")]

LAB = "document.querySelector('[data-lab]').lab"
FAR = 90_000  # milliseconds
PHONE = {"viewport": {"width": 375, "height": 800}, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def browser(launch) -> Iterator:
    browser = launch()
    yield browser
    browser.close()


def opened(browser, address: str, page: str = "book/lab", before=lambda page: None, **look):
    """The lab's page, ready."""
    tab = browser.new_context(**look).new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    before(tab)
    tab.add_init_script(TRAVEL)
    tab.goto(f"{address}/{page}.html")
    tab.wait_for_selector("[data-ready]", timeout=FAR)
    return tab


@pytest.fixture(scope="module")
def lab(browser, address: str) -> Iterator:
    """A page on which networks are run directly."""
    tab = opened(browser, address)
    tab.evaluate(f"{LAB}.need(Object.keys({LAB}.about.files), () => {{}})")
    yield tab
    assert not tab.errors
    tab.context.close()


# Arrays travel as text: lists of numbers take ten times as long.
TRAVEL = """window.take = text => new Float32Array(
    Uint8Array.from(atob(text), letter => letter.charCodeAt()).buffer);
window.give = array => btoa(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    .reduce((text, byte) => text + String.fromCharCode(byte), ""))"""


def until(tab, expression: str, *given: object) -> None:
    """Wait until an expression is true; Playwright's way needs eval, which the page refuses."""
    end = time.monotonic() + FAR / 1000
    while not tab.evaluate(expression, *given):
        assert time.monotonic() < end, f"never true: {expression}"
        time.sleep(0.05)


def packed(values: Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().astype("<f4").tobytes()).decode()


def unpacked(text: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32)


@functools.cache
def wearers() -> tuple[contents.Wearer, ...]:
    """The people of the lab, as its index names them."""
    index = json.loads((SITE / "_static" / "lab" / "data" / files.INDEX).read_text())
    return tuple(contents.wearer(one["label"]) for one in index["people"])


def photographs() -> Tensor:
    """The first photograph that each person of the lab publishes."""
    return people.load("users").images[[one.published[0] for one in wearers()]]


GRADIENT = f"""async ([name, image, back]) => {{
    const found = await {LAB}.computer.ask("gradient", {{
        name, image: take(image), back: take(back) }});
    return [give(found.embedding), give(found.gradient)];
}}"""


def compared(page, name: str, images: Tensor) -> tuple[float, float]:
    """The largest difference of embeddings, and the median relative one of gradients.

    Not the largest: where a value is within rounding of a kink of ReLU or of a tie of a maximum,
    the gradient jumps, in torch against torch in double precision as well.
    """
    extractor = extractors.load(name)
    back = torch.randn(128, generator=torch.Generator().manual_seed(0))
    apart, relative = [], []
    for image in images:
        sent = [name, packed(image), packed(back)]
        embedding, gradient = map(unpacked, page.evaluate(GRADIENT, sent))
        given = image[None].clone().requires_grad_(True)
        row = extractor(given)
        (expected,) = torch.autograd.grad((row * back).sum(), given)
        apart.append(float((embedding - row[0].detach()).abs().max()))
        difference = gradient - expected.flatten()
        relative.append(float(difference.norm() / expected.norm()))
    return max(apart), statistics.median(relative)


@pytest.mark.parametrize("name", files.NETWORKS)
def test_a_network_agrees_with_torch(lab, name: str) -> None:
    embedding, gradient = compared(lab, name, photographs()[:5])
    assert embedding <= 1e-5 and gradient <= 1e-5


def test_without_webassembly_everything_is_the_same_but_slower(browser, address: str) -> None:
    def refuse(tab) -> None:
        tab.route("**/multiply.wasm*", lambda route: route.fulfill(body=b"x" * 1784))

    tab = opened(browser, address, before=refuse)
    assert "WebAssembly" in tab.inner_text(".lab-said")
    for name in ("softmax-2014", "vit-2025"):
        embedding, gradient = compared(tab, name, photographs()[:1])
        assert embedding <= 1e-5 and gradient <= 1e-5
    assert not tab.errors
    tab.context.close()


# Runs in the page itself, so that the noise can be given.
LOWKEY = """async ([names, image, noise, settings]) => {
    const folder = new URL("../_static/lab/", location.href);
    const [{ lowkey }, { Network }, { read }, { eightBits }] = await Promise.all(
        ["attacks", "engine", "files", "pictures"].map((one) => import(`${folder}${one}.js`)));
    const load = async (name) => (await fetch(`${folder}data/${name}`)).arrayBuffer();
    const module = new WebAssembly.Module(await load("multiply.wasm"));
    const net = async (name) => new Network(read(await load(`${name}.bin`)), module);
    const pairs = await Promise.all(names.map(async (name) => [await net(name), await net(name)]));
    const walk = lowkey(take(image), pairs, settings, null, await net("lpips"), take(noise));
    let last;
    for (const { kept } of walk) last = kept;
    return give(eightBits(last));
}"""


def test_lowkey_takes_the_same_steps(lab) -> None:
    image = photographs()[:1]
    settings = contents.tools()["LowKey"]
    names = list(settings.pop("surrogates"))
    del settings["modes"]
    noise = noise_like(image, seed=0, radius=settings["noise"])
    given = [names, packed(image), packed(noise), settings | {"steps": 5}]
    mine = unpacked(lab.evaluate(LOWKEY, given)).view_as(image)
    tool = LowKey(surrogates("LowKey"), steps=5)
    expected = tool(image, seed=0).images
    assert float((expected - image).abs().mean()) > 0.005, "it walks"
    assert float(((mine - expected).abs() > 1e-6).float().mean()) <= 1e-3


CLOAK = f"""async ([tool, mode, surrogates, people]) => {{
    const {{ modes, ...rest }} = {LAB}.about.tools[tool];
    const images = people.map((own) => own.map(take));
    let last;
    await {LAB}.computer.ask("cloak", {{
        tool, settings: {{ ...rest, ...modes[mode] }}, surrogates, people: images,
        trunk: {LAB}.about.trunk, watch: [], every: 1e9,
    }}, (now) => {{ if (now.images) last = now.images; }});
    return last.map(([image]) => give(image));
}}"""


def outcome(page, tool: str, mode: str, count: int) -> tuple[Tensor, Tensor]:
    """Cloaks of the page and of torch, of one photograph of each of so many people."""
    images, own = photographs()[:count], surrogates(tool)
    names = [one.card.name for one in own]
    sent = [tool, mode, names, [[packed(image)] for image in images]]
    mine = torch.stack([unpacked(one) for one in page.evaluate(CLOAK, sent)]).view_as(images)
    if tool == "Fawkes v0.3":
        attack = FawkesV03(own, targets=people.load("public"), mode=mode)
    else:
        attack = {"Fawkes v1.0": FawkesV1, "LowKey": LowKey}[tool](own, mode=mode)
    theirs = torch.cat([attack(image[None], seed=0).images for image in images])
    assert torch.equal(mine, round_to_8_bits(mine))
    return mine, theirs


@functools.cache
def probes(name: str) -> tuple[Tensor, Tensor]:
    """The gallery's embeddings, and those of the lab's people's later photographs."""
    folder, place = SITE / "_static" / "lab" / "data", contents.ANSWERING.index(name)
    file = "gallery.rows" if name != contents.REAL else f"gallery-{name}.rows"
    rows = torch.from_numpy(np.fromfile(folder / file, "<f2").astype("f4")).view(-1, 128)
    n = 100 * contents.EACH
    gallery = rows if name == contents.REAL else rows[place * n : (place + 1) * n]
    later = torch.tensor([one.later for one in wearers()])
    images = people.load("users").images[later.flatten()]
    return gallery, extractors.embed(extractors.load(name), images).view(*later.shape, 128)


def named_right(name: str, published: Tensor) -> int:
    """Over the lab's people, from the embedding ``(n, 128)`` that each has in the gallery."""
    (gallery, later), count = probes(name), 0
    for one, own, asked in zip(wearers(), published, later, strict=False):
        others = torch.arange(100).repeat_interleave(contents.EACH) != one.label
        count += int((asked @ own > (asked @ gallery[others].T).amax(dim=1)).sum())
    return count


def agree(tool: str, mine: Tensor, theirs: Tensor, names: tuple[str, ...]) -> None:
    """Both fool each recogniser as often: their intervals overlap."""
    for name in names:
        extractor, n = extractors.load(name), contents.LATER * len(mine)
        counts = [named_right(name, extractors.embed(extractor, own)) for own in (mine, theirs)]
        clean = named_right(name, extractors.embed(extractor, photographs()[: len(mine)]))
        print(f"{tool}, {name}: of {n}, clean {clean}, torch {counts[1]}, page {counts[0]}")
        page, expected = (wilson(count, n) for count in counts)
        assert page.low <= expected.high and expected.low <= page.high, (tool, name, counts)


@pytest.mark.parametrize("tool", ["Fawkes v0.3", "Fawkes v1.0"])
def test_fawkes_comes_out_the_same(lab, tool: str) -> None:
    mine, theirs = outcome(lab, tool, "low", 4)
    agree(tool, mine, theirs, contents.RECOGNISERS)
    images, extractor = photographs()[:4], surrogates(tool)[0]
    page, expected = (
        float((extractor(cloaked) - extractor(images)).norm(dim=1).mean())
        for cloaked in (mine, theirs)
    )
    assert expected > 0.3 and page > 0.3, "how far it gets"


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["Fawkes v0.3", "Fawkes v1.0", "LowKey"])
def test_a_tool_at_full_strength_comes_out_the_same(lab, tool: str) -> None:
    mine, theirs = outcome(lab, tool, "high", contents.PEOPLE)
    agree(tool, mine, theirs, contents.ANSWERING)


@pytest.mark.parametrize(
    ("key", "purifier"),
    [("blur", Blur(1.0)), ("resize", Resize(0.5)), ("jpeg-75", JPEG(75)), ("jpeg-30", JPEG(30))],
)
def test_a_purifier_does_what_pythons_does(lab, key: str, purifier) -> None:
    image = photographs()[:1]
    rows = lab.evaluate(
        f"""async ([purifier, image]) => {{
            const found = await {LAB}.computer.ask("embed", {{
                names: ["arcface-2019"], images: [take(image)], purifier }});
            return give(found.rows["arcface-2019"][0]);
        }}""",
        [key, packed(image)],
    )
    extractor = extractors.load("arcface-2019")
    near, far = (
        float((unpacked(rows) - extractor(other)[0]).norm()) for other in (purifier(image), image)
    )
    assert near < 0.02 < far


def test_a_run_can_be_watched_scrubbed_and_stopped(browser, address: str) -> None:
    tab = opened(browser, address, **PHONE)
    hits = '.lab-card[data-name="arcface-2019"] [data-hits]'
    tab.get_by_label("Tool", exact=True).select_option("LowKey")
    tab.get_by_label("Strength").select_option("low")
    tab.get_by_label("Photographs each publishes").select_option("1")
    tab.get_by_role("button", name="Cloak", exact=True).click()
    tab.wait_for_selector("[data-run]", timeout=FAR)
    assert tab.inner_text(".lab-said").startswith("Done after")
    clean, cloaked = (int(one.get_attribute("data-hits")) for one in tab.query_selector_all(hits))
    assert clean == contents.LATER > cloaked
    picture = "document.querySelectorAll('.lab-pictures canvas')[1].toDataURL()"
    last = tab.evaluate(picture)
    tab.locator("#lab-scrub").press("Home")
    until(tab, f"last => {picture} !== last", last)
    assert "of 15" in tab.locator("#lab-scrub").get_attribute("aria-valuetext")
    tab.locator("#lab-scrub").press("End")
    until(tab, f"last => {picture} === last", last)
    # the trainer's answers, from the same frames
    tab.get_by_label("Add a clean photograph").check()
    until(
        tab,
        "([hits, before]) => +document.querySelectorAll(hits)[1].dataset.hits > before",
        [hits, cloaked],
    )
    tab.get_by_label("Add a clean photograph").uncheck()
    tab.get_by_label("Use two recognisers").select_option("top2")
    tab.get_by_label("First", exact=True).select_option("arcface-2019")
    pair = tab.wait_for_selector('.lab-card[data-name="top2"] >> nth=0')
    assert int(pair.query_selector_all("[data-hits]")[1].get_attribute("data-hits")) > cloaked
    tab.get_by_label("Treat every photograph first").select_option("blur")
    until(tab, f"{LAB}.trainer.purifier === 'blur' && 'blur' in {LAB}.run.frames.at(-1).rows")
    tab.get_by_label("Treat every photograph first").select_option("none")
    # another person, more steps than anybody waits for
    tab.locator(".lab-people button").nth(1).click()
    tab.get_by_label("Tool", exact=True).select_option("Fawkes v0.3")
    tab.evaluate("delete document.querySelector('[data-lab]').dataset.run")
    tab.get_by_role("button", name="Cloak", exact=True).click()
    until(tab, f"{LAB}.run?.frames.length > 0")
    tab.get_by_role("button", name="Stop").click()
    tab.wait_for_selector("[data-run]", timeout=FAR)
    assert tab.inner_text(".lab-said").startswith("Stopped after")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 375
    assert not tab.errors
    tab.context.close()


def portrait(place: int, *, enlarged: int = 4, border: int = 100) -> tuple[bytes, np.ndarray]:
    """A packaged photograph as a larger picture, and where its eyes are then."""
    image = people.load("users").images[place]
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    face = Image.fromarray(pixels).resize((112 * enlarged,) * 2, Image.Resampling.BICUBIC)
    whole = Image.new("RGB", (face.width + 2 * border, face.height + border), (90, 110, 130))
    whole.paste(face, (border, border // 2))
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue(), TEMPLATE[:2] * enlarged + [border, border // 2]


def given(name: str, content: bytes, kind: str = "image/png") -> dict:
    return {"name": name, "mimeType": kind, "buffer": content}


@pytest.fixture
def own(browser, address: str) -> Iterator:
    """The lab, ready for photographs of one's own."""
    tab = opened(browser, address)
    tab.get_by_label("My own photographs").check()
    tab.get_by_role("button", name="Load what your own").click()
    tab.locator("input[type=file]").wait_for(timeout=FAR)
    yield tab
    assert not tab.errors
    tab.context.close()


def mark_eyes(tab, photograph: int, eyes: np.ndarray) -> None:
    """Put the marks of a photograph where its eyes are: one by pointer, one by keyboard."""
    figure = tab.locator(".lab-own figure").nth(photograph)
    figure.scroll_into_view_if_needed()
    box, natural = (
        figure.locator("img").bounding_box(),
        figure.locator("img").evaluate("image => image.naturalWidth"),
    )
    scale = box["width"] / natural
    marks = figure.locator(".lab-mark")
    at = marks.nth(0).bounding_box()
    tab.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + eyes[0, 0] * scale, box["y"] + eyes[0, 1] * scale, steps=3)
    tab.mouse.up()
    marks.nth(1).focus()
    here = tab.evaluate(f"i => {LAB}.album.photos[i].eyes[1]", photograph)
    for away, keys in zip((eyes[1] - here) * scale, ("Right Left", "Down Up"), strict=True):
        key = "Arrow" + keys.split()[int(away < 0)]
        for _ in range(round(abs(away)) // 10):
            tab.keyboard.press(f"Shift+{key}")
        for _ in range(round(abs(away)) % 10):
            tab.keyboard.press(key)
    marks.nth(1).press("Enter")


def test_own_photographs_stay_in_the_page(own, tmp_path: Path) -> None:
    wearer = wearers()[0]
    pictures = [portrait(place) for place in (wearer.published[0], *wearer.later[:2])]
    requests: list[str] = []
    own.on("request", lambda request: requests.append(request.url))
    own.locator("input[type=file]").set_input_files(
        [given(f"mine {i}.png", content) for i, (content, _) in enumerate(pictures)]
    )
    own.locator(".lab-own figure").nth(2).wait_for()
    for i, (_, eyes) in enumerate(pictures):
        mark_eyes(own, i, eyes)
    own.get_by_role("button", name="Use these photographs").click()
    until(own, f"!!{LAB}.self?.rows.none")
    # two marks fix the alignment: the faces are the aligned ones that the pictures were made from
    for kind, place in (("published", wearer.published[0]), ("later", wearer.later[0])):
        face = unpacked(own.evaluate(f"give({LAB}.self.{kind}[0])"))
        assert float((face - people.load("users").images[place].flatten()).abs().mean()) < 0.02
    own.get_by_label("Tool", exact=True).select_option("LowKey")
    own.get_by_label("Strength").select_option("low")
    own.get_by_role("button", name="Cloak", exact=True).click()
    own.wait_for_selector("[data-run]", timeout=FAR)
    card = own.locator('.lab-card[data-name="dlib-2017"]')
    assert card.locator("[data-hits]").count() == 2 and "strangers" in card.inner_text()
    with own.expect_download() as downloading:
        own.get_by_role("button", name="Download the cloaked copy").click()
    downloading.value.save_as(tmp_path / "cloaked.png")
    assert downloading.value.suggested_filename == "mine 0-cloaked.png"
    before = np.asarray(Image.open(io.BytesIO(pictures[0][0])), int)
    after = np.asarray(Image.open(tmp_path / "cloaked.png").convert("RGB"), int)
    changed = np.abs(after - before).max(axis=2)
    assert after.shape == before.shape and changed[60:480, 110:530].mean() > 2
    assert not changed[:40].any() and not changed[:, :90].any()
    # nothing was asked for, and the browser would not have let it through
    assert not [url for url in requests if not url.startswith(("blob:", "data:"))]
    refused = own.evaluate("fetch('lab.html').then(() => 'sent', () => 'refused')")
    assert refused == "refused"
    assert own.evaluate("localStorage.length + sessionStorage.length") <= 2  # the theme's own
    own.get_by_label("People of this book").check()
    own.get_by_label("Treat every photograph first").select_option("jpeg-30")
    own.wait_for_selector(".lab-problem >> text=closed to the network")


def odd_files() -> dict[str, tuple[bytes, str]]:
    """Files that are no ordinary photographs, and what the lab says of each."""

    def saved(image: Image.Image, kind: str, **how) -> bytes:
        file = io.BytesIO()
        image.save(file, kind, **how)
        return file.getvalue()

    face = Image.open(io.BytesIO(portrait(0)[0]))
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    small = face.resize((200, 160))
    return {
        "notes.jpg": (b"no picture", "could not be opened"),
        "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(100), "could not be opened"),
        "dot.png": (saved(Image.new("RGB", (1, 1)), "PNG"), "only 1 x 1 pixels"),
        "huge.png": (saved(Image.new("1", (10_000, 10_000)), "PNG"), "100 megapixels"),
        "print.jpg": (saved(face.convert("CMYK"), "JPEG"), ""),
        "upright.jpg": (saved(small, "JPEG", exif=turned), ""),
        "moving.gif": (
            saved(Image.new("P", (90, 90), 3), "GIF", save_all=True,
                  append_images=[Image.new("P", (90, 90), 9)]),
            "its first picture is used",
        ),
    }  # fmt: skip


def test_odd_input_is_answered_in_words_and_the_lab_goes_on(own) -> None:
    def said() -> str:
        return " ".join(own.locator("[data-lab] :is(.lab-said, .lab-problem)").all_inner_texts())

    shown = 0
    for name, (content, words) in odd_files().items():
        own.locator("input[type=file]").set_input_files([given(name, content, "")])
        taken = words in ("", "its first picture is used")
        shown += taken
        until(
            own,
            "([words, shown]) => document.querySelector('[data-lab]').innerText.includes(words)"
            " && document.querySelectorAll('.lab-own figure').length === shown",
            [words, shown],
        )
    assert own.evaluate(f"{LAB}.album.photos.map(({{ width, height }}) => width < height)") == [
        False,
        True,
        False,
    ], "what the file says about its orientation is followed"
    own.locator("input[type=file]").set_input_files(
        [given("again.jpg", odd_files()["print.jpg"][0])]
    )
    own.wait_for_selector(".lab-problem >> text=shows the same picture as print.jpg")
    use = own.get_by_role("button", name="Use these photographs")
    use.click()
    own.wait_for_selector(".lab-problem >> text=Put both marks of print.jpg on the eyes first")
    for mark in own.locator(".lab-mark").all():
        mark.press("Enter")
    own.evaluate(f"{LAB}.album.photos[0].eyes[0] = [...{LAB}.album.photos[0].eyes[1]]")
    use.click()
    own.wait_for_selector(".lab-problem >> text=The marks of print.jpg are 0 pixels apart")
    for _ in range(2):
        own.get_by_role("button", name="Remove").first.click()
    use.click()
    own.wait_for_selector(".lab-problem >> text=at least two photographs")
    own.get_by_label("People of this book").check()
    own.get_by_label("Tool", exact=True).select_option("Ten lines")
    own.get_by_role("button", name="Cloak", exact=True).click()
    own.wait_for_selector("[data-run]", timeout=FAR)
    assert "Done" in said()


def test_one_s_own_photographs_are_accessible(own) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    own.locator("input[type=file]").set_input_files([given("mine.png", portrait(0)[0])])
    own.wait_for_selector(".lab-own figure")
    found = axe.run(own, options={"resultTypes": ["violations"], "preload": False})
    assert not found.violations_count, found.generate_report()


def test_a_chapter_runs_a_part_of_the_lab_on_a_button(browser, address: str) -> None:
    tab = browser.new_page()
    loaded: list[str] = []
    tab.on("request", lambda request: loaded.append(request.url))
    tab.goto(f"{address}/book/01_what_poisoning_is.html")
    button = tab.get_by_role("button", name="Try it here")
    button.wait_for(timeout=FAR)
    assert re.search(r"\(loads \d\.\d MB\)", button.inner_text())
    assert not [url for url in loaded if ".bin" in url], "nothing large before the button"
    button.click()
    tab.wait_for_selector("[data-ready]", timeout=FAR)
    tab.get_by_role("button", name="Cloak", exact=True).click()
    tab.wait_for_selector("[data-run]", timeout=FAR)
    cards = tab.query_selector_all(".lab-card")
    assert [card.get_attribute("data-name") for card in cards] == ["softmax-2014", "arcface-2019"]
    clean, cloaked = cards[0].query_selector_all("[data-hits]")
    assert int(cloaked.get_attribute("data-hits")) < int(clean.get_attribute("data-hits"))
    tab.close()


def test_a_page_opened_as_a_file_says_what_to_do(browser, site: Path) -> None:
    tab = browser.new_page()
    tab.goto(f"file://{site}/book/lab.html")
    assert "make serve" in tab.inner_text("[data-lab]")
    tab.close()


def test_a_lab_that_cannot_be_loaded_says_so(browser, address: str) -> None:
    tab = browser.new_page()
    tab.route("**/vit-2025.bin*", lambda route: route.abort())
    tab.goto(f"{address}/book/lab.html")
    tab.wait_for_selector("[data-lab] [role=alert] >> text=could not be loaded", timeout=FAR)
    tab.close()


def test_the_page_is_ready_after_eight_megabytes(lab, site: Path) -> None:
    folder = site / "_static" / "lab"
    about = lab.evaluate(f"{LAB}.about")
    first = ["multiply.wasm", "gallery.rows", "people.bin"]
    first += [f"{name}.bin" for name in about["recognisers"]]
    code = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    data = sum((folder / "data" / name).stat().st_size for name in [*first, files.INDEX])
    assert code + data <= 8e6
    real = [f"{contents.REAL}.bin", f"gallery-{contents.REAL}.rows"]
    assert (
        sum(about["files"][name] for name in [*real, f"gallery-real-{contents.REAL}.rows"]) <= 12e6
    )


def test_the_engine_is_short_enough_to_be_read(site: Path) -> None:
    lines = (site / "_static" / "lab" / "engine.js").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 500 and max(map(len, lines)) <= 100
