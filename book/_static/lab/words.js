// @ts-check
/* Everything that the lab says, in one place. Another language needs another copy of this file. */

const percent = (count, n) => `${Math.round((100 * count) / n)} %`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export const WORDS = {
  loading: (bytes, total) => `Loading the recognisers: ${megabytes(bytes)} of ${megabytes(total)}`,
  preparing: "Preparing the recognisers ...",
  ready: (fast) =>
    fast
      ? "The lab is ready. Everything is computed in this page; nothing is sent anywhere."
      : "The lab is ready. This browser lacks fast arithmetic (WebAssembly with SIMD), so a cloak " +
        "takes some five times as long.",
  working: "How far it is",
  offer: (bytes) => `Try it here (loads ${megabytes(bytes)})`,
  failed: (why) =>
    `The lab could not be loaded (${why}). Check that the server still runs, then ` +
    "reload the page.",
  tooOld:
    "This browser is too old for the lab. It needs module workers: Chrome 80, Firefox 114, " +
    "Safari 15, or later.",

  whose: "1. Whose photographs?",
  rendered: "People of this book, rendered; none exists",
  own: "My own photographs",
  people: "Who wears a cloak",
  peopleHint:
    "Pick one person, or several. All recognisers know these people while nothing is " + "cloaked.",
  person: (name) => `person ${Number(name.slice(1))}`,

  tool: "2. Cloak what they publish",
  toolLabel: "Tool",
  tools: {
    "Fawkes v0.3": "Fawkes v0.3: look like somebody else",
    "Fawkes v1.0": "Fawkes v1.0: look unlike yourself",
    LowKey: "LowKey: unlike yourself, blurred or not",
    "Ten lines": "The ten lines of chapter 1",
  },
  strength: "Strength",
  strengths: { min: "minimal", low: "low", mid: "middle", high: "high", ultra: "ultra" },
  strengthOf: (mode, settings) =>
    `${WORDS.strengths[mode]} (${
      settings.epsilon
        ? `${Math.round(255 * settings.epsilon)} of 255 grey levels`
        : plural(settings.steps, "step", "steps")
    })`,
  published: "Photographs each publishes",
  looks: "Networks that the tool may look at",
  looksHint: "The tool's own choice is ticked.",
  noNetwork: "Tick at least one network for the tool to look at.",
  cloak: "Cloak",
  stop: "Stop",
  fetching: (bytes, total) =>
    `Loading what the tool needs: ${megabytes(bytes)} of ${megabytes(total)}`,
  started: (n) => `Cloaking ${plural(n, "photograph", "photographs")}.`,
  step: (step, steps) => `step ${step} of ${steps}`,
  seconds: (seconds) =>
    `about ${plural(Math.max(1, Math.round(seconds)), "second", "seconds")} left`,
  done: (seconds, stopped) =>
    `${stopped ? "Stopped" : "Done"} after ${seconds.toFixed(1)} seconds.`,
  outcome: (name, after, before, n) =>
    `${name} names ${after} of ${n} later photographs right (${before} when nothing is cloaked)`,
  problem: (why) => `That did not work: ${why}`,

  pictures: "What is published",
  show: "Show",
  photo: (name, i) => `${name}, photograph ${i + 1}`,
  clean: "clean",
  cloaked: "cloaked",
  change: "the change, eight times as strong",
  cleanAlt: (name) => `The photograph of ${name} as it was taken`,
  cloakedAlt: (name) => `The cloaked photograph of ${name}`,
  changeAlt: "The cloaked photograph minus the clean one, enlarged eight times around middle grey",
  dssim: (value) => `DSSIM ${value.toFixed(4)}`,
  scrub: "Step",
  chart: "How far each recogniser's point has moved",
  chartAxis: "step",
  chartAlt: (parts) =>
    `Distance between the embeddings of the clean and the cloaked photograph, by ` +
    `step. At the step shown: ${parts.join(", ")}. Two people are typically 1.4 apart.`,
  notYet: "Nothing is cloaked yet.",

  answers: "3. Who is it?",
  answersHint:
    "Later somebody takes a new photograph, which nobody has changed. Each recogniser looks " +
    "for the nearest photograph among those published. Numbers are cosines: 1 is the same point.",
  later: "Later photograph",
  laterAlt: (name, i) => `Later photograph ${i + 1} of ${name}`,
  publishedClean: "Published clean",
  publishedCloaked: "Published cloaked",
  right: (hits, n) => `${hits} of ${n} right`,
  theRightPerson: "right person",
  you: "you",
  somebody: (who) => `person ${who}`,
  stranger: (who) => `stranger ${who + 1}`,
  ahead: (gap) => `ahead by ${gap.toFixed(2)}`,
  moved: (distance) => `moved by ${distance.toFixed(2)}`,
  seen: "the tool looks at it",
  unseen: "the tool has not seen it",
  notes: {
    "softmax-2014": "A plain network of 2014, which Fawkes v0.3 was made against.",
    "arcface-2019": "A residual network of 2019, which Fawkes v1.0 and LowKey look at.",
    "vit-2025": "A vision transformer of 2025, later than the tools.",
    "adapted-arcface-2019": "The network of 2019 after a trainer showed it other people's cloaks.",
    "dlib-2017": "A real recogniser: dlib's of 2017 learnt from photographs of real people.",
  },
  recorded: ([clean, cloaked, n]) =>
    `Over twenty users: ${percent(clean, n)} named right when clean, ${percent(cloaked, n)} cloaked.`,
  anecdote: (tool, k) =>
    "One face is an anecdote. The rates over twenty users are recorded: each publishes " +
    `${plural(k, "photograph", "photographs")}, cloaked ` +
    (tool === "Ten lines"
      ? "by the ten lines with 8 of 255 grey levels"
      : `by ${tool} at full strength`) +
    ", on the tool's own choice of networks, and is looked for on six later ones.",
  loadReal: (bytes) => `Load it (${megabytes(bytes)})`,
  ownNote: {
    real:
      "This is the answer that counts for your photographs. It compares you with " +
      "47 strangers, of whom only points are stored.",
    rendered:
      "This network learnt from rendered people and compares you with them. Its answer on a " +
      "real face says little.",
  },

  trainer: "4. Be the trainer",
  trainerHint: "The photographs are out. You may still change what you do with them.",
  extractor: "Recogniser",
  all: "all of them",
  leak: "Add a clean photograph of each wearer that somebody else shared",
  purify: "Treat every photograph first",
  purifiers: {
    none: "no",
    "jpeg-75": "JPEG, quality 75",
    "jpeg-30": "JPEG, quality 30",
    blur: "blur",
    resize: "shrink to half and back",
  },
  purifyOwn:
    "Not with your own photographs: of the strangers only points are stored, which cannot " +
    "be treated.",
  two: "Use two recognisers",
  ways: {
    off: "no",
    top2: "Top-2: a person compares both answers",
    threshold: "threshold: the first where it is sure, else the second",
  },
  accurate: "First",
  robust: "Second",
  threshold: "Sure up to a distance of",
  pair: (way, accurate, robust) =>
    way === "top2"
      ? `Top-2: ${accurate} and ${robust}`
      : `${accurate} where it is sure, else ${robust}`,
  pairNote: (way) =>
    way === "top2"
      ? "Right where one of the two names is right: a person looks at both."
      : "Sure is the first recogniser where its nearest neighbour is near enough.",

  ownHint:
    "Two or more photographs of one person who agrees to this, best of yourself. They stay in " +
    "this page: no request leaves it once you have chosen one, and nothing is stored.",
  prepare: (bytes) => `Load what your own photographs need (${megabytes(bytes)})`,
  prepared:
    "Everything is loaded. From your first photograph on, this page asks the server for nothing.",
  choose: "Choose photographs",
  drop: "or drop them here",
  marks:
    "Put one mark on the middle of each eye: drag it, or focus it and use the arrow keys (with " +
    "Shift ten pixels at a time). Enter confirms a mark where it is.",
  eyes: ["eye on the left of the picture", "eye on the right of the picture"],
  mark: (eye, placed) => `Mark for the ${eye}${placed ? "" : ", not placed yet"}`,
  role: "Use it as",
  roles: { published: "published", later: "later photograph" },
  remove: "Remove",
  use: "Use these photographs",
  download: (name) => `Download the cloaked copy of ${name} (PNG, full size)`,
  cloakedName: (name) => `${name.replace(/\.[^.]+$/, "")}-cloaked.png`,
  ownMeans:
    "What this means: whether dlib-2017 would know you on these few photographs, among 47 " +
    "strangers, with and without this cloak. It does not mean that any other recogniser would, or " +
    "would not, and it says nothing about those of tomorrow.",
  locked:
    "This page is closed to the network since you chose a photograph. Reload it to load " +
    "anything else.",
  inUse: (published, later) => `In use: ${published} published, ${later} later.`,
  odd: {
    decode: (name) =>
      `${name} could not be opened: the browser knows no such picture. HEIC files and ` +
      "raw files do not work everywhere; save it as JPEG or PNG.",
    large: (name, megapixels) =>
      `${name} has ${Math.round(megapixels)} megapixels, and the lab takes ` +
      "40 at most. Make it smaller first.",
    small: (name, w, h) => `${name} has only ${w} x ${h} pixels. A face needs 64 at least.`,
    twice: (name, other) =>
      `${name} shows the same picture as ${other}. A recogniser that is asked ` +
      "about a photograph it has would always know it: choose another one.",
    moving: (name) => `${name} moves; its first picture is used.`,
    unmarked: (name) => `Put both marks of ${name} on the eyes first.`,
    oneSpot: (name, pixels) =>
      `The marks of ${name} are ${Math.round(pixels)} pixels apart. Eyes need ` +
      "16 at least: put the marks on two eyes, or use a larger picture.",
    few: "Choose at least two photographs: one to publish, and a later one to be recognised on.",
    roles: "At least one photograph must be published, and at least one must be a later one.",
    three: "At most three photographs are published; the others are later ones.",
  },
};
